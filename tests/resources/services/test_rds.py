"""The database instance: its MySQL version, and the CA certificates that its connections need."""

from __future__ import annotations

from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.config import Config
from footlake.database import check_authorities
from footlake.deploy.preflight import check_certificates
from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.resources.rds import offered_version
from tests.resources.services.conftest import Answer, new_session


def offer(aws: AwsContext, default: list[str], offered: list[str]) -> None:
    """Let RDS offer these versions of MySQL, of which `default` is the default."""

    def answer(params: dict[str, Any], **_: Any) -> Any:
        versions = default if params["body"].get("DefaultOnly") == "true" else offered
        members = [{"Engine": "mysql", "EngineVersion": version} for version in versions]
        return Answer(200), {"DBEngineVersions": members}

    aws.client("rds").meta.events.register("before-call.rds.DescribeDBEngineVersions", answer)


@pytest.mark.parametrize(
    ("default", "offered", "chosen"),
    [
        (["8.4.7"], ["8.4.7", "8.4.11"], "8.4.7"),
        ([], ["8.4.9", "8.4.11", "8.4.10"], "8.4.11"),
        (["8.0.42"], ["8.0.42"], "8.4"),
        ([], [], "8.4"),
    ],
)
def test_version_is_the_default_or_the_newest_that_rds_offers(
    aws: AwsContext, default: list[str], offered: list[str], chosen: str
) -> None:
    offer(aws, default, offered)
    assert offered_version(aws) == chosen


def test_a_region_whose_authorities_are_unknown_is_refused_before_the_first_change(
    local_aws: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", local_aws.endpoint)
    aws = AwsContext(Config(client_address="127.0.0.1/32"), new_session("mx-central-1"))
    buckets = aws.client("s3").list_buckets()["Buckets"]
    with pytest.raises(FootlakeError, match="no CA certificates for databases in mx-central-1") as refused:
        bootstrap(aws)
    assert "mx-central-1/mx-central-1-bundle.pem and set FOOTLAKE_MYSQL_CA" in refused.value.hint
    assert aws.client("s3").list_buckets()["Buckets"] == buckets
    assert check_certificates(aws).level == "problem"


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-2", "ap-southeast-4"])
def test_regions_whose_authorities_are_known_are_accepted(region: str) -> None:
    check_authorities(Config(region=region))


def test_a_setting_names_the_authorities_of_a_new_region() -> None:
    check_authorities(Config(region="mx-central-1", mysql_ca="mx-central-1-bundle.pem"))
