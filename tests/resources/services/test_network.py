"""The lake's network: found, or reported as missing before anything is created."""

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
from footlake.deploy.preflight import check_network, check_route_table
from footlake.errors import FootlakeError
from footlake.local.context import CREDENTIALS, Local
from footlake.resources.network import (
    EndpointSecurityGroup,
    S3Endpoint,
    SecurityGroup,
    default_vpc,
    glue_route_table,
    glue_subnet,
    s3_endpoints,
    s3_service,
    subnets,
)
from footlake.resources.walkthrough_extras import S3InterfaceEndpoint
from tests.resources.services.conftest import MakeAws, new_session

REGION = "eu-west-3"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def bare(local_aws: Local) -> None:
    """A region with a default VPC without subnets."""
    ec2 = ec2_of(local_aws)
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])


@pytest.fixture
def elsewhere(make_aws: MakeAws, bare: None) -> Iterator[AwsContext]:
    make_aws()
    yield AwsContext(Config(client_address="127.0.0.1/32", api_key="k"), new_session(REGION))


def ec2_of(local_aws: Local) -> Any:
    make: Any = boto3.client
    return make("ec2", region_name=REGION, endpoint_url=local_aws.endpoint, **CREDENTIALS)


def test_a_default_vpc_without_subnets_is_reported_before_anything_is_created(elsewhere: AwsContext) -> None:
    with pytest.raises(FootlakeError, match="The default VPC in eu-west-3 has no default subnets"):
        bootstrap(elsewhere)
    assert check_network(elsewhere).level == "problem"
    assert not any(
        resource.exists(elsewhere) for resource in catalogue(elsewhere.config) if "parameter" in resource.label
    )


def test_without_a_default_vpc_its_resources_are_absent(elsewhere: AwsContext, local_aws: Local) -> None:
    ec2 = ec2_of(local_aws)
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        ec2.delete_vpc(VpcId=vpc["VpcId"])
    with pytest.raises(FootlakeError, match="no default VPC in eu-west-3"):
        bootstrap(elsewhere)
    assert "no default VPC" in check_network(elsewhere).detail
    group = SecurityGroup("rds-mysql", "127.0.0.1/32")
    for resource in (group, S3Endpoint(), S3InterfaceEndpoint(EndpointSecurityGroup("x"))):
        assert not resource.exists(elsewhere)
        assert resource.destroy(elsewhere) == "absent"


def test_a_security_group_has_not_drifted_if_the_address_is_unknown(make_aws: MakeAws) -> None:
    def unknown() -> str:
        raise FootlakeError("Could not determine the public IP address of this machine.")

    group = SecurityGroup("rds-mysql", "203.0.113.7/32")
    group.ensure(make_aws())
    outcomes = {}
    for address in (lambda: "203.0.113.7", lambda: "203.0.113.8", unknown):
        session = new_session()
        block_changes(session)
        steps = status(AwsContext(Config(), session, patient=False), NOW, address).resources
        outcomes[address] = next(step.outcome for step in steps if step.resource == group.label)
    assert list(outcomes.values()) == ["present", "drifted", "present"]
    group.destroy(make_aws())


def test_only_the_route_table_of_glues_subnet_gets_an_endpoint(make_aws: MakeAws) -> None:
    aws = make_aws()
    ec2, vpc = aws.client("ec2"), default_vpc(aws)
    main = glue_route_table(aws)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

    def theirs(*tables: str) -> str:
        request = {"VpcEndpointType": "Gateway", "VpcId": vpc, "ServiceName": s3_service(aws)}
        return str(ec2.create_vpc_endpoint(**request, RouteTableIds=tables)["VpcEndpoint"]["VpcEndpointId"])

    foreign = theirs(table)

    def ours() -> list[list[str]]:
        endpoints = s3_endpoints(aws, "Gateway")
        return [endpoint["RouteTableIds"] for endpoint in endpoints if endpoint["VpcEndpointId"] != foreign]

    assert S3Endpoint().ensure(aws) == "created"
    assert ours() == [[main]]
    assert S3Endpoint().ensure(aws) == "unchanged"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[foreign])
    endpoint = s3_endpoints(aws, "Gateway")[0]["VpcEndpointId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[table])  # as earlier versions of footlake did
    assert S3Endpoint().ensure(aws) == "updated"
    assert ours() == [[main]]
    assert S3Endpoint().destroy(aws) == "deleted"
    foreign = theirs(main)
    assert S3Endpoint().ensure(aws) == "unchanged"
    assert S3Endpoint().destroy(aws) == "kept"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[foreign])
    ec2.delete_route_table(RouteTableId=table)


def test_an_explicit_association_of_the_subnet_decides_the_route_table(make_aws: MakeAws) -> None:
    aws = make_aws()
    ec2, main = aws.client("ec2"), glue_route_table(aws)
    table = ec2.create_route_table(VpcId=default_vpc(aws))["RouteTable"]["RouteTableId"]
    subnet = glue_subnet(aws)["SubnetId"]
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    assert glue_route_table(aws) == table != main
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=table)


def test_the_plan_announces_the_route_table_of_other_workloads(make_aws: MakeAws) -> None:
    aws = make_aws()
    ec2 = aws.client("ec2")
    interface = ec2.create_network_interface(SubnetId=glue_subnet(aws)["SubnetId"])["NetworkInterface"]
    (finding,) = check_route_table(aws, [S3Endpoint()])
    assert finding.level == "warning"
    assert finding.detail.startswith(f"{glue_route_table(aws)} of the default VPC, with 1 network interface: ")
    S3Endpoint().ensure(aws)
    assert list(check_route_table(aws, [S3Endpoint()])) == []
    S3Endpoint().destroy(aws)
    ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])


def test_the_interface_endpoint_admits_the_vpc_to_https(make_aws: MakeAws) -> None:
    aws = make_aws()
    group = EndpointSecurityGroup("s3-endpoint")
    endpoint = S3InterfaceEndpoint(group)
    assert [group.ensure(aws), endpoint.ensure(aws), endpoint.ensure(aws), group.ensure(aws)] == [
        *("created", "created", "unchanged", "unchanged")
    ]
    block = aws.client("ec2").describe_vpcs(VpcIds=[default_vpc(aws)])["Vpcs"][0]["CidrBlock"]
    (rule,) = (group._read(aws) or {})["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    assert rule["IpRanges"] == [{"CidrIp": block, "Description": "S3 for the VPC"}]
    (used,) = s3_endpoints(aws, "Interface")
    assert [item["GroupId"] for item in used["Groups"]] == [group.id(aws)]
    assert [endpoint.destroy(aws), group.destroy(aws)] == ["deleted", "deleted"]


def test_subnets_that_are_not_default_are_ignored(make_aws: MakeAws) -> None:
    aws = make_aws()
    before = [subnet["SubnetId"] for subnet in subnets(aws)]
    network = ipaddress.ip_network(aws.client("ec2").describe_vpcs()["Vpcs"][0]["CidrBlock"])
    block = str(list(network.subnets(new_prefix=24))[-1])
    theirs = aws.client("ec2").create_subnet(VpcId=default_vpc(aws), CidrBlock=block)["Subnet"]["SubnetId"]
    assert [subnet["SubnetId"] for subnet in subnets(aws)] == before
    aws.client("ec2").delete_subnet(SubnetId=theirs)
