"""Lake Formation: settings, locations and permissions of other owners stay unchanged."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.errors import FootlakeError
from footlake.resources.glue import GlueDatabase
from footlake.resources.iam import IamRole
from footlake.resources.lakeformation import (
    SERVICE_ROLE,
    DataLakeAdministrator,
    DataLakeLocation,
    DropGrant,
    LakeFormationGrant,
    operator,
)
from footlake.resources.s3 import Bucket
from tests.resources.services.conftest import Answer, MakeAws

ADMINISTRATOR = DataLakeAdministrator("/footlake/data-lake-administrators")
BUCKET = Bucket("lf-footlake-123456789012-us-east-1")
DATABASE = GlueDatabase("lf_database", f"s3://{BUCKET.name}/")
LOCATION = DataLakeLocation(BUCKET, ADMINISTRATOR)
OTHER_ADMIN = {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:user/somebody"}


def settings(aws: AwsContext) -> dict[str, Any]:
    return copy.deepcopy(aws.client("lakeformation").get_data_lake_settings()["DataLakeSettings"])


def administrators(aws: AwsContext) -> list[str]:
    return [admin["DataLakePrincipalIdentifier"] for admin in settings(aws)["DataLakeAdmins"]]


@pytest.fixture
def foreign_settings(aws: AwsContext) -> Iterator[dict[str, Any]]:
    """Data lake settings of another owner. The previous settings are restored afterwards."""
    before = settings(aws)
    theirs = before | {
        "DataLakeAdmins": [OTHER_ADMIN],
        "CreateTableDefaultPermissions": [],
        "Parameters": {"CROSS_ACCOUNT_VERSION": "4"},
    }
    aws.client("lakeformation").put_data_lake_settings(DataLakeSettings=theirs)
    yield settings(aws)
    aws.client("lakeformation").put_data_lake_settings(DataLakeSettings=before)


@pytest.fixture
def bucket(aws: AwsContext) -> Iterator[Bucket]:
    BUCKET.ensure(aws)
    yield BUCKET
    BUCKET.destroy(aws)


@pytest.fixture
def database(aws: AwsContext) -> Iterator[GlueDatabase]:
    DATABASE.ensure(aws)
    yield DATABASE
    DATABASE.destroy(aws)


def test_the_operator_joins_the_administrators_and_leaves_them_as_they_were(
    aws: AwsContext, foreign_settings: dict[str, Any]
) -> None:
    assert ADMINISTRATOR.ensure(aws) == "created"
    assert administrators(aws) == [OTHER_ADMIN["DataLakePrincipalIdentifier"], operator(aws)]
    assert settings(aws) | {"DataLakeAdmins": [OTHER_ADMIN]} == foreign_settings
    assert ADMINISTRATOR.ensure(aws) == "unchanged"
    assert ADMINISTRATOR.destroy(aws) == "deleted"
    assert settings(aws) == foreign_settings
    assert ADMINISTRATOR.destroy(aws) == "absent"


def test_an_operator_who_was_an_administrator_before_stays_one(
    aws: AwsContext, foreign_settings: dict[str, Any]
) -> None:
    mine = foreign_settings | {"DataLakeAdmins": [OTHER_ADMIN, {"DataLakePrincipalIdentifier": operator(aws)}]}
    aws.client("lakeformation").put_data_lake_settings(DataLakeSettings=mine)
    assert ADMINISTRATOR.ensure(aws) == "unchanged"
    assert ADMINISTRATOR.destroy(aws) == "kept"
    assert settings(aws) == mine


def test_an_administrator_taken_off_the_list_is_put_back(aws: AwsContext, foreign_settings: dict[str, Any]) -> None:
    ADMINISTRATOR.ensure(aws)
    aws.client("lakeformation").put_data_lake_settings(DataLakeSettings=foreign_settings)
    assert ADMINISTRATOR.ensure(aws) == "updated"
    assert operator(aws) in administrators(aws)
    ADMINISTRATOR.destroy(aws)


def test_bootstrap_continues_if_it_was_killed_before_changing_the_settings(
    aws: AwsContext, foreign_settings: dict[str, Any]
) -> None:
    aws.client("ssm").put_parameter(
        Name=ADMINISTRATOR.parameter,
        Value=operator(aws),
        Type="StringList",
        Tags=[{"Key": "footlake", "Value": "footlake"}],
    )
    assert ADMINISTRATOR.ensure(aws) == "updated"
    assert ADMINISTRATOR.ensure(aws) == "unchanged"
    assert ADMINISTRATOR.destroy(aws) == "deleted"
    assert settings(aws) == foreign_settings


ANYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def role_of_a_team(aws: AwsContext) -> Iterator[str]:
    """A role with a path, as IAM Identity Center creates them."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}],
    }
    iam = aws.client("iam")
    yield iam.create_role(RoleName="Team", Path="/people/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.detach_role_policy(RoleName="Team", PolicyArn=ANYTHING)
    iam.delete_role(RoleName="Team")


def test_every_operator_that_footlake_added_is_removed(
    aws: AwsContext, make_aws: MakeAws, foreign_settings: dict[str, Any], role_of_a_team: str
) -> None:
    aws.client("iam").attach_role_policy(RoleName="Team", PolicyArn=ANYTHING)
    session = aws.client("sts").assume_role(RoleArn=role_of_a_team, RoleSessionName="anna")["Credentials"]
    colleague = make_aws(
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    assert operator(colleague) == role_of_a_team
    assert ADMINISTRATOR.ensure(aws) == "created"
    assert ADMINISTRATOR.ensure(colleague) == "updated"
    assert administrators(aws)[1:] == [operator(aws), role_of_a_team]
    assert ADMINISTRATOR.destroy(colleague) == "deleted"
    assert settings(aws) == foreign_settings


def test_the_bucket_is_registered_with_the_service_linked_role(aws: AwsContext, bucket: Bucket) -> None:
    ADMINISTRATOR.ensure(aws)  # AWS tells only administrators that a location is not registered
    assert LOCATION.ensure(aws) == "created"
    assert LOCATION.ensure(aws) == "unchanged"
    described = aws.client("lakeformation").describe_resource(ResourceArn=bucket.arn)["ResourceInfo"]
    assert described["RoleArn"].endswith(SERVICE_ROLE)
    assert LOCATION.destroy(aws) == "deleted"
    assert LOCATION.destroy(aws) == "absent"
    ADMINISTRATOR.destroy(aws)


def test_a_foreign_location_is_used_and_kept(aws: AwsContext, bucket: Bucket) -> None:
    client = aws.client("lakeformation")
    client.register_resource(ResourceArn=bucket.arn, RoleArn="arn:aws:iam::123456789012:role/theirs")
    assert LOCATION.ensure(aws) == "unchanged"
    assert LOCATION.destroy(aws) == "kept"
    assert LOCATION.exists(aws)
    client.deregister_resource(ResourceArn=bucket.arn)


def test_a_location_in_a_bucket_that_is_not_ours_is_kept(aws: AwsContext, bucket: Bucket) -> None:
    LOCATION.ensure(aws)
    aws.client("s3").delete_bucket_tagging(Bucket=bucket.name)
    assert LOCATION.destroy(aws) == "kept"
    aws.client("s3").put_bucket_tagging(
        Bucket=bucket.name, Tagging={"TagSet": [{"Key": "footlake", "Value": "footlake"}]}
    )
    assert LOCATION.destroy(aws) == "deleted"


@pytest.fixture
def role(aws: AwsContext) -> Iterator[IamRole]:
    statement = {"Effect": "Allow", "Action": ["lakeformation:GetDataAccess"], "Resource": "*"}
    role = IamRole("LfGlueRole", "glue.amazonaws.com", {"Version": "2012-10-17", "Statement": [statement]})
    role.ensure(aws)
    yield role
    role.destroy(aws)


def test_permissions_are_granted_completed_and_revoked(aws: AwsContext, role: IamRole, database: GlueDatabase) -> None:
    grant = LakeFormationGrant(role, ("ALTER", "CREATE_TABLE", "DESCRIBE"), database, ADMINISTRATOR)
    tables = LakeFormationGrant(role, ("ALL",), database, ADMINISTRATOR, tables=True)
    assert (grant.ensure(aws), tables.ensure(aws)) == ("created", "created")
    assert (grant.ensure(aws), tables.ensure(aws)) == ("unchanged", "unchanged")
    aws.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": role.arn(aws)},
        Resource={"Database": {"Name": database.name}},
        Permissions=["CREATE_TABLE"],
    )
    assert grant.ensure(aws) == "updated"
    assert (grant.destroy(aws), tables.destroy(aws)) == ("deleted", "deleted")
    assert (grant.destroy(aws), tables.destroy(aws)) == ("absent", "absent")
    assert not grant.exists(aws)


def test_permissions_of_others_on_the_same_database_stay(
    aws: AwsContext, role: IamRole, database: GlueDatabase
) -> None:
    client = aws.client("lakeformation")
    resource = {"Database": {"Name": database.name}}
    client.grant_permissions(Principal=OTHER_ADMIN, Resource=resource, Permissions=["DESCRIBE"])
    grant = LakeFormationGrant(role, ("DESCRIBE",), database, ADMINISTRATOR)
    assert grant.ensure(aws) == "created"
    assert grant.destroy(aws) == "deleted"
    left = client.list_permissions(Resource=resource)["PrincipalResourcePermissions"]
    assert [(grant["Principal"], grant["Permissions"]) for grant in left] == [(OTHER_ADMIN, ["DESCRIBE"])]


def test_a_location_is_granted_once_it_is_registered(aws: AwsContext, bucket: Bucket, role: IamRole) -> None:
    grant = LakeFormationGrant(role, ("DATA_LOCATION_ACCESS",), LOCATION, ADMINISTRATOR)
    LOCATION.ensure(aws)
    assert grant.ensure(aws) == "created"
    assert grant.ensure(aws) == "unchanged"
    assert grant.destroy(aws) == "deleted"
    LOCATION.destroy(aws)


def test_permissions_on_a_missing_database_are_absent(aws: AwsContext, role: IamRole) -> None:
    missing = GlueDatabase("nowhere", "s3://nowhere/")
    for resource in (LakeFormationGrant(role, ("ALL",), missing, ADMINISTRATOR), DropGrant(missing, ADMINISTRATOR, ())):
        assert not resource.exists(aws)
        assert resource.destroy(aws) == "absent"


def test_the_right_to_drop_ends_with_the_database(aws: AwsContext, database: GlueDatabase) -> None:
    right = DropGrant(database, ADMINISTRATOR, ())
    assert right.ensure(aws) == "created"
    assert right.ensure(aws) == "unchanged"
    assert right.destroy(aws) == "deleted"
    assert right.exists(aws)
    database.destroy(aws)
    assert not right.exists(aws)
    assert right.destroy(aws) == "absent"
    ADMINISTRATOR.destroy(aws)


def test_an_incomplete_right_to_drop_is_completed(aws: AwsContext, database: GlueDatabase) -> None:
    right = DropGrant(database, ADMINISTRATOR, ())
    right.ensure(aws)
    aws.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": operator(aws)},
        Resource={"Table": {"DatabaseName": database.name, "TableWildcard": {}}},
        Permissions=["ALL"],
    )
    assert right.ensure(aws) == "updated"
    assert right.ensure(aws) == "unchanged"


def test_teardown_makes_its_caller_an_administrator_who_may_drop(aws: AwsContext, database: GlueDatabase) -> None:
    right = DropGrant(database, ADMINISTRATOR, ())
    assert not right.exists(aws)
    assert right.destroy(aws) == "deleted"
    assert right.exists(aws)
    assert operator(aws) in administrators(aws)
    assert ADMINISTRATOR.destroy(aws) == "deleted"


def test_grants_on_a_foreign_database_are_kept(aws: AwsContext, role: IamRole) -> None:
    aws.client("glue").create_database(DatabaseInput={"Name": "lf_theirs"})
    theirs = GlueDatabase("lf_theirs", "")
    grant, right = LakeFormationGrant(role, ("DESCRIBE",), theirs, ADMINISTRATOR), DropGrant(theirs, ADMINISTRATOR, ())
    grant.ensure(aws)
    assert (right.destroy(aws), grant.destroy(aws)) == ("kept", "kept")
    assert grant.exists(aws)
    assert not right.exists(aws)
    aws.client("glue").delete_database(Name="lf_theirs")


@pytest.mark.parametrize(
    ("caller", "message"),
    [
        ("arn:aws:iam::123456789012:root", "The root user of an account cannot administer a data lake"),
        ("arn:aws:sts::123456789012:federated-user/bob", "A federated user cannot administer a data lake"),
        ("arn:aws-cn:iam::123456789012:user/anna", "does not support the AWS partition aws-cn"),
    ],
)
def test_an_unsupported_caller_is_refused_before_anything_is_created(
    make_aws: MakeAws, caller: str, message: str
) -> None:
    aws, changes = make_aws(), []

    def answer(model: Any, **_: Any) -> Any:
        if model.name == "GetCallerIdentity":
            return Answer(200), {"Account": "123456789012", "Arn": caller}
        if not model.name.startswith(("Get", "List", "Describe")):
            changes.append(model.name)
        return None

    aws.session.events.register_first("before-call", answer)
    with pytest.raises(FootlakeError, match=message):
        bootstrap(AwsContext(replace(aws.config, api_key="a key"), aws.session))
    assert not changes
