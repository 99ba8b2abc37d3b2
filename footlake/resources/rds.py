"""The MySQL instance and the subnets that it may live in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.database import certificate_authorities, connect
from footlake.errors import NotReady, StepFailed
from footlake.resources.base import Destroyed, Ensured, differs, get_or_none, is_owned, require_owned, tag_list
from footlake.resources.network import SecurityGroup, subnets
from footlake.resources.ssm import SecretParameter

if TYPE_CHECKING:
    from footlake.database import Connection

NOT_FOUND = "DBInstanceNotFound"
FAMILY = "mysql8.4"
# What RDS says until its service-linked role is there, which the first call of an account makes.
_NO_ROLE_YET = ("permission to create service linked role", "Missing necessary credentials")
ENCRYPTED = {"ParameterName": "require_secure_transport", "ParameterValue": "1", "ApplyMethod": "immediate"}
_FAILED = ("failed", "incompatible-network", "incompatible-parameters", "inaccessible-encryption-credentials")


def _create(aws: AwsContext, create: Callable[..., Any], **arguments: Any) -> None:
    aws.retry_until_consistent("RDS to have its role in this account", lambda: create(**arguments), *_NO_ROLE_YET)


@dataclass(frozen=True)
class DBSubnetGroup:
    """The default VPC's default subnets, as RDS wants at least two zones."""

    name: str

    @property
    def label(self) -> str:
        return f"db subnet group {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        rds, group = aws.client("rds"), self._read(aws)
        ids = [subnet["SubnetId"] for subnet in subnets(aws)]
        if group is None:
            _create(
                aws,
                rds.create_db_subnet_group,
                DBSubnetGroupName=self.name,
                DBSubnetGroupDescription="footlake",
                SubnetIds=ids,
                Tags=tag_list(aws),
            )
            return "created"
        require_owned(aws, self.label, lambda: self._tags(aws, group), group["DBSubnetGroupArn"])
        if {subnet["SubnetIdentifier"] for subnet in group["Subnets"]} == set(ids):
            return "unchanged"
        rds.modify_db_subnet_group(DBSubnetGroupName=self.name, SubnetIds=ids)
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        group = self._read(aws)
        if group is None:
            return "absent"
        if not is_owned(aws, self._tags(aws, group)):
            return "kept"
        aws.client("rds").delete_db_subnet_group(DBSubnetGroupName=self.name)
        return "deleted"

    def _tags(self, aws: AwsContext, group: dict[str, Any]) -> Any:
        return aws.client("rds").list_tags_for_resource(ResourceName=group["DBSubnetGroupArn"])["TagList"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(
            aws.client("rds").describe_db_subnet_groups, "DBSubnetGroupNotFoundFault", DBSubnetGroupName=self.name
        )
        return answer["DBSubnetGroups"][0] if answer else None


@dataclass(frozen=True)
class DBParameterGroup:
    """The instance's settings: connections are encrypted or refused."""

    name: str

    @property
    def label(self) -> str:
        return f"db parameter group {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        rds, group = aws.client("rds"), self._read(aws)
        if group is None:
            rds.create_db_parameter_group(
                DBParameterGroupName=self.name,
                DBParameterGroupFamily=FAMILY,
                Description="footlake: MySQL over TLS only",
                Tags=tag_list(aws),
            )
        else:
            require_owned(aws, self.label, lambda: self._tags(aws, group), group["DBParameterGroupArn"])
            pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=self.name)
            values = {one["ParameterName"]: one.get("ParameterValue") for page in pages for one in page["Parameters"]}
            if values.get(ENCRYPTED["ParameterName"]) == ENCRYPTED["ParameterValue"]:
                return "unchanged"
        rds.modify_db_parameter_group(DBParameterGroupName=self.name, Parameters=[ENCRYPTED])
        return "created" if group is None else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        group = self._read(aws)
        if group is None:
            return "absent"
        if not is_owned(aws, self._tags(aws, group)):
            return "kept"
        aws.client("rds").delete_db_parameter_group(DBParameterGroupName=self.name)
        return "deleted"

    def _tags(self, aws: AwsContext, group: dict[str, Any]) -> Any:
        return aws.client("rds").list_tags_for_resource(ResourceName=group["DBParameterGroupArn"])["TagList"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(
            aws.client("rds").describe_db_parameter_groups,
            *("DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"),
            DBParameterGroupName=self.name,
        )
        return answer["DBParameterGroups"][0] if answer and answer["DBParameterGroups"] else None


@dataclass(frozen=True)
class DBInstance:
    """A small MySQL instance with one database. `ensure` asks for it; `address` waits until it answers."""

    seconds: ClassVar = 300.0  # until it does

    name: str
    database: str
    user: str
    password: SecretParameter
    subnet_group: DBSubnetGroup
    parameter_group: DBParameterGroup
    security_group: SecurityGroup

    @property
    def label(self) -> str:
        return f"db instance {self.name}"

    @property
    def traces(self) -> tuple[str, ...]:
        """Patterns of the ARNs of RDS's own backups, which are tagged as the instance is, and go with it."""
        return (f"arn:*:rds:*:snapshot:rds:{self.name}-*", "arn:*:rds:*:auto-backup:*")

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        rds, instance = aws.client("rds"), self._read(aws)
        group = self.security_group.id(aws)
        if instance is not None and instance["DBInstanceStatus"] == "deleting":
            require_owned(aws, self.label, instance.get("TagList"))
            self._wait_until_gone(aws)
            instance = None
        if instance is None:
            _create(
                aws,
                rds.create_db_instance,
                DBInstanceIdentifier=self.name,
                DBName=self.database,
                Engine="mysql",
                EngineVersion="8.4",
                DBInstanceClass="db.t4g.micro",
                AllocatedStorage=20,
                StorageType="gp3",
                StorageEncrypted=True,
                MasterUsername=self.user,
                MasterUserPassword=self.password.get(aws),
                VpcSecurityGroupIds=[group],
                DBSubnetGroupName=self.subnet_group.name,
                DBParameterGroupName=self.parameter_group.name,
                CACertificateIdentifier="rds-ca-rsa2048-g1",
                PubliclyAccessible=True,
                BackupRetentionPeriod=1,
                AutoMinorVersionUpgrade=True,
                CopyTagsToSnapshot=True,
                # Without this, an instance forgotten past its version's end costs some 146 USD a month more.
                EngineLifecycleSupport="open-source-rds-extended-support-disabled",
                Tags=tag_list(aws),
            )
            return "created"
        require_owned(aws, self.label, instance.get("TagList"))
        wanted = {"BackupRetentionPeriod": 1, "PubliclyAccessible": True}
        groups = [one["VpcSecurityGroupId"] for one in instance["VpcSecurityGroups"]]
        settings = [one["DBParameterGroupName"] for one in instance["DBParameterGroups"]]
        if not differs(instance, wanted) and (groups, settings) == ([group], [self.parameter_group.name]):
            return "unchanged"
        rds.modify_db_instance(
            DBInstanceIdentifier=self.name,
            VpcSecurityGroupIds=[group],
            DBParameterGroupName=self.parameter_group.name,  # which takes effect with the next start
            ApplyImmediately=True,
            **wanted,
        )
        return "updated"

    def address(self, aws: AwsContext) -> tuple[str, int]:
        """Host and port, once the instance is available."""

        def answering() -> tuple[str, int] | None:
            instance = self._read(aws)
            if instance is None:
                raise NotReady(f"There is no database instance {self.name}.", "Run footlake bootstrap first.")
            status = instance["DBInstanceStatus"]
            if status in _FAILED:
                raise StepFailed(f"The database instance {self.name} is {status}.", self._reason(aws))
            if status == "stopped":
                raise NotReady(
                    f"The database instance {self.name} is stopped.",
                    "Start it in RDS (start-db-instance), then run the command again.",
                )
            if status != "available":
                return None
            return instance["Endpoint"]["Address"], int(instance["Endpoint"]["Port"])

        return aws.wait_until(f"database instance {self.name}", answering, every=10, limit=1800)

    def connect(self, aws: AwsContext) -> Connection:
        """A connection to the database as its user, once it answers."""
        host, port = self.address(aws)
        return connect(
            host, port, self.user, self.password.get(aws), self.database, certificate_authorities(aws.config)
        )

    def destroy(self, aws: AwsContext) -> Destroyed:
        rds, instance = aws.client("rds"), self._read(aws)
        if instance is None:
            return "absent"
        if not is_owned(aws, instance.get("TagList")):
            return "kept"
        if instance["DBInstanceStatus"] != "deleting":
            if instance.get("DeletionProtection"):
                rds.modify_db_instance(DBInstanceIdentifier=self.name, DeletionProtection=False, ApplyImmediately=True)
            rds.delete_db_instance(DBInstanceIdentifier=self.name, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)
        self._wait_until_gone(aws)
        return "deleted"

    def _wait_until_gone(self, aws: AwsContext) -> None:
        aws.wait_until(
            f"database instance {self.name} to go",
            lambda: True if self._read(aws) is None else None,
            every=10,
            limit=1800,
        )

    def _reason(self, aws: AwsContext) -> str:
        """What RDS says of the newest failure."""
        try:
            events = aws.client("rds").describe_events(
                SourceIdentifier=self.name, SourceType="db-instance", Duration=7 * 24 * 60, EventCategories=["failure"]
            )["Events"]
        except ClientError:  # that it failed is to be told all the same
            events = []
        return str(events[-1]["Message"]) if events else "Its events in RDS may say why."

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(
            aws.client("rds").describe_db_instances,
            NOT_FOUND,
            f"{NOT_FOUND}Fault",
            DBInstanceIdentifier=self.name,
        )
        return answer["DBInstances"][0] if answer else None
