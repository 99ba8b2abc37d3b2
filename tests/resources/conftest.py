"""An account that is filled resource by resource, in the catalogue's order, on a separate local AWS."""

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
    api_key="0123456789abcdef0123456789abcdef",
    client_address="203.0.113.7/32",
    alert_email="somebody@example.com",
    database="weekly",
    as_documented=True,
)
# The labels do not depend on the account, so that tests can be collected without an AWS.
LABELS = [resource.label for resource in catalogue(replace(CONFIG, account="123456789012", region="us-east-1"))]


@dataclass
class GrowingLake:
    """A lake of which the resources in `created` exist."""

    aws: AwsContext
    created: list[str] = field(default_factory=list)

    def prepare(self, label: str) -> Resource:
        """Create all resources before this one in the catalogue, delete it and all after it, and return it."""
        resources = {resource.label: resource for resource in catalogue(self.aws.config)}
        earlier = list(resources)[: list(resources).index(label)]
        for surplus in reversed([created for created in self.created if created not in earlier]):
            resources[surplus].destroy(self.aws)
        for missing in [other for other in earlier if other not in self.created]:
            resources[missing].ensure(self.aws)
        self.created = [*earlier, label]
        resources[label].destroy(self.aws)
        return resources[label]


@pytest.fixture(scope="module")
def aws(cli: Cli) -> AwsContext:
    """An empty account."""
    cli("local", "start")
    aws = cli.lake()
    aws.config = replace(CONFIG, account=aws.config.account, region=aws.config.region)
    return aws


@pytest.fixture(scope="module")
def growing_lake(aws: AwsContext) -> GrowingLake:
    """The lake of that account, to be filled resource by resource."""
    return GrowingLake(aws)


@pytest.fixture(scope="module", params=LABELS)
def resource(request: pytest.FixtureRequest, growing_lake: GrowingLake) -> Iterator[Resource]:
    """Each resource of the catalogue: absent, while all that it may depend on exist."""
    yield growing_lake.prepare(request.param)
    growing_lake.created.remove(request.param)
