"""An account that is filled resource by resource, in the catalogue's order, on a local AWS of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.resources.base import Resource
from tests.conftest import Cli

CONFIG = Config(
    api_key="a key", client_address="203.0.113.7/32", alert_email="somebody@example.com", as_documented=True
)
# The names only, known without an AWS.
LABELS = [one.label for one in catalogue(replace(CONFIG, account="123456789012", region="us-east-1"))]


@dataclass
class Growing:
    """A lake of which the first so many resources exist."""

    lake: AwsContext
    made: list[str] = field(default_factory=list)

    def before(self, label: str) -> Resource:
        """The resource of that label, not there yet, in an account where all that come before it are."""
        resources = {one.label: one for one in catalogue(self.lake.config)}
        wanted = list(resources)[: list(resources).index(label)]
        for one in reversed([made for made in self.made if made not in wanted]):
            resources[one].destroy(self.lake)
        for one in wanted:
            if one not in self.made:
                resources[one].ensure(self.lake)
        self.made = [*wanted, label]
        resources[label].destroy(self.lake)
        return resources[label]


@pytest.fixture(scope="module")
def lake(cli: Cli) -> AwsContext:
    """The lake of an empty account."""
    cli("local", "start")
    lake = cli.lake()
    lake.config = replace(CONFIG, account=lake.config.account, region=lake.config.region)
    return lake


@pytest.fixture(scope="module")
def growing(lake: AwsContext) -> Growing:
    """The account as it is filled."""
    return Growing(lake)


@pytest.fixture(scope="module", params=LABELS)
def resource(request: pytest.FixtureRequest, growing: Growing) -> Iterator[Resource]:
    """Each resource of the catalogue in turn, absent at first, all that it may need being there."""
    yield growing.before(request.param)
    growing.made.remove(request.param)
