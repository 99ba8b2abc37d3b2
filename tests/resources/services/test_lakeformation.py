"""Lake Formation: what is somebody else's stays as it is, to the byte."""

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
from tests.resources.services.conftest import Answer, Make

ADMINISTRATOR = DataLakeAdministrator("/footlake/data-lake-administrators")
BUCKET = Bucket("lf-footlake-123456789012-us-east-1")
DATABASE = GlueDatabase("lf_database", f"s3://{BUCKET.name}/")
LOCATION = DataLakeLocation(BUCKET, ADMINISTRATOR)
SOMEBODY = {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:user/somebody"}


def settings(lake: AwsContext) -> dict[str, Any]:
    return copy.deepcopy(lake.client("lakeformation").get_data_lake_settings()["DataLakeSettings"])


def administrators(lake: AwsContext) -> list[str]:
    return [one["DataLakePrincipalIdentifier"] for one in settings(lake)["DataLakeAdmins"]]


@pytest.fixture
def neighbour(lake: AwsContext) -> Iterator[dict[str, Any]]:
    """Data lake settings that somebody else made, which are there again afterwards."""
    before = settings(lake)
    theirs = before | {
        "DataLakeAdmins": [SOMEBODY],
        "CreateTableDefaultPermissions": [],
        "Parameters": {"CROSS_ACCOUNT_VERSION": "4"},
    }
    lake.client("lakeformation").put_data_lake_settings(DataLakeSettings=theirs)
    yield settings(lake)
    lake.client("lakeformation").put_data_lake_settings(DataLakeSettings=before)


@pytest.fixture
def bucket(lake: AwsContext) -> Iterator[Bucket]:
    BUCKET.ensure(lake)
    yield BUCKET
    BUCKET.destroy(lake)


@pytest.fixture
def database(lake: AwsContext) -> Iterator[GlueDatabase]:
    DATABASE.ensure(lake)
    yield DATABASE
    DATABASE.destroy(lake)


def test_the_operator_joins_the_administrators_and_leaves_them_as_they_were(
    lake: AwsContext, neighbour: dict[str, Any]
) -> None:
    assert ADMINISTRATOR.ensure(lake) == "created"
    assert administrators(lake) == [SOMEBODY["DataLakePrincipalIdentifier"], operator(lake)]
    assert settings(lake) | {"DataLakeAdmins": [SOMEBODY]} == neighbour
    assert ADMINISTRATOR.ensure(lake) == "unchanged"
    assert ADMINISTRATOR.destroy(lake) == "deleted"
    assert settings(lake) == neighbour
    assert ADMINISTRATOR.destroy(lake) == "absent"


def test_an_operator_who_was_an_administrator_before_stays_one(lake: AwsContext, neighbour: dict[str, Any]) -> None:
    mine = neighbour | {"DataLakeAdmins": [SOMEBODY, {"DataLakePrincipalIdentifier": operator(lake)}]}
    lake.client("lakeformation").put_data_lake_settings(DataLakeSettings=mine)
    assert ADMINISTRATOR.ensure(lake) == "unchanged"
    assert ADMINISTRATOR.destroy(lake) == "kept"
    assert settings(lake) == mine


def test_an_administrator_taken_off_the_list_is_put_back(lake: AwsContext, neighbour: dict[str, Any]) -> None:
    ADMINISTRATOR.ensure(lake)
    lake.client("lakeformation").put_data_lake_settings(DataLakeSettings=neighbour)
    assert ADMINISTRATOR.ensure(lake) == "updated"
    assert operator(lake) in administrators(lake)
    ADMINISTRATOR.destroy(lake)


def test_a_bootstrap_that_died_before_it_changed_the_settings_goes_on(
    lake: AwsContext, neighbour: dict[str, Any]
) -> None:
    lake.client("ssm").put_parameter(
        Name=ADMINISTRATOR.parameter,
        Value=operator(lake),
        Type="StringList",
        Tags=[{"Key": "footlake", "Value": "footlake"}],
    )
    assert ADMINISTRATOR.ensure(lake) == "updated"
    assert ADMINISTRATOR.ensure(lake) == "unchanged"
    assert ADMINISTRATOR.destroy(lake) == "deleted"
    assert settings(lake) == neighbour


ANYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def role_of_a_team(lake: AwsContext) -> Iterator[str]:
    """A role with a path, as single sign-on makes them."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}],
    }
    iam = lake.client("iam")
    yield iam.create_role(RoleName="Team", Path="/people/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.detach_role_policy(RoleName="Team", PolicyArn=ANYTHING)
    iam.delete_role(RoleName="Team")


def test_every_operator_that_footlake_added_is_removed(
    lake: AwsContext, make_lake: Make, neighbour: dict[str, Any], role_of_a_team: str
) -> None:
    lake.client("iam").attach_role_policy(RoleName="Team", PolicyArn=ANYTHING)
    session = lake.client("sts").assume_role(RoleArn=role_of_a_team, RoleSessionName="anna")["Credentials"]
    colleague = make_lake(
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    assert operator(colleague) == role_of_a_team
    assert ADMINISTRATOR.ensure(lake) == "created"
    assert ADMINISTRATOR.ensure(colleague) == "updated"
    assert administrators(lake)[1:] == [operator(lake), role_of_a_team]
    assert ADMINISTRATOR.destroy(colleague) == "deleted"
    assert settings(lake) == neighbour


def test_the_bucket_is_registered_with_the_service_linked_role(lake: AwsContext, bucket: Bucket) -> None:
    assert LOCATION.ensure(lake) == "created"
    assert LOCATION.ensure(lake) == "unchanged"
    described = lake.client("lakeformation").describe_resource(ResourceArn=bucket.arn)["ResourceInfo"]
    assert described["RoleArn"].endswith(SERVICE_ROLE)
    assert LOCATION.destroy(lake) == "deleted"
    assert LOCATION.destroy(lake) == "absent"


def test_a_location_that_somebody_registered_is_used_and_kept(lake: AwsContext, bucket: Bucket) -> None:
    client = lake.client("lakeformation")
    client.register_resource(ResourceArn=bucket.arn, RoleArn="arn:aws:iam::123456789012:role/theirs")
    assert LOCATION.ensure(lake) == "unchanged"
    assert LOCATION.destroy(lake) == "kept"
    assert LOCATION.exists(lake)
    client.deregister_resource(ResourceArn=bucket.arn)


def test_a_location_in_a_bucket_that_is_not_ours_is_kept(lake: AwsContext, bucket: Bucket) -> None:
    LOCATION.ensure(lake)
    lake.client("s3").delete_bucket_tagging(Bucket=bucket.name)
    assert LOCATION.destroy(lake) == "kept"
    lake.client("s3").put_bucket_tagging(
        Bucket=bucket.name, Tagging={"TagSet": [{"Key": "footlake", "Value": "footlake"}]}
    )
    assert LOCATION.destroy(lake) == "deleted"


@pytest.fixture
def role(lake: AwsContext) -> Iterator[IamRole]:
    statement = {"Effect": "Allow", "Action": ["lakeformation:GetDataAccess"], "Resource": "*"}
    role = IamRole("LfGlueRole", "glue.amazonaws.com", {"Version": "2012-10-17", "Statement": [statement]})
    role.ensure(lake)
    yield role
    role.destroy(lake)


def test_permissions_are_granted_completed_and_revoked(lake: AwsContext, role: IamRole, database: GlueDatabase) -> None:
    grant = LakeFormationGrant(role, ("ALTER", "CREATE_TABLE", "DESCRIBE"), database, ADMINISTRATOR)
    tables = LakeFormationGrant(role, ("ALL",), database, ADMINISTRATOR, tables=True)
    assert (grant.ensure(lake), tables.ensure(lake)) == ("created", "created")
    assert (grant.ensure(lake), tables.ensure(lake)) == ("unchanged", "unchanged")
    lake.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": role.arn(lake)},
        Resource={"Database": {"Name": database.name}},
        Permissions=["CREATE_TABLE"],
    )
    assert grant.ensure(lake) == "updated"
    assert (grant.destroy(lake), tables.destroy(lake)) == ("deleted", "deleted")
    assert (grant.destroy(lake), tables.destroy(lake)) == ("absent", "absent")
    assert not grant.exists(lake)


def test_permissions_of_others_on_the_same_database_stay(
    lake: AwsContext, role: IamRole, database: GlueDatabase
) -> None:
    client = lake.client("lakeformation")
    resource = {"Database": {"Name": database.name}}
    client.grant_permissions(Principal=SOMEBODY, Resource=resource, Permissions=["DESCRIBE"])
    grant = LakeFormationGrant(role, ("DESCRIBE",), database, ADMINISTRATOR)
    assert grant.ensure(lake) == "created"
    assert grant.destroy(lake) == "deleted"
    left = client.list_permissions(Resource=resource)["PrincipalResourcePermissions"]
    assert [(one["Principal"], one["Permissions"]) for one in left] == [(SOMEBODY, ["DESCRIBE"])]


def test_a_location_is_granted_once_it_is_registered(lake: AwsContext, bucket: Bucket, role: IamRole) -> None:
    grant = LakeFormationGrant(role, ("DATA_LOCATION_ACCESS",), LOCATION, ADMINISTRATOR)
    LOCATION.ensure(lake)
    assert grant.ensure(lake) == "created"
    assert grant.ensure(lake) == "unchanged"
    assert grant.destroy(lake) == "deleted"
    LOCATION.destroy(lake)


def test_permissions_on_a_database_that_is_not_there_are_absent(lake: AwsContext, role: IamRole) -> None:
    nowhere = GlueDatabase("nowhere", "s3://nowhere/")
    for resource in (LakeFormationGrant(role, ("ALL",), nowhere, ADMINISTRATOR), DropGrant(nowhere, ADMINISTRATOR, ())):
        assert not resource.exists(lake)
        assert resource.destroy(lake) == "absent"


def test_the_right_to_drop_goes_with_the_database(lake: AwsContext, database: GlueDatabase) -> None:
    right = DropGrant(database, ADMINISTRATOR, ())
    assert right.ensure(lake) == "created"
    assert right.ensure(lake) == "unchanged"
    assert right.destroy(lake) == "deleted"
    assert right.exists(lake)
    database.destroy(lake)
    assert not right.exists(lake)
    assert right.destroy(lake) == "absent"
    ADMINISTRATOR.destroy(lake)


def test_half_a_right_is_completed(lake: AwsContext, database: GlueDatabase) -> None:
    right = DropGrant(database, ADMINISTRATOR, ())
    right.ensure(lake)
    lake.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": operator(lake)},
        Resource={"Table": {"DatabaseName": database.name, "TableWildcard": {}}},
        Permissions=["ALL"],
    )
    assert right.ensure(lake) == "updated"
    assert right.ensure(lake) == "unchanged"


def test_whoever_tears_down_becomes_an_administrator_who_may_drop(lake: AwsContext, database: GlueDatabase) -> None:
    right = DropGrant(database, ADMINISTRATOR, ())
    assert not right.exists(lake)
    assert right.destroy(lake) == "deleted"
    assert right.exists(lake)
    assert operator(lake) in administrators(lake)
    assert ADMINISTRATOR.destroy(lake) == "deleted"


def test_what_concerns_a_database_of_somebody_else_is_kept(lake: AwsContext, role: IamRole) -> None:
    lake.client("glue").create_database(DatabaseInput={"Name": "lf_theirs"})
    theirs = GlueDatabase("lf_theirs", "")
    grant, right = LakeFormationGrant(role, ("DESCRIBE",), theirs, ADMINISTRATOR), DropGrant(theirs, ADMINISTRATOR, ())
    grant.ensure(lake)
    assert (right.destroy(lake), grant.destroy(lake)) == ("kept", "kept")
    assert grant.exists(lake)
    assert not right.exists(lake)
    lake.client("glue").delete_database(Name="lf_theirs")


@pytest.mark.parametrize(
    ("caller", "told"),
    [
        ("arn:aws:iam::123456789012:root", "The account's root cannot administer a data lake"),
        ("arn:aws:sts::123456789012:federated-user/bob", "A federated user cannot administer a data lake"),
        ("arn:aws-cn:iam::123456789012:user/anna", "in the partition aws-cn"),
    ],
)
def test_who_cannot_have_a_lake_is_told_before_anything_is_made(make_lake: Make, caller: str, told: str) -> None:
    lake, changes = make_lake(), []

    def answer(model: Any, **_: Any) -> Any:
        if model.name == "GetCallerIdentity":
            return Answer(200), {"Account": "123456789012", "Arn": caller}
        if not model.name.startswith(("Get", "List", "Describe")):
            changes.append(model.name)
        return None

    lake.session.events.register_first("before-call", answer)
    with pytest.raises(FootlakeError, match=told):
        bootstrap(AwsContext(replace(lake.config, api_key="a key"), lake.session))
    assert not changes
