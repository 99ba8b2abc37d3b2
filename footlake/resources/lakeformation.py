"""Lake Formation: who administers the data lake, which location it governs, who may do what there.

Nothing here has tags. What footlake added to the administrators is written down in an SSM parameter; a location and
a permission are footlake's if they are exactly ours by name, below a bucket or a database that carries the tag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.base import Destroyed, Ensured, get_or_none, is_owned, require_owned, tag_list
from footlake.resources.glue import GlueDatabase
from footlake.resources.iam import IamRole, principal
from footlake.resources.s3 import Bucket
from footlake.resources.ssm import parameter_arn

NOT_FOUND = "EntityNotFoundException"
SERVICE_ROLE = "aws-service-role/lakeformation.amazonaws.com/AWSServiceRoleForLakeFormationDataAccess"
# What Lake Formation says while a new role, a new administrator or a new location is not known everywhere, or while
# another change is under way.
_NOT_SETTLED = (
    "ConcurrentModificationException",
    "Invalid principal",
    "register the S3 path",
    "is not authorized to access requested permissions",
)

T = TypeVar("T")


def _settled(aws: AwsContext, what: str, call: Callable[[], T]) -> T:
    return aws.retry_until_consistent(f"Lake Formation to accept {what}", call, *_NOT_SETTLED)


def operator(aws: AwsContext) -> str:
    """The ARN of the user or role that runs footlake, as Lake Formation knows it."""
    return principal(aws).replace(":sts:", ":iam:")


def check_operator(aws: AwsContext) -> None:
    """FootlakeError if whoever runs footlake is none whom Lake Formation takes for an administrator.

    https://docs.aws.amazon.com/lake-formation/latest/APIReference/API_DataLakePrincipal.html
    """
    others = {":root": "The account's root", ":federated-user/": "A federated user"}
    for mark, name in others.items():
        if mark in aws.caller:
            raise FootlakeError(
                f"{name} cannot administer a data lake: Lake Formation takes users and roles only.",
                "Run footlake as a user or a role of the account: footlake policy prints what it must be allowed.",
            )


@dataclass(frozen=True)
class DataLakeAdministrator:
    """Whoever runs footlake, among the data lake's administrators. `parameter` lists those that footlake added."""

    parameter: str

    @property
    def label(self) -> str:
        return "lake formation administrator"

    @property
    def traces(self) -> tuple[str, ...]:
        """The pattern of its parameter's ARN."""
        return (f"arn:*:ssm:*:parameter{self.parameter}",)

    def arn(self, aws: AwsContext) -> str:
        """The administrator's ARN."""
        return operator(aws)

    def exists(self, aws: AwsContext) -> bool:
        return self._parameter(aws) is not None or operator(aws) in _identifiers(_settings(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        check_operator(aws)
        me, settings = operator(aws), _settings(aws)
        if me in _identifiers(settings):
            return "unchanged"
        added = self._parameter(aws)
        if added is not None:
            require_owned(
                aws, f"parameter {self.parameter}", lambda: self._tags(aws), parameter_arn(aws, self.parameter)
            )
        # Written down first: what is not in the list yet can only get there by this bootstrap, or its next attempt.
        if me not in (added or ()):
            self._write(aws, (*(added or ()), me), new=added is None)
        administrators = [*settings.get("DataLakeAdmins", []), {"DataLakePrincipalIdentifier": me}]
        _put(aws, settings | {"DataLakeAdmins": administrators})
        return "created" if added is None else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        added, settings = self._parameter(aws), _settings(aws)
        if added is None:
            return "kept" if operator(aws) in _identifiers(settings) else "absent"
        if not is_owned(aws, self._tags(aws)):
            return "kept"
        administrators = settings.get("DataLakeAdmins", [])
        others = [one for one in administrators if one["DataLakePrincipalIdentifier"] not in added]
        if others != administrators:
            _put(aws, settings | {"DataLakeAdmins": others})
        aws.client("ssm").delete_parameter(Name=self.parameter)
        return "deleted"

    def _parameter(self, aws: AwsContext) -> tuple[str, ...] | None:
        """Those that footlake added, as far as the parameter says; None where there is no parameter."""
        answer = get_or_none(aws.client("ssm").get_parameter, "ParameterNotFound", Name=self.parameter)
        return tuple(answer["Parameter"]["Value"].split(",")) if answer else None

    def _write(self, aws: AwsContext, added: tuple[str, ...], new: bool) -> None:
        aws.client("ssm").put_parameter(
            Name=self.parameter,
            Description="The data lake administrators that footlake added, and removes",
            Value=",".join(added),
            Type="StringList",
            # Tags are for a new parameter only: SSM refuses them together with Overwrite.
            **({"Tags": tag_list(aws)} if new else {"Overwrite": True}),
        )

    def _tags(self, aws: AwsContext) -> Any:
        ssm = aws.client("ssm")
        return ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=self.parameter)["TagList"]


def _settings(aws: AwsContext) -> dict[str, Any]:
    settings: dict[str, Any] = aws.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return settings


def _put(aws: AwsContext, settings: dict[str, Any]) -> None:
    """Replace the settings: everything that is not in `settings` is lost."""
    client = aws.client("lakeformation")
    _settled(aws, "its administrators", lambda: client.put_data_lake_settings(DataLakeSettings=settings))


def _identifiers(settings: dict[str, Any]) -> list[str]:
    return [one["DataLakePrincipalIdentifier"] for one in settings.get("DataLakeAdmins", [])]


@dataclass(frozen=True)
class DataLakeLocation:
    """The data lake's bucket under Lake Formation, by its service-linked role. One that is registered will do."""

    bucket: Bucket
    administrator: DataLakeAdministrator

    @property
    def label(self) -> str:
        return f"lake formation location s3://{self.bucket.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        if self._read(aws) is not None:
            return "unchanged"
        client = aws.client("lakeformation")
        _settled(
            aws,
            self.label,
            lambda: client.register_resource(ResourceArn=self.bucket.arn, UseServiceLinkedRole=True),
        )
        return "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        location = self._read(aws)
        if location is None:
            return "absent"
        # With a role of their own, or in a bucket of theirs, somebody else registered it.
        if not str(location.get("RoleArn")).endswith(SERVICE_ROLE) or not _is_ours(aws, self.bucket):
            return "kept"
        client = aws.client("lakeformation")
        _settled(aws, self.label, lambda: client.deregister_resource(ResourceArn=self.bucket.arn))
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        client = aws.client("lakeformation")
        answer = get_or_none(client.describe_resource, NOT_FOUND, ResourceArn=self.bucket.arn)
        return answer["ResourceInfo"] if answer else None


@dataclass(frozen=True)
class LakeFormationGrant:
    """What a role may do at a location, or with a database or its `tables`, those to come included."""

    role: IamRole
    permissions: tuple[str, ...]
    on: DataLakeLocation | GlueDatabase
    administrator: DataLakeAdministrator
    tables: bool = False

    @property
    def label(self) -> str:
        return f"lake formation permission {self.role.name} on {_name(self.on, self.tables)}"

    def exists(self, aws: AwsContext) -> bool:
        return bool(self._granted(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        granted = self._granted(aws)
        if granted >= set(self.permissions):
            return "unchanged"
        _grant(aws, self.role.arn(aws), self.permissions, self.on, self.tables)
        return "updated" if granted else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        granted = sorted(self._granted(aws) & set(self.permissions))
        if not granted:
            return "absent"
        if not _is_ours(aws, self.on.bucket if isinstance(self.on, DataLakeLocation) else self.on):
            return "kept"
        client = aws.client("lakeformation")
        _settled(
            aws,
            f"the end of a permission of {self.role.name}",
            lambda: client.revoke_permissions(
                Principal={"DataLakePrincipalIdentifier": self.role.arn(aws)},
                Resource=_resource(self.on, self.tables),
                Permissions=granted,
            ),
        )
        return "deleted"

    def _granted(self, aws: AwsContext) -> set[str]:
        return _granted(aws, self.role.arn(aws), self.on, self.tables)


@dataclass(frozen=True)
class DropGrant:
    """The operator's right to drop the database and its tables, which an administrator does not have by itself.

    It holds the `grants` so as to be the first to go: whoever tears down may not be who built, and needs it all then.
    https://docs.aws.amazon.com/lake-formation/latest/dg/implicit-permissions.html
    """

    database: GlueDatabase
    administrator: DataLakeAdministrator
    grants: tuple[LakeFormationGrant, ...]

    @property
    def label(self) -> str:
        return f"lake formation right to drop {self.database.name}"

    def exists(self, aws: AwsContext) -> bool:
        return any(self._granted(aws, tables) for tables in (False, True))

    def ensure(self, aws: AwsContext) -> Ensured:
        missing = [tables for tables in (False, True) if not self._granted(aws, tables)]
        for tables in missing:
            _grant(aws, operator(aws), ("ALL",), self.database, tables)
        if not missing:
            return "unchanged"
        return "updated" if len(missing) == 1 else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Make sure of it, and of being an administrator; it goes by itself when the database is dropped."""
        if not self.database.exists(aws):
            return "absent"
        if not _is_ours(aws, self.database):
            return "kept"
        self.administrator.ensure(aws)
        self.ensure(aws)
        return "deleted"

    def _granted(self, aws: AwsContext, tables: bool) -> bool:
        return "ALL" in _granted(aws, operator(aws), self.database, tables)


def _is_ours(aws: AwsContext, on: Bucket | GlueDatabase) -> bool:
    """True for a bucket or database with our tag, and for one that is gone: it cannot be somebody else's."""
    if not on.exists(aws):
        return True
    if isinstance(on, Bucket):
        return on.is_ours(aws)
    arn = f"arn:aws:glue:{aws.config.region}:{aws.config.account}:database/{on.name}"
    return is_owned(aws, aws.client("glue").get_tags(ResourceArn=arn)["Tags"])


def _name(on: DataLakeLocation | GlueDatabase, tables: bool) -> str:
    if isinstance(on, DataLakeLocation):
        return f"s3://{on.bucket.name}"
    return f"{on.name}.*" if tables else on.name


def _resource(on: DataLakeLocation | GlueDatabase, tables: bool) -> dict[str, Any]:
    """A location, a database or all of its tables, as Lake Formation's calls name them."""
    if isinstance(on, DataLakeLocation):
        return {"DataLocation": {"ResourceArn": on.bucket.arn}}
    if tables:
        return {"Table": {"DatabaseName": on.name, "TableWildcard": {}}}
    return {"Database": {"Name": on.name}}


def _grant(
    aws: AwsContext, principal: str, permissions: tuple[str, ...], on: DataLakeLocation | GlueDatabase, tables: bool
) -> None:
    client = aws.client("lakeformation")
    _settled(
        aws,
        f"a permission of {principal.rsplit('/', 1)[-1]}",
        lambda: client.grant_permissions(
            Principal={"DataLakePrincipalIdentifier": principal},
            Resource=_resource(on, tables),
            Permissions=list(permissions),
        ),
    )


def _granted(aws: AwsContext, principal: str, on: DataLakeLocation | GlueDatabase, tables: bool) -> set[str]:
    """What a principal was granted there, so far as the caller may see it; nothing where the resource is not there."""
    client, resource = aws.client("lakeformation"), _resource(on, tables)
    granted: set[str] = set()
    more: dict[str, str] = {}
    while True:
        # Without the principal: a list for a role that is gone is refused.
        answer = get_or_none(client.list_permissions, NOT_FOUND, Resource=resource, **more)
        if answer is None:
            return granted
        for one in answer["PrincipalResourcePermissions"]:
            if one["Principal"]["DataLakePrincipalIdentifier"] == principal:
                granted |= set(one["Permissions"])
        if not answer.get("NextToken"):
            return granted
        more = {"NextToken": answer["NextToken"]}
