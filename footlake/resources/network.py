"""The network around the database: the account's default VPC, a security group, a way from Glue to S3."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.base import Destroyed, Ensured, is_owned, require_owned, tag_list

MYSQL_PORT = 3306
# Where a rule of a security group names who may come in.
_SOURCES = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}


def find_default_vpc(aws: AwsContext) -> str:
    """The id of the default VPC, or nothing where there is none."""
    vpcs = aws.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return str(vpcs[0]["VpcId"]) if vpcs else ""


def _known_vpc(aws: AwsContext) -> str:
    """Its id, or nothing, as `lake.known` has it or else looked up."""
    return aws.discovered.vpc or find_default_vpc(aws)


def default_vpc(aws: AwsContext) -> str:
    """The id of the default VPC; FootlakeError if there is none."""
    vpc = _known_vpc(aws)
    if not vpc:
        raise FootlakeError(
            f"The account has no default VPC in {aws.config.region}.",
            "Create one: aws ec2 create-default-vpc",
        )
    return vpc


def subnets(aws: AwsContext) -> Sequence[Mapping[str, Any]]:
    """The default VPC's default subnets, in a stable order, as `lake.known` has them or else looked up.

    One to a zone, with a way out to the internet; others may be private, or in a zone without RDS. FootlakeError if
    there are none.
    """
    if aws.discovered.subnets:
        return aws.discovered.subnets
    filters = [{"Name": "vpc-id", "Values": [default_vpc(aws)]}, {"Name": "default-for-az", "Values": ["true"]}]
    found = aws.client("ec2").describe_subnets(Filters=filters)["Subnets"]
    if not found:
        raise FootlakeError(
            f"The default VPC in {aws.config.region} has no default subnets.",
            "Create two: aws ec2 create-default-subnet --availability-zone ZONE",
        )
    return sorted(found, key=lambda subnet: (subnet["AvailabilityZone"], subnet["SubnetId"]))


def _specification(aws: AwsContext, kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, *tag_list(aws)]}]


@dataclass(frozen=True)
class SecurityGroup:
    """Who reaches the database: the caller's own address on MySQL's port, and the group's members among themselves."""

    name: str
    client_address: str

    @property
    def label(self) -> str:
        return f"security group {self.name}"

    def id(self, aws: AwsContext) -> str | None:
        """Its id, or None where it is not there."""
        group = self._read(aws)
        return str(group["GroupId"]) if group else None

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        ec2, group = aws.client("ec2"), self._read(aws)
        if group is None:
            id = ec2.create_security_group(
                GroupName=self.name,
                Description="footlake: MySQL for the operator and Glue",
                VpcId=default_vpc(aws),
                TagSpecifications=_specification(aws, "security-group", self.name),
            )["GroupId"]
            aws.retry_until_consistent(
                f"{self.label} to be known",
                lambda: ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=self._rules(id)),
                "InvalidGroup.NotFound",
            )
            aws.wait_until(f"{self.label} to be listed", lambda: self.id(aws), every=2, limit=90)
            return "created"
        require_owned(aws, self.label, group.get("Tags"))
        id = group["GroupId"]
        actual, wanted = _flat(group["IpPermissions"]), _flat(self._rules(id))
        if actual == wanted:
            return "unchanged"
        if actual - wanted:
            ec2.revoke_security_group_ingress(GroupId=id, IpPermissions=_unflat(actual - wanted))
        if wanted - actual:
            ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=_unflat(wanted - actual))
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        group = self._read(aws)
        if group is None:
            return "absent"
        if not is_owned(aws, group.get("Tags")):
            return "kept"
        self._delete_interfaces(aws, group["GroupId"])
        delete_group(aws, group["GroupId"], self.name)
        return "deleted"

    def _delete_interfaces(self, aws: AwsContext, id: str) -> None:
        """Delete the network interfaces that Glue's jobs and crawlers left in the group; Glue tags them so."""
        filters = [
            {"Name": "group-id", "Values": [id]},
            {"Name": "tag-key", "Values": ["aws-glue-service-resource"]},
            {"Name": "status", "Values": ["available"]},
        ]
        for one in aws.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
            aws.client("ec2").delete_network_interface(NetworkInterfaceId=one["NetworkInterfaceId"])

    def _rules(self, id: str) -> list[dict[str, Any]]:
        return [
            {
                "IpProtocol": "tcp",
                "FromPort": MYSQL_PORT,
                "ToPort": MYSQL_PORT,
                "IpRanges": [{"CidrIp": self.client_address}],
            },
            # Glue demands that the group of a connection lets its members talk on every TCP port.
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "UserIdGroupPairs": [{"GroupId": id}]},
        ]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        vpc = _known_vpc(aws)
        if not vpc:
            return None
        filters = [{"Name": "group-name", "Values": [self.name]}, {"Name": "vpc-id", "Values": [vpc]}]
        groups = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        return groups[0] if groups else None


def _flat(rules: list[dict[str, Any]]) -> set[tuple[str, int, int, str, str]]:
    """Rules as comparable tuples, one per source."""
    return {
        (rule["IpProtocol"], rule.get("FromPort", -1), rule.get("ToPort", -1), kind, one[member])
        for rule in rules
        for kind, member in _SOURCES.items()
        for one in rule.get(kind, [])
    }


def _unflat(rules: set[tuple[str, int, int, str, str]]) -> list[dict[str, Any]]:
    return [
        {"IpProtocol": protocol, "FromPort": first, "ToPort": last, kind: [{_SOURCES[kind]: source}]}
        for protocol, first, last, kind, source in sorted(rules)
    ]


def delete_group(aws: AwsContext, id: str, name: str) -> None:
    """Delete a security group as soon as nothing uses it."""
    aws.retry_until_consistent(
        f"security group {name} to be unused",
        lambda: aws.client("ec2").delete_security_group(GroupId=id),
        "DependencyViolation",
    )


def s3_service(aws: AwsContext) -> str:
    """S3's name among what an endpoint can lead to."""
    return f"com.amazonaws.{aws.config.region}.s3"


def s3_endpoints(aws: AwsContext, kind: str, *also: str) -> list[dict[str, Any]]:
    """The default VPC's endpoints of this kind to S3; those that have ended only in the states `also`."""
    vpc = _known_vpc(aws)
    if not vpc:
        return []
    filters = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "service-name", "Values": [s3_service(aws)]},
        {"Name": "vpc-endpoint-type", "Values": [kind]},
    ]
    endpoints = aws.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    ended = {"deleting", "deleted", "failed", "rejected"} - set(also)
    return [one for one in endpoints if one["State"].lower() not in ended]


def ours_first(aws: AwsContext, endpoints: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The lake's endpoint, or else somebody's, or none."""
    return min(endpoints, key=lambda one: not is_owned(aws, one.get("Tags")), default=None)


def delete_endpoint(aws: AwsContext, label: str, endpoint: dict[str, Any]) -> None:
    """Ask for an endpoint's deletion. A refusal comes as an answer here, not as an error."""
    refused = aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["Unsuccessful"]
    if refused:
        raise FootlakeError(f"Could not delete the {label}: {refused[0]['Error']['Message']}")


@dataclass(frozen=True)
class S3Endpoint:
    """A gateway endpoint, free of charge, through which Glue in the VPC reaches S3.

    Where there are others, only for the route tables that they leave out.
    """

    @property
    def label(self) -> str:
        return "vpc endpoint s3"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        ec2, vpc, endpoints = aws.client("ec2"), default_vpc(aws), s3_endpoints(aws, "Gateway")
        found = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        # A table takes one endpoint to S3, whoever's it is.
        missing = {table["RouteTableId"] for table in found}.difference(*(one["RouteTableIds"] for one in endpoints))
        if endpoints and not missing:
            return "unchanged"
        endpoint = ours_first(aws, endpoints)
        if endpoint and is_owned(aws, endpoint.get("Tags")):
            ec2.modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], AddRouteTableIds=sorted(missing))
            return "updated"
        ec2.create_vpc_endpoint(
            VpcEndpointType="Gateway",
            VpcId=vpc,
            ServiceName=s3_service(aws),
            RouteTableIds=sorted(missing),
            TagSpecifications=_specification(aws, "vpc-endpoint", "footlake-s3"),
            ClientToken=str(uuid.uuid4()),  # so that the SDK may ask again without making another
        )
        return "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        endpoint = self._read(aws)
        if endpoint is None:
            return "absent"
        if not is_owned(aws, endpoint.get("Tags")):
            return "kept"
        delete_endpoint(aws, self.label, endpoint)
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        return ours_first(aws, s3_endpoints(aws, "Gateway"))
