"""The MySQL instance, its subnet group and its parameter group."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.database import certificate_authorities, connect
from footlake.errors import BOOTSTRAP_FIRST, FootlakeCommand, Hint, NotReady, StepFailed
from footlake.resources.base import Ensured, OwnedResource, differs, get_member, require_owned, tag_list
from footlake.resources.network import SecurityGroup, subnets
from footlake.resources.ssm import SecretParameter

if TYPE_CHECKING:
    from footlake.database import Connection

SERIES = "8.4"
FAMILY = f"mysql{SERIES}"
# RDS's messages until its service-linked role exists. The first call in an account creates the role.
_NO_ROLE_YET = ("permission to create service linked role", "Missing necessary credentials")
ENCRYPTED = {"ParameterName": "require_secure_transport", "ParameterValue": "1", "ApplyMethod": "immediate"}
_STOPPED = ("stopping", "stopped")
_FAILED = ("failed", "incompatible-network", "incompatible-parameters", "inaccessible-encryption-credentials")


def _create_with_service_role(aws: AwsContext, create: Callable[..., Any], **arguments: Any) -> None:
    aws.retry_until_consistent("RDS to create its service-linked role", lambda: create(**arguments), *_NO_ROLE_YET)


def _describe(describe: Callable[..., Any], member: str, not_found: str, **name: str) -> dict[str, Any] | None:
    """Return the only element of a list response, or None if RDS does not have it."""
    # The error code is documented with the suffix, and returned without it by some calls.
    elements = get_member(describe, member, not_found, f"{not_found}Fault", **name)
    return elements[0] if elements else None


def offered_version(aws: AwsContext) -> str:
    """Return the version of MySQL 8.4 to create: RDS's default in this region, or the newest that it offers.

    Returns 8.4 itself if RDS lists none; CreateDBInstance then chooses the version, or refuses with the reason.
    """
    pages = aws.client("rds").get_paginator("describe_db_engine_versions")
    only_default: dict[str, Any] = {"DefaultOnly": True}
    for filters in (only_default, {}):
        answers = pages.paginate(Engine="mysql", EngineVersion=SERIES, **filters)
        versions = [offer["EngineVersion"] for page in answers for offer in page["DBEngineVersions"]]
        if matching := [version for version in versions if version.startswith(f"{SERIES}.")]:
            return str(max(matching, key=lambda version: [int(number) for number in re.findall(r"\d+", version)]))
    return SERIES


class RdsResource(OwnedResource):
    """A resource of RDS, whose tags are read by its ARN."""

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("rds").list_tags_for_resource(ResourceName=state[self.arn_member])["TagList"]


@dataclass(frozen=True)
class DBSubnetGroup(RdsResource):
    """The default VPC's default subnets, because RDS requires at least two zones."""

    kind = "db subnet group"
    arn_member = "DBSubnetGroupArn"

    name: str

    def _create(self, aws: AwsContext) -> None:
        _create_with_service_role(
            aws,
            aws.client("rds").create_db_subnet_group,
            DBSubnetGroupName=self.name,
            DBSubnetGroupDescription="footlake",
            SubnetIds=self._subnet_ids(aws),
            Tags=tag_list(aws),
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        ids = self._subnet_ids(aws)
        if {subnet["SubnetIdentifier"] for subnet in state.get("Subnets", [])} == set(ids):
            return False
        aws.client("rds").modify_db_subnet_group(DBSubnetGroupName=self.name, SubnetIds=ids)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("rds").delete_db_subnet_group(DBSubnetGroupName=self.name)

    @staticmethod
    def _subnet_ids(aws: AwsContext) -> list[str]:
        return [subnet["SubnetId"] for subnet in subnets(aws)]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        describe = aws.client("rds").describe_db_subnet_groups
        return _describe(describe, "DBSubnetGroups", "DBSubnetGroupNotFound", DBSubnetGroupName=self.name)


@dataclass(frozen=True)
class DBParameterGroup(RdsResource):
    """The instance's settings: MySQL refuses connections without TLS."""

    kind = "db parameter group"
    arn_member = "DBParameterGroupArn"

    name: str

    def _create(self, aws: AwsContext) -> None:
        aws.client("rds").create_db_parameter_group(
            DBParameterGroupName=self.name,
            DBParameterGroupFamily=FAMILY,
            Description="footlake: MySQL over TLS only",
            Tags=tag_list(aws),
        )
        self._require_encryption(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        describe = aws.client("rds").get_paginator("describe_db_parameters")
        # Without those that have MySQL's or RDS's default, which are several pages.
        pages = describe.paginate(DBParameterGroupName=self.name, Source="user")
        parameters = [parameter for page in pages for parameter in page["Parameters"]]
        values = {parameter["ParameterName"]: parameter.get("ParameterValue") for parameter in parameters}
        if values.get(ENCRYPTED["ParameterName"]) == ENCRYPTED["ParameterValue"]:
            return False
        self._require_encryption(aws)
        return True

    def _require_encryption(self, aws: AwsContext) -> None:
        aws.client("rds").modify_db_parameter_group(DBParameterGroupName=self.name, Parameters=[ENCRYPTED])

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("rds").delete_db_parameter_group(DBParameterGroupName=self.name)

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        describe = aws.client("rds").describe_db_parameter_groups
        return _describe(describe, "DBParameterGroups", "DBParameterGroupNotFound", DBParameterGroupName=self.name)


@dataclass(frozen=True)
class DBInstance(OwnedResource):
    """A small MySQL instance with one database. `ensure` starts its creation; `address` waits until it is available.

    An instance that `sleeps` is stopped between runs. `ensure` leaves it asleep, but starts one that does not sleep.
    """

    kind = "db instance"
    seconds: ClassVar = 300.0  # typical time until the instance is available

    name: str
    database: str
    user: str
    password: SecretParameter
    subnet_group: DBSubnetGroup
    parameter_group: DBParameterGroup
    security_group: SecurityGroup
    sleeps: bool = False

    @property
    def traces(self) -> tuple[str, ...]:
        """Patterns of the ARNs of RDS's own backups, which have the instance's tags and are deleted with it."""
        return (f"arn:*:rds:*:snapshot:rds:{self.name}-*", "arn:*:rds:*:auto-backup:*")

    def ensure(self, aws: AwsContext) -> Ensured:
        """Create or repair the instance. An instance that is being deleted is created again after its deletion."""
        instance = self._read(aws)
        if instance is not None and instance["DBInstanceStatus"] == "deleting":
            require_owned(aws, self.label, self._tags(aws, instance))
            self._wait_until_gone(aws)
            instance = None
        return self._create_or_update(aws, instance)

    def _create(self, aws: AwsContext) -> None:
        _create_with_service_role(
            aws,
            aws.client("rds").create_db_instance,
            DBInstanceIdentifier=self.name,
            DBName=self.database,
            Engine="mysql",
            EngineVersion=offered_version(aws),
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            StorageType="gp3",
            StorageEncrypted=True,
            MasterUsername=self.user,
            MasterUserPassword=self.password.get(aws),
            VpcSecurityGroupIds=[self.security_group.id(aws)],
            DBSubnetGroupName=self.subnet_group.name,
            DBParameterGroupName=self.parameter_group.name,
            CACertificateIdentifier="rds-ca-rsa2048-g1",
            PubliclyAccessible=True,
            BackupRetentionPeriod=1,
            AutoMinorVersionUpgrade=True,
            CopyTagsToSnapshot=True,
            # With extended support, an instance that outlives its MySQL version costs some 146 USD a month more.
            EngineLifecycleSupport="open-source-rds-extended-support-disabled",
            Tags=tag_list(aws),
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        settings = {"BackupRetentionPeriod": 1, "PubliclyAccessible": True}
        group = self.security_group.id(aws)
        security_groups = [member["VpcSecurityGroupId"] for member in state.get("VpcSecurityGroups", [])]
        parameter_groups = [member["DBParameterGroupName"] for member in state.get("DBParameterGroups", [])]
        groups = (security_groups, parameter_groups)
        drifted = differs(state, settings) or groups != ([group], [self.parameter_group.name])
        stopped = state["DBInstanceStatus"] in _STOPPED
        if not drifted and (self.sleeps or not stopped):
            return False
        if stopped:
            self.start(aws)
        if not drifted:
            return True
        if state["DBInstanceStatus"] != "available":  # RDS changes an available instance only
            self.address(aws)
        aws.client("rds").modify_db_instance(
            DBInstanceIdentifier=self.name,
            VpcSecurityGroupIds=[group],
            DBParameterGroupName=self.parameter_group.name,  # takes effect when the instance is started next time
            ApplyImmediately=True,
            **settings,
        )
        return True

    def status(self, aws: AwsContext) -> str:
        """Return RDS's status of the instance, such as available or stopped. Raises NotReady if it does not exist."""
        return str(self.description(aws)["DBInstanceStatus"])

    def description(self, aws: AwsContext) -> dict[str, Any]:
        """Return RDS's description of the instance. Raises NotReady if it does not exist."""
        instance = self._read(aws)
        if instance is None:
            raise NotReady(f"Database instance {self.name} does not exist.", BOOTSTRAP_FIRST)
        return instance

    def start(self, aws: AwsContext) -> bool:
        """Start the instance if it is stopped or stopping. Return whether this call has started it."""
        rds = aws.client("rds")

        def attempt() -> tuple[bool] | None:
            status = self.status(aws)
            if status == "stopped":
                try:
                    rds.start_db_instance(DBInstanceIdentifier=self.name)
                except rds.exceptions.InvalidDBInstanceStateFault:  # another caller has started it
                    return None
                return (True,)
            return None if status == "stopping" else (False,)

        waiting = f"database instance {self.name} to stop, before it can start"
        return aws.wait_until(waiting, attempt, every=10, limit=1800)[0]

    def stop(self, aws: AwsContext) -> None:
        """Stop the instance as soon as its state permits it, unless it is stopped. Raises StepFailed if it failed."""
        rds = aws.client("rds")

        def attempt() -> bool | None:
            status = self.status(aws)
            if status in _STOPPED or status == "deleting":
                return True
            self._check(aws, status)
            if status == "available":
                with suppress(rds.exceptions.InvalidDBInstanceStateFault):  # its state has changed meanwhile
                    rds.stop_db_instance(DBInstanceIdentifier=self.name)
            return None

        aws.wait_until(f"database instance {self.name} to accept its stop", attempt, every=10, limit=1800)

    def endpoint(self, aws: AwsContext) -> tuple[str, int]:
        """Return host and port of the instance, which a stopped one keeps. Wait for those of a new instance.

        Raises NotReady if it does not exist, StepFailed if it failed.
        """

        def known_address() -> tuple[str, int] | None:
            instance = self.description(aws)
            self._check(aws, instance["DBInstanceStatus"])
            endpoint = instance.get("Endpoint") or {}
            return (endpoint["Address"], int(endpoint["Port"])) if endpoint.get("Address") else None

        return aws.wait_until(f"database instance {self.name} to be available", known_address, every=10, limit=1800)

    def address(self, aws: AwsContext) -> tuple[str, int]:
        """Wait until the instance is available, and return its host and port.

        Raises NotReady if it does not exist or is stopped, StepFailed if it failed.
        """

        def available_address() -> tuple[str, int] | None:
            status = self.status(aws)
            self._check(aws, status)
            if status == "stopped":
                raise NotReady(
                    f"Database instance {self.name} is stopped.",
                    Hint("Start it: ", FootlakeCommand("database start"), ". Then run the same command again."),
                )
            return self.endpoint(aws) if status == "available" else None

        return aws.wait_until(f"database instance {self.name} to be available", available_address, every=10, limit=1800)

    def _check(self, aws: AwsContext, status: str) -> None:
        """Raise StepFailed if the status is that of a failed instance."""
        if status in _FAILED:
            raise StepFailed(f"Database instance {self.name} has the status {status}.", self._failure_message(aws))

    def connect(self, aws: AwsContext) -> Connection:
        """Wait until the instance is available, and return a connection to the database as its user."""
        host, port = self.address(aws)
        return connect(
            host, port, self.user, self.password.get(aws), self.database, certificate_authorities(aws.config)
        )

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        rds = aws.client("rds")
        if state["DBInstanceStatus"] != "deleting":
            if state.get("DeletionProtection"):
                if state["DBInstanceStatus"] != "available":  # RDS changes an available instance only
                    self.start(aws)
                    self.address(aws)
                rds.modify_db_instance(DBInstanceIdentifier=self.name, DeletionProtection=False, ApplyImmediately=True)
            rds.delete_db_instance(DBInstanceIdentifier=self.name, SkipFinalSnapshot=True, DeleteAutomatedBackups=True)
        self._wait_until_gone(aws)

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return state.get("TagList")

    def _wait_until_gone(self, aws: AwsContext) -> None:
        aws.wait_until(
            f"database instance {self.name} to be deleted",
            lambda: True if self._read(aws) is None else None,
            every=10,
            limit=1800,
        )

    def _failure_message(self, aws: AwsContext) -> str:
        """Return RDS's message on the newest failure."""
        try:
            events = aws.client("rds").describe_events(
                SourceIdentifier=self.name, SourceType="db-instance", Duration=7 * 24 * 60, EventCategories=["failure"]
            )["Events"]
        except ClientError:  # the failure itself is reported without its reason
            events = []
        return str(events[-1]["Message"]) if events else "Look for the reason in the events of the instance in RDS."

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        describe = aws.client("rds").describe_db_instances
        return _describe(describe, "DBInstances", "DBInstanceNotFound", DBInstanceIdentifier=self.name)
