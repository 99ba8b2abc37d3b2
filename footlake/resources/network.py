"""The database's network: the account's default VPC, a security group, and the VPC endpoint from Glue to S3."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.base import BaseResource, Ensured, OwnedResource, tag_list

MYSQL_PORT = 3306
# Protocol, first port, last port, kind of source and source.
_Rule = tuple[str, int, int, str, str]
# The members of a security group's rule that list its sources, and the member of each source that identifies it.
_SOURCES = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}


def find_default_vpc(aws: AwsContext) -> str:
    """Return the id of the default VPC; empty if the account has no default VPC."""
    vpcs = aws.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return str(vpcs[0]["VpcId"]) if vpcs else ""


def _discovered_vpc(aws: AwsContext) -> str:
    """Return the id of the default VPC from `aws.discovered`, or else from AWS."""
    return aws.discovered.vpc or find_default_vpc(aws)


def default_vpc(aws: AwsContext) -> str:
    """Return the id of the default VPC. Raises FootlakeError if the account has no default VPC."""
    vpc = _discovered_vpc(aws)
    if not vpc:
        raise FootlakeError(
            f"The account has no default VPC in {aws.config.region}.",
            "Create one: aws ec2 create-default-vpc",
        )
    return vpc


def subnets(aws: AwsContext) -> Sequence[Mapping[str, Any]]:
    """Return the default VPC's default subnets in a stable order, from `aws.discovered` or else from AWS.

    There is one in each zone, with a route to the internet. Other subnets may be private or in a zone without RDS.
    Raises FootlakeError if the VPC has no default subnets.
    """
    if aws.discovered.subnets:
        return aws.discovered.subnets
    filters = [{"Name": "vpc-id", "Values": [default_vpc(aws)]}, {"Name": "default-for-az", "Values": ["true"]}]
    default_subnets = aws.client("ec2").describe_subnets(Filters=filters)["Subnets"]
    if not default_subnets:
        raise FootlakeError(
            f"The default VPC in {aws.config.region} has no default subnets.",
            "Create one in each of two availability zones: aws ec2 create-default-subnet --availability-zone ZONE",
        )
    return sorted(default_subnets, key=lambda subnet: (subnet["AvailabilityZone"], subnet["SubnetId"]))


def glue_subnet(aws: AwsContext) -> Mapping[str, Any]:
    """Return the subnet in which Glue's jobs and crawlers with a connection run."""
    return subnets(aws)[0]


def tag_specifications(aws: AwsContext, kind: str, name: str) -> list[dict[str, Any]]:
    """Return the lake's tags and a name in the form of EC2's calls that create a resource of this kind."""
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, *tag_list(aws)]}]


class SecurityGroupBase(OwnedResource):
    """A security group of the default VPC whose inbound rules are exactly those of `_rules`."""

    kind = "security group"
    description: ClassVar[str]

    def id(self, aws: AwsContext) -> str | None:
        """Return the group's id, or None if the group does not exist."""
        group = self._read(aws)
        return str(group["GroupId"]) if group else None

    def _create(self, aws: AwsContext) -> None:
        ec2 = aws.client("ec2")
        group_id = ec2.create_security_group(
            GroupName=self.name,
            Description=self.description,
            VpcId=default_vpc(aws),
            TagSpecifications=tag_specifications(aws, "security-group", self.name),
        )["GroupId"]
        aws.retry_until_consistent(
            f"{self.label} to be visible",
            lambda: ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=self._rules(aws, group_id)),
            "InvalidGroup.NotFound",
        )
        aws.wait_until(f"{self.label} to be listed", lambda: self.id(aws), every=2, limit=90)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        ec2, group_id = aws.client("ec2"), state["GroupId"]
        actual, desired = _split_rules(state.get("IpPermissions", [])), _split_rules(self._rules(aws, group_id))
        if superfluous := {rule: "" for rule in actual if rule not in desired}:
            ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=_to_api(superfluous))
        if missing := {rule: desired[rule] for rule in desired if rule not in actual}:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=_to_api(missing))
        return actual.keys() != desired.keys()

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        delete_group(aws, state["GroupId"], self.name)

    @abstractmethod
    def _rules(self, aws: AwsContext, group_id: str) -> list[dict[str, Any]]:
        """Return the inbound rules of the group with this id, in the form of EC2's API."""

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        vpc = _discovered_vpc(aws)
        if not vpc:
            return None
        filters = [{"Name": "group-name", "Values": [self.name]}, {"Name": "vpc-id", "Values": [vpc]}]
        groups = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        return groups[0] if groups else None


@dataclass(frozen=True)
class SecurityGroup(SecurityGroupBase):
    """The database's security group. It admits the caller's address to MySQL's port, and its members on every port."""

    description = "footlake: MySQL for the operator and Glue"

    name: str
    client_address: str

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        self._delete_interfaces(aws, state["GroupId"])
        super()._delete(aws, state)

    def _delete_interfaces(self, aws: AwsContext, group_id: str) -> None:
        """Delete the network interfaces that Glue's jobs and crawlers left in the group, which have Glue's tag."""
        filters = [
            {"Name": "group-id", "Values": [group_id]},
            {"Name": "tag-key", "Values": ["aws-glue-service-resource"]},
            {"Name": "status", "Values": ["available"]},
        ]
        for interface in aws.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]:
            aws.client("ec2").delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])

    def _rules(self, aws: AwsContext, group_id: str) -> list[dict[str, Any]]:
        return [
            _tcp_rule(MYSQL_PORT, MYSQL_PORT, "IpRanges", self.client_address, "MySQL for the operator"),
            # Glue requires that the members of a connection's group reach each other on every TCP port.
            _tcp_rule(0, 65535, "UserIdGroupPairs", group_id, "Glue and the database"),
        ]


@dataclass(frozen=True)
class EndpointSecurityGroup(SecurityGroupBase):
    """The security group of the S3 interface endpoint, through which the whole VPC reaches S3."""

    description = "footlake: S3 for the VPC"

    name: str

    def _rules(self, aws: AwsContext, group_id: str) -> list[dict[str, Any]]:
        vpc = aws.client("ec2").describe_vpcs(VpcIds=[default_vpc(aws)])["Vpcs"][0]
        ipv4 = [item["CidrBlock"] for item in vpc.get("CidrBlockAssociationSet", ()) if _is_associated(item)]
        ipv6 = [item["Ipv6CidrBlock"] for item in vpc.get("Ipv6CidrBlockAssociationSet", ()) if _is_associated(item)]
        purpose = "S3 for the VPC"
        return [
            *(_tcp_rule(443, 443, "IpRanges", block, purpose) for block in ipv4 or [vpc["CidrBlock"]]),
            *(_tcp_rule(443, 443, "Ipv6Ranges", block, purpose) for block in ipv6),
        ]


def _is_associated(block: Mapping[str, Any]) -> bool:
    state = block.get("CidrBlockState") or block.get("Ipv6CidrBlockState") or {}
    return bool(state.get("State", "associated") == "associated")


def _tcp_rule(first: int, last: int, kind: str, source: str, description: str) -> dict[str, Any]:
    """Return a rule that admits one source to a range of TCP ports."""
    sources = [{_SOURCES[kind]: source, "Description": description}]
    return {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, kind: sources}


def _split_rules(rules: list[dict[str, Any]]) -> dict[_Rule, str]:
    """Return protocol, first port, last port, kind of source and source, with the description, for each source."""
    return {
        (rule["IpProtocol"], rule.get("FromPort", -1), rule.get("ToPort", -1), kind, source[member]): source.get(
            "Description", ""
        )
        for rule in rules
        for kind, member in _SOURCES.items()
        for source in rule.get(kind, [])
    }


def _to_api(rules: dict[_Rule, str]) -> list[dict[str, Any]]:
    """Return what `_split_rules` returns in the form of EC2's API."""
    return [
        {
            "IpProtocol": protocol,
            "FromPort": first,
            "ToPort": last,
            kind: [{_SOURCES[kind]: source, **({"Description": description} if description else {})}],
        }
        for (protocol, first, last, kind, source), description in sorted(rules.items())
    ]


def delete_group(aws: AwsContext, group_id: str, name: str) -> None:
    """Delete a security group that nothing uses any longer."""
    aws.retry_until_consistent(
        f"security group {name} to be unused",
        lambda: aws.client("ec2").delete_security_group(GroupId=group_id),
        "DependencyViolation",
    )


def s3_service(aws: AwsContext) -> str:
    """Return the service name of S3 for VPC endpoints."""
    return f"com.amazonaws.{aws.config.region}.s3"


def s3_endpoints(aws: AwsContext, kind: str, *also: str) -> list[dict[str, Any]]:
    """Return the default VPC's endpoints of this kind to S3. Ended ones only in the states `also`."""
    vpc = _discovered_vpc(aws)
    if not vpc:
        return []
    filters = [
        {"Name": "vpc-id", "Values": [vpc]},
        {"Name": "service-name", "Values": [s3_service(aws)]},
        {"Name": "vpc-endpoint-type", "Values": [kind]},
    ]
    endpoints = aws.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    ended = {"deleting", "deleted", "failed", "rejected"} - set(also)
    return [endpoint for endpoint in endpoints if endpoint["State"].lower() not in ended]


def create_s3_endpoint(aws: AwsContext, kind: str, **settings: Any) -> None:
    """Create an endpoint of this kind to S3 in the default VPC."""
    aws.client("ec2").create_vpc_endpoint(
        VpcEndpointType=kind,
        VpcId=default_vpc(aws),
        ServiceName=s3_service(aws),
        TagSpecifications=tag_specifications(aws, "vpc-endpoint", "footlake-s3"),
        ClientToken=str(uuid.uuid4()),  # so that a retry of the SDK does not create a second endpoint
        **settings,
    )


def delete_endpoint(aws: AwsContext, label: str, endpoint: dict[str, Any]) -> None:
    """Delete a VPC endpoint, asynchronously. EC2 reports a refusal in the response, not as an error."""
    refused = aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])["Unsuccessful"]
    if refused:
        raise FootlakeError(f"Could not delete the {label}: {refused[0]['Error']['Message']}")


class S3EndpointBase(BaseResource):
    """An endpoint to S3 in the default VPC, of this lake or else of another owner."""

    endpoint_type: ClassVar[str]

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        delete_endpoint(aws, self.label, state)

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        """Return this lake's endpoint, or else another one."""
        return self._choose(aws, s3_endpoints(aws, self.endpoint_type))

    def _choose(self, aws: AwsContext, endpoints: list[dict[str, Any]]) -> dict[str, Any] | None:
        return min(endpoints, key=lambda endpoint: not self._is_ours(aws, endpoint), default=None)


@dataclass(frozen=True)
class S3Endpoint(S3EndpointBase):
    """A gateway endpoint, free of charge, for Glue in the VPC to reach S3.

    It serves the route table of Glue's subnet only, because a new endpoint drops open connections to S3 of everything
    that uses the table. An endpoint of another owner in that table serves Glue as well.
    """

    endpoint_type = "Gateway"

    @property
    def label(self) -> str:
        return "vpc endpoint s3"

    def ensure(self, aws: AwsContext) -> Ensured:
        table, endpoints = glue_route_table(aws), s3_endpoints(aws, self.endpoint_type)
        endpoint = self._choose(aws, endpoints)
        if endpoint and self._is_ours(aws, endpoint):
            tables = endpoint.get("RouteTableIds", [])
            # A route table can have only one endpoint to S3.
            added = [] if table in _routed(endpoints) else [table]
            removed = [other for other in tables if other != table]
            if not added and not removed:
                return "unchanged"
            changes = {"AddRouteTableIds": added, "RemoveRouteTableIds": removed}
            aws.client("ec2").modify_vpc_endpoint(
                VpcEndpointId=endpoint["VpcEndpointId"], **{name: ids for name, ids in changes.items() if ids}
            )
            return "updated"
        if table in _routed(endpoints):
            return "unchanged"
        create_s3_endpoint(aws, self.endpoint_type, RouteTableIds=[table])
        return "created"

    def new_route_table(self, aws: AwsContext) -> str:
        """Return the id of the route table that `ensure` would add the endpoint to; empty if it has one already."""
        table = glue_route_table(aws)
        return "" if table in _routed(s3_endpoints(aws, self.endpoint_type)) else table


def _routed(endpoints: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of all route tables of these endpoints."""
    return {table for endpoint in endpoints for table in endpoint.get("RouteTableIds", [])}


def count_interfaces(aws: AwsContext) -> int:
    """Return the number of network interfaces in the default VPC."""
    pages = aws.client("ec2").get_paginator("describe_network_interfaces")
    filters = [{"Name": "vpc-id", "Values": [default_vpc(aws)]}]
    return sum(len(page.get("NetworkInterfaces", ())) for page in pages.paginate(Filters=filters))


def glue_route_table(aws: AwsContext) -> str:
    """Return the id of the route table of the subnet in which Glue runs: its own one, or else the VPC's main one."""
    tables = aws.client("ec2").describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [default_vpc(aws)]}])
    subnet, main = glue_subnet(aws)["SubnetId"], ""
    for table in tables["RouteTables"]:
        associations = table.get("Associations", ())
        if any(association.get("SubnetId") == subnet for association in associations):
            return str(table["RouteTableId"])
        if any(association.get("Main") for association in associations):
            main = str(table["RouteTableId"])
    return main
