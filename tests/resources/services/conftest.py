"""AwsContext for the local AWS inside the test process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.local.context import CREDENTIALS, Local

MakeAws = Callable[..., AwsContext]


@dataclass
class Answer:
    """The HTTP response in an answer to botocore's event `before-call`, which replaces the request."""

    status_code: int


def new_session(region: str = "us-east-1", **credentials: str) -> Any:
    """Return a boto3 session with these credentials, by default with the administrator's."""
    arguments: dict[str, Any] = credentials or CREDENTIALS
    return boto3.Session(region_name=region, **arguments)


@pytest.fixture
def make_aws(local_aws: Local, monkeypatch: pytest.MonkeyPatch) -> MakeAws:
    """Return a function that makes contexts for these credentials, by default for the administrator's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)

    def make(**credentials: Any) -> AwsContext:
        return AwsContext(Config(client_address="127.0.0.1/32"), new_session(**credentials))

    return make


@pytest.fixture
def aws(make_aws: MakeAws) -> AwsContext:
    return make_aws()
