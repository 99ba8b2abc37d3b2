"""A lake on the local AWS inside the test process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.local.context import CREDENTIALS, Local

Make = Callable[..., AwsContext]


@dataclass
class Answer:
    """An answer that no server gave, for botocore's event `before-call`."""

    status_code: int


@pytest.fixture
def make_lake(local_aws: Local, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Lakes of that AWS: of these credentials, or of the one that may do everything."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)

    def make(**credentials: Any) -> AwsContext:
        session: Any = boto3.Session(region_name="us-east-1", **(credentials or CREDENTIALS))
        return AwsContext(Config(client_address="127.0.0.1/32"), session)

    return make


@pytest.fixture
def lake(make_lake: Make) -> AwsContext:
    return make_lake()
