"""Lake Formation: the administrators of the data lake, the location that it governs, and permissions there.

None of these can be tagged. An SSM parameter lists the administrators that footlake added. A location or a permission
is this lake's if its names match exactly and it is on a bucket or database with the lake's tag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import HIDDEN, get_or_none, may_be_absent
from footlake.errors import FootlakeCommand, FootlakeError, Hint
from footlake.resources.base import BaseResource, Destroyed, Ensured, get_member, is_owned, require_owned, tag_list
from footlake.resources.glue import GlueDatabase
from footlake.resources.iam import IamRole, principal
from footlake.resources.s3 import Bucket, read_or_absent, read_or_hidden
from footlake.resources.ssm import parameter_arn, parameter_tags, read_parameter

NOT_FOUND = "EntityNotFoundException"
T = TypeVar("T")
SERVICE_ROLE = "aws-service-role/lakeformation.amazonaws.com/AWSServiceRoleForLakeFormationDataAccess"
# Lake Formation's messages while a new role, administrator or location is not visible everywhere, or while another
# change is in progress.
_NOT_ADMINISTRATOR = "is not authorized to access requested permissions"
_NOT_SETTLED = (
    "ConcurrentModificationException",
    "Invalid principal",
    "register the S3 path",
    *HIDDEN,
    _NOT_ADMINISTRATOR,
)


def _retry(aws: AwsContext, change: str, call: Callable[[], Any]) -> None:
    aws.retry_until_consistent(f"Lake Formation to accept {change}", call, *_NOT_SETTLED)


def _read_before_write(aws: AwsContext, read: Callable[[], T]) -> T | None:
    """Return what `read` finds when the rights of the administrator are visible, or None if AWS hides it."""
    waiting = "Lake Formation to recognize the administrator"

    def attempt() -> T | None:
        return read_or_hidden(read)

    return aws.retry_until_consistent(waiting, attempt, _NOT_ADMINISTRATOR)


def operator(aws: AwsContext) -> str:
    """Return the ARN of the user or role that runs footlake, in the form that Lake Formation takes."""
    return principal(aws).replace(":sts:", ":iam:")


def check_operator(aws: AwsContext) -> None:
    """Raise FootlakeError if the caller cannot be an administrator of a data lake.

    https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_DataLakePrincipal.html
    """
    unsupported = {":root": "The root user of an account", ":federated-user/": "A federated user"}
    for pattern, name in unsupported.items():
        if pattern in aws.caller:
            raise FootlakeError(
                f"{name} cannot administer a data lake: Lake Formation accepts only IAM users and roles.",
                Hint(
                    "Run footlake as an IAM user or role. ",
                    FootlakeCommand("policy"),
                    " prints the required permissions.",
                ),
            )


@dataclass(frozen=True)
class DataLakeAdministrator:
    """The caller as an administrator of the data lake. `parameter` lists the administrators that footlake added."""

    parameter: str

    @property
    def label(self) -> str:
        return "lake formation administrator"

    @property
    def traces(self) -> tuple[str, ...]:
        """The pattern of its parameter's ARN."""
        return (f"arn:*:ssm:*:parameter{self.parameter}",)

    def arn(self, aws: AwsContext) -> str:
        """Return the administrator's ARN."""
        return operator(aws)

    def exists(self, aws: AwsContext) -> bool:
        return self._added(aws) is not None or operator(aws) in _identifiers(_settings(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        check_operator(aws)
        caller, settings = operator(aws), _settings(aws)
        if caller in _identifiers(settings):
            return "unchanged"
        added = self._added(aws)
        if added is not None:
            label, arn = f"parameter {self.parameter}", parameter_arn(aws, self.parameter)
            require_owned(aws, label, lambda: parameter_tags(aws, self.parameter), arn)
        # The parameter is written first. The caller is not an administrator yet, so only this bootstrap or its
        # repetition can add it.
        if caller not in (added or ()):
            self._write(aws, (*(added or ()), caller), new=added is None)
        administrators = [*settings.get("DataLakeAdmins", []), {"DataLakePrincipalIdentifier": caller}]
        _put_settings(aws, settings | {"DataLakeAdmins": administrators})
        return "created" if added is None else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        added, settings = self._added(aws), _settings(aws)
        if added is None:
            return "kept" if operator(aws) in _identifiers(settings) else "absent"
        if not is_owned(aws, parameter_tags(aws, self.parameter)):
            return "kept"
        administrators = settings.get("DataLakeAdmins", [])
        others = [admin for admin in administrators if admin["DataLakePrincipalIdentifier"] not in added]
        if others != administrators:
            _put_settings(aws, settings | {"DataLakeAdmins": others})
        aws.client("ssm").delete_parameter(Name=self.parameter)
        return "deleted"

    def _added(self, aws: AwsContext) -> tuple[str, ...] | None:
        """Return the ARNs of the administrators that footlake added, or None if the parameter does not exist."""
        value = read_parameter(aws, self.parameter)
        return None if value is None else tuple(value.split(","))

    def _write(self, aws: AwsContext, added: tuple[str, ...], new: bool) -> None:
        aws.client("ssm").put_parameter(
            Name=self.parameter,
            Description="Data lake administrators that footlake added and will remove",
            Value=",".join(added),
            Type="StringList",
            # SSM accepts tags for a new parameter only, not together with Overwrite.
            **({"Tags": tag_list(aws)} if new else {"Overwrite": True}),
        )


def _settings(aws: AwsContext) -> dict[str, Any]:
    settings: dict[str, Any] = aws.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return settings


def _put_settings(aws: AwsContext, settings: dict[str, Any]) -> None:
    """Replace all settings. AWS resets the settings that are missing in `settings`."""
    client = aws.client("lakeformation")
    _retry(aws, "the administrators", lambda: client.put_data_lake_settings(DataLakeSettings=settings))


def _identifiers(settings: dict[str, Any]) -> list[str]:
    return [admin["DataLakePrincipalIdentifier"] for admin in settings.get("DataLakeAdmins", [])]


@dataclass(frozen=True)
class DataLakeLocation(BaseResource):
    """The data lake's bucket, registered with Lake Formation's service-linked role. Any registration is accepted."""

    bucket: Bucket
    administrator: DataLakeAdministrator

    @property
    def label(self) -> str:
        return f"lake formation location s3://{self.bucket.name}"

    def ensure(self, aws: AwsContext) -> Ensured:
        if _read_before_write(aws, lambda: self._describe(aws)) is not None:
            return "unchanged"
        client = aws.client("lakeformation")
        try:
            _retry(
                aws,
                f"the location s3://{self.bucket.name}",
                lambda: client.register_resource(ResourceArn=self.bucket.arn, UseServiceLinkedRole=True),
            )
        except client.exceptions.AlreadyExistsException:  # it was hidden from the new administrator
            return "unchanged"
        return "created"

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        deregister = aws.client("lakeformation").deregister_resource
        _retry(aws, f"the removal of s3://{self.bucket.name}", lambda: deregister(ResourceArn=self.bucket.arn))

    def _is_ours(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        """Return whether the location has the role that footlake registers it with, and is not in a foreign bucket."""
        return str(state.get("RoleArn")).endswith(SERVICE_ROLE) and not self.bucket.is_foreign(aws)

    def _read(self, aws: AwsContext) -> Any | None:
        return read_or_absent(aws, self.bucket, lambda: self._describe(aws))

    def _describe(self, aws: AwsContext) -> Any | None:
        describe = aws.client("lakeformation").describe_resource
        return get_member(describe, "ResourceInfo", NOT_FOUND, ResourceArn=self.bucket.arn)


@dataclass(frozen=True)
class LakeFormationGrant(BaseResource):
    """Permissions of a role on a location, on a database, or with `tables` on all present and future tables of it."""

    role: IamRole
    permissions: tuple[str, ...]
    on: DataLakeLocation | GlueDatabase
    administrator: DataLakeAdministrator
    tables: bool = False

    @property
    def label(self) -> str:
        return f"lake formation permission {self.role.name} on {_target_name(self.on, self.tables)}"

    def exists(self, aws: AwsContext) -> bool:
        return bool(self._granted(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        granted = _read_before_write(aws, lambda: self._list_granted(aws)) or set()
        if granted >= set(self.permissions):
            return "unchanged"
        _grant(aws, self.role.arn(aws), self.permissions, self.on, self.tables)
        return "updated" if granted else "created"

    def _delete(self, aws: AwsContext, state: list[str]) -> None:
        client = aws.client("lakeformation")
        _retry(
            aws,
            f"the revocation of permissions from {self.role.name}",
            lambda: client.revoke_permissions(
                Principal={"DataLakePrincipalIdentifier": self.role.arn(aws)},
                Resource=api_resource(self.on, self.tables),
                Permissions=state,
            ),
        )

    def _is_ours(self, aws: AwsContext, state: list[str]) -> bool:
        return not (self.on.bucket if isinstance(self.on, DataLakeLocation) else self.on).is_foreign(aws)

    def _read(self, aws: AwsContext) -> list[str] | None:
        """Return those of `permissions` that are granted, or None if none is."""
        return sorted(self._granted(aws) & set(self.permissions)) or None

    def _granted(self, aws: AwsContext) -> set[str]:
        return read_or_absent(aws, self.on.bucket, lambda: self._list_granted(aws)) or set()

    def _list_granted(self, aws: AwsContext) -> set[str]:
        return _granted_permissions(aws, self.role.arn(aws), self.on, self.tables)


@dataclass(frozen=True)
class DropGrant:
    """The caller's permission to drop the database and its tables, which an administrator does not have implicitly.

    Holds `grants` so that teardown handles it first: the caller of teardown may not be the caller of bootstrap, and
    needs the permission for the rest of the teardown.
    https://docs.aws.amazon.com/lake-formation/latest/dg/implicit-permissions.html
    """

    database: GlueDatabase
    administrator: DataLakeAdministrator
    grants: tuple[LakeFormationGrant, ...]

    @property
    def label(self) -> str:
        return f"lake formation right to drop {self.database.name}"

    def exists(self, aws: AwsContext) -> bool:
        granted = read_or_absent(
            aws,
            self.database.bucket,
            lambda: any(self._is_granted(aws, tables) for tables in (False, True)),
        )
        return bool(granted)

    def ensure(self, aws: AwsContext) -> Ensured:
        missing = _read_before_write(
            aws, lambda: [tables for tables in (False, True) if not self._is_granted(aws, tables)]
        )
        if missing is None:
            missing = [False, True]
        for tables in missing:
            _grant(aws, operator(aws), ("ALL",), self.database, tables)
        if not missing:
            return "unchanged"
        return "updated" if len(missing) == 1 else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Make the caller an administrator with this permission. AWS removes it together with the database."""
        self._require_visible(aws)
        if not self.database.exists(aws):
            return "absent"
        if self.database.is_foreign(aws):
            return "kept"
        self.administrator.ensure(aws)
        self.ensure(aws)
        return "deleted"

    def _require_visible(self, aws: AwsContext) -> None:
        """Make the caller an administrator if AWS hides the database, a location or a permission, and wait for it."""

        def read() -> None:
            for resource in (self.database, *(grant.on for grant in self.grants), *self.grants):
                resource.exists(aws)

        try:
            read()
        except ClientError as error:
            if not may_be_absent(error):
                raise
            self.administrator.ensure(aws)
            aws.retry_until_consistent("Lake Formation to show the lake", read, *HIDDEN, _NOT_ADMINISTRATOR)

    def _is_granted(self, aws: AwsContext, tables: bool) -> bool:
        return "ALL" in _granted_permissions(aws, operator(aws), self.database, tables)


def _target_name(on: DataLakeLocation | GlueDatabase, tables: bool) -> str:
    if isinstance(on, DataLakeLocation):
        return f"s3://{on.bucket.name}"
    return f"{on.name}.*" if tables else on.name


def api_resource(on: DataLakeLocation | GlueDatabase, tables: bool) -> dict[str, Any]:
    """Return a location, a database or all tables of it in the form of Lake Formation's API."""
    if isinstance(on, DataLakeLocation):
        return {"DataLocation": {"ResourceArn": on.bucket.arn}}
    if tables:
        return {"Table": {"DatabaseName": on.name, "TableWildcard": {}}}
    return {"Database": {"Name": on.name}}


def _grant(
    aws: AwsContext, grantee: str, permissions: tuple[str, ...], on: DataLakeLocation | GlueDatabase, tables: bool
) -> None:
    client = aws.client("lakeformation")
    _retry(
        aws,
        f"permissions for {grantee.rsplit('/', 1)[-1]}",
        lambda: client.grant_permissions(
            Principal={"DataLakePrincipalIdentifier": grantee},
            Resource=api_resource(on, tables),
            Permissions=list(permissions),
        ),
    )


def _granted_permissions(aws: AwsContext, grantee: str, on: DataLakeLocation | GlueDatabase, tables: bool) -> set[str]:
    """Return the grantee's permissions as far as the caller may see them; none if the resource does not exist."""
    client, resource = aws.client("lakeformation"), api_resource(on, tables)
    granted: set[str] = set()
    next_page: dict[str, str] = {}
    while True:
        # Not filtered by principal, because AWS refuses to list the permissions of a deleted role.
        response = get_or_none(client.list_permissions, NOT_FOUND, Resource=resource, **next_page)
        if response is None:
            return granted
        for grant in response["PrincipalResourcePermissions"]:
            if grant["Principal"]["DataLakePrincipalIdentifier"] == grantee:
                granted |= set(grant.get("Permissions", []))
        if not response.get("NextToken"):
            return granted
        next_page = {"NextToken": response["NextToken"]}
