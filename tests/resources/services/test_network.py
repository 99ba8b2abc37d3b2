"""The network that a lake lives in: there, or told to be missing before anything is made."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.status import status
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.plan import block_changes
from footlake.deploy.preflight import check_network
from footlake.errors import FootlakeError
from footlake.local.context import CREDENTIALS, Local
from footlake.resources.network import (
    S3Endpoint,
    SecurityGroup,
    default_vpc,
    s3_endpoints,
    s3_service,
    subnets,
)
from footlake.resources.walkthrough_extras import S3InterfaceEndpoint
from tests.resources.services.conftest import Make

REGION = "eu-west-3"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def bare(local_aws: Local) -> None:
    """A region with a default VPC without subnets."""
    ec2 = ec2_of(local_aws)
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


@pytest.fixture
def elsewhere(make_lake: Make, bare: None) -> Iterator[AwsContext]:
    make_lake()
    session: Any = boto3.Session(region_name=REGION, **CREDENTIALS)
    yield AwsContext(Config(client_address="127.0.0.1/32", api_key="k"), session)


def ec2_of(local_aws: Local) -> Any:
    make: Any = boto3.client
    return make("ec2", region_name=REGION, endpoint_url=local_aws.endpoint, **CREDENTIALS)


def test_a_default_vpc_without_subnets_is_told_before_anything_is_made(elsewhere: AwsContext) -> None:
    with pytest.raises(FootlakeError, match="The default VPC in eu-west-3 has no default subnets"):
        bootstrap(elsewhere)
    assert check_network(elsewhere).level == "problem"
    assert not any(one.exists(elsewhere) for one in catalogue(elsewhere.config) if "parameter" in one.label)


def test_where_there_is_no_default_vpc_there_is_nothing_in_it(elsewhere: AwsContext, local_aws: Local) -> None:
    ec2 = ec2_of(local_aws)
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        ec2.delete_vpc(VpcId=vpc["VpcId"])
    with pytest.raises(FootlakeError, match="no default VPC in eu-west-3"):
        bootstrap(elsewhere)
    assert "no default VPC" in check_network(elsewhere).detail
    group = SecurityGroup("rds-mysql", "127.0.0.1/32")
    for one in (group, S3Endpoint(), S3InterfaceEndpoint(group)):
        assert not one.exists(elsewhere)
        assert one.destroy(elsewhere) == "absent"


def test_a_security_group_has_not_drifted_where_no_address_is_set(make_lake: Make) -> None:
    def unknown() -> str:
        raise FootlakeError("Could not find out this machine's public address.")

    group = SecurityGroup("rds-mysql", "203.0.113.7/32")
    group.ensure(make_lake())
    said = {}
    for address in (lambda: "203.0.113.7", lambda: "203.0.113.8", unknown):
        session: Any = boto3.Session(region_name="us-east-1", **CREDENTIALS)
        block_changes(session)
        steps = status(AwsContext(Config(), session, patient=False), NOW, address).resources
        said[address] = next(step.outcome for step in steps if step.resource == group.label)
    assert list(said.values()) == ["present", "drifted", "present"]
    group.destroy(make_lake())


def test_route_tables_that_somebodys_endpoint_leaves_out_get_one(make_lake: Make) -> None:
    lake = make_lake()
    ec2, vpc = lake.client("ec2"), default_vpc(lake)
    tables = {one["RouteTableId"] for one in ec2.describe_route_tables()["RouteTables"] if one["VpcId"] == vpc}
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

    def theirs(*tables: str) -> str:
        asked = {"VpcEndpointType": "Gateway", "VpcId": vpc, "ServiceName": s3_service(lake)}
        return str(ec2.create_vpc_endpoint(**asked, RouteTableIds=tables)["VpcEndpoint"]["VpcEndpointId"])

    some = theirs(table)
    assert S3Endpoint().ensure(lake) == "created"
    assert [set(one["RouteTableIds"]) for one in s3_endpoints(lake, "Gateway") if one["VpcEndpointId"] != some] == [
        tables
    ]
    assert S3Endpoint().ensure(lake) == "unchanged"
    assert S3Endpoint().destroy(lake) == "deleted"
    assert S3Endpoint().destroy(lake) == "kept"
    others = theirs(*tables)
    assert S3Endpoint().ensure(lake) == "unchanged"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[some, others])
    ec2.delete_route_table(RouteTableId=table)


def test_subnets_that_somebody_added_are_left_out(make_lake: Make) -> None:
    lake = make_lake()
    before = [one["SubnetId"] for one in subnets(lake)]
    network = ipaddress.ip_network(lake.client("ec2").describe_vpcs()["Vpcs"][0]["CidrBlock"])
    block = str(list(network.subnets(new_prefix=24))[-1])
    theirs = lake.client("ec2").create_subnet(VpcId=default_vpc(lake), CidrBlock=block)["Subnet"]["SubnetId"]
    assert [one["SubnetId"] for one in subnets(lake)] == before
    lake.client("ec2").delete_subnet(SubnetId=theirs)
