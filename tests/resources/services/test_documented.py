"""What only the document's letter asks for, and that a teardown finds it whatever the settings are then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from footlake.aws import AwsContext
from footlake.config import Config, load
from footlake.deploy.catalogue import catalogue
from footlake.errors import FootlakeError
from footlake.resources.iam import IamRole
from footlake.resources.network import S3Endpoint, SecurityGroup
from footlake.resources.walkthrough_extras import (
    IamUser,
    ManagedPolicies,
    S3InterfaceEndpoint,
    StudioDomain,
    StudioUserProfile,
)

USER = IamUser("boto3user", "AmazonS3FullAccess")
STATEMENT = {"Effect": "Allow", "Action": ["ecr:GetAuthorizationToken"], "Resource": "*"}
ROLE = IamRole("DocumentedRole", "sagemaker.amazonaws.com", {"Version": "2012-10-17", "Statement": [STATEMENT]})
DOMAIN = StudioDomain("footlake", ROLE)
PROFILE = StudioUserProfile("mydefaultusername", DOMAIN)


@pytest.fixture
def role(lake: AwsContext) -> Iterator[IamRole]:
    ROLE.ensure(lake)
    yield ROLE
    ROLE.destroy(lake)


def test_users_have_their_policy_and_no_way_to_sign_in(lake: AwsContext) -> None:
    iam = lake.client("iam")
    assert [USER.ensure(lake), USER.ensure(lake)] == ["created", "unchanged"]
    attached = iam.list_attached_user_policies(UserName=USER.name)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonS3FullAccess"]
    assert iam.list_access_keys(UserName=USER.name)["AccessKeyMetadata"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_login_profile(UserName=USER.name)
    assert [USER.destroy(lake), USER.destroy(lake)] == ["deleted", "absent"]


def test_a_user_goes_with_what_people_gave_it(lake: AwsContext) -> None:
    iam = lake.client("iam")
    USER.ensure(lake)
    iam.create_access_key(UserName=USER.name)
    iam.create_login_profile(UserName=USER.name, Password="Not-a-secret-1")
    iam.create_group(GroupName="people")
    iam.add_user_to_group(UserName=USER.name, GroupName="people")
    iam.put_user_policy(UserName=USER.name, PolicyName="more", PolicyDocument=json.dumps(ROLE.policy))
    assert USER.destroy(lake) == "deleted"
    assert not USER.exists(lake)
    iam.delete_group(GroupName="people")


def test_a_user_that_people_made_by_hand_is_used_and_kept(lake: AwsContext) -> None:
    iam = lake.client("iam")
    iam.create_user(UserName=USER.name)
    assert USER.ensure(lake) == "unchanged"
    assert iam.list_attached_user_policies(UserName=USER.name)["AttachedPolicies"] == []
    assert USER.destroy(lake) == "kept"
    iam.delete_user(UserName=USER.name)


def test_managed_policies_stand_beside_those_that_people_attached(lake: AwsContext, role: IamRole) -> None:
    iam = lake.client("iam")
    policies = ManagedPolicies(role, ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"))
    iam.attach_role_policy(RoleName=role.name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert [policies.ensure(lake), policies.ensure(lake)] == ["created", "unchanged"]
    iam.detach_role_policy(RoleName=role.name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    assert policies.ensure(lake) == "updated"
    assert [policies.destroy(lake), policies.destroy(lake)] == ["deleted", "absent"]
    left = iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
    assert [one["PolicyName"] for one in left] == ["ReadOnlyAccess"]


def test_the_interface_endpoint(lake: AwsContext) -> None:
    group = SecurityGroup("documented", "127.0.0.1/32")
    group.ensure(lake)
    endpoint = S3InterfaceEndpoint(group)
    assert [endpoint.ensure(lake), endpoint.ensure(lake)] == ["created", "unchanged"]
    assert [endpoint.destroy(lake), endpoint.destroy(lake)] == ["deleted", "absent"]
    group.destroy(lake)


def test_studio_goes_with_the_apps_and_spaces_of_its_users(lake: AwsContext, role: IamRole) -> None:
    sagemaker = lake.client("sagemaker")
    assert [DOMAIN.ensure(lake), DOMAIN.ensure(lake)] == ["created", "unchanged"]
    assert [PROFILE.ensure(lake), PROFILE.ensure(lake)] == ["created", "unchanged"]
    id = DOMAIN.id(lake)
    assert id
    sagemaker.create_user_profile(DomainId=id, UserProfileName="a-colleague")
    for name, owner in (("mine", PROFILE.name), ("theirs", "a-colleague")):
        sagemaker.create_space(
            DomainId=id,
            SpaceName=name,
            OwnershipSettings={"OwnerUserProfileName": owner},
            SpaceSharingSettings={"SharingType": "Private"},
        )
        sagemaker.create_app(DomainId=id, SpaceName=name, AppType="JupyterLab", AppName="default")
    sagemaker.create_app(DomainId=id, UserProfileName=PROFILE.name, AppType="JupyterServer", AppName="default")
    assert [PROFILE.destroy(lake), PROFILE.destroy(lake)] == ["deleted", "absent"]
    assert [one["SpaceName"] for one in sagemaker.list_apps(DomainIdEquals=id)["Apps"]] == ["theirs"]
    assert [DOMAIN.destroy(lake), DOMAIN.destroy(lake)] == ["deleted", "absent"]
    assert not PROFILE.exists(lake)


def test_studio_takes_its_security_groups_along(lake: AwsContext, role: IamRole) -> None:
    ec2 = lake.client("ec2")
    DOMAIN.ensure(lake)
    names = [f"security-group-for-{way}-nfs-{DOMAIN.id(lake)}" for way in ("inbound", "outbound")]
    ids = [ec2.create_security_group(GroupName=name, Description="NFS")["GroupId"] for name in names]
    rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
    ec2.authorize_security_group_ingress(
        GroupId=ids[0], IpPermissions=[rule | {"UserIdGroupPairs": [{"GroupId": ids[1]}]}]
    )
    ec2.authorize_security_group_egress(
        GroupId=ids[1], IpPermissions=[rule | {"UserIdGroupPairs": [{"GroupId": ids[0]}]}]
    )
    assert DOMAIN.destroy(lake) == "deleted"
    assert not {one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]} & set(ids)


def test_a_domain_with_another_role_is_repaired(lake: AwsContext, role: IamRole) -> None:
    DOMAIN.ensure(lake)
    other = {"ExecutionRole": "arn:aws:iam::123456789012:role/other"}
    lake.client("sagemaker").update_domain(DomainId=DOMAIN.id(lake), DefaultUserSettings=other)
    assert DOMAIN.ensure(lake) == "updated"
    DOMAIN.destroy(lake)


def test_a_domain_of_somebody_else_is_left_alone(lake: AwsContext, role: IamRole) -> None:
    sagemaker = lake.client("sagemaker")
    sagemaker.create_domain(
        DomainName=DOMAIN.name, AuthMode="IAM", DefaultUserSettings={"ExecutionRole": role.arn(lake)}
    )
    with pytest.raises(FootlakeError, match="already a studio domain"):
        DOMAIN.ensure(lake)
    assert DOMAIN.destroy(lake) == "kept"
    sagemaker.delete_domain(DomainId=DOMAIN.id(lake))


CONFIG = Config(account="123456789012", region="us-east-1", client_address="127.0.0.1/32")


def test_the_default_makes_nothing_of_this() -> None:
    kinds = {type(one) for one in catalogue(CONFIG)}
    assert not kinds & {IamUser, ManagedPolicies, S3InterfaceEndpoint, StudioDomain, StudioUserProfile}
    assert S3Endpoint in kinds


def test_as_documented_has_the_documents_endpoint_and_users() -> None:
    resources = catalogue(replace(CONFIG, as_documented=True))
    assert S3Endpoint not in {type(one) for one in resources}
    assert {one.label for one in resources} >= {
        "user boto3user",
        "user Administrator",
        "vpc endpoint s3 interface",
        "studio domain footlake",
        "studio user mydefaultusername",
    }


def test_teardown_looks_for_what_any_settings_may_have_made() -> None:
    labels = [one.label for one in catalogue(CONFIG, everything=True)]
    assert len(labels) == len(set(labels))
    for settings in (CONFIG, replace(CONFIG, as_documented=True, alert_email="anna@example.org")):
        assert {one.label for one in catalogue(settings)} <= set(labels)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False), ("no", False)])
def test_the_setting_is_a_word(text: str, value: bool) -> None:
    assert load(None, {"FOOTLAKE_AS_DOCUMENTED": text}, {}).as_documented is value


def test_the_setting_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "footlake.toml").write_text("as_documented = true\nbudget = 12\n")
    settings = load(tmp_path / "footlake.toml", {}, {})
    assert (settings.as_documented, settings.budget) == (True, 12)


def test_a_setting_that_is_neither_is_refused() -> None:
    with pytest.raises(FootlakeError) as refused:
        load(None, {"FOOTLAKE_AS_DOCUMENTED": "perhaps"}, {})
    assert "true or false" in refused.value.hint
