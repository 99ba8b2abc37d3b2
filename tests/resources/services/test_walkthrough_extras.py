"""Resources that only --as-documented creates; teardown finds them whatever the settings are."""

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
from footlake.resources.network import EndpointSecurityGroup, S3Endpoint
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
def role(aws: AwsContext) -> Iterator[IamRole]:
    ROLE.ensure(aws)
    yield ROLE
    ROLE.destroy(aws)


def test_users_have_their_policy_and_no_credentials(aws: AwsContext) -> None:
    iam = aws.client("iam")
    assert [USER.ensure(aws), USER.ensure(aws)] == ["created", "unchanged"]
    attached = iam.list_attached_user_policies(UserName=USER.name)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonS3FullAccess"]
    assert iam.list_access_keys(UserName=USER.name)["AccessKeyMetadata"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_login_profile(UserName=USER.name)
    assert [USER.destroy(aws), USER.destroy(aws)] == ["deleted", "absent"]


def test_a_user_is_deleted_with_everything_added_to_it(aws: AwsContext) -> None:
    iam = aws.client("iam")
    USER.ensure(aws)
    iam.create_access_key(UserName=USER.name)
    iam.create_login_profile(UserName=USER.name, Password="Not-a-secret-1")
    iam.create_group(GroupName="people")
    iam.add_user_to_group(UserName=USER.name, GroupName="people")
    iam.put_user_policy(UserName=USER.name, PolicyName="more", PolicyDocument=json.dumps(ROLE.policy))
    assert USER.destroy(aws) == "deleted"
    assert not USER.exists(aws)
    iam.delete_group(GroupName="people")


def test_an_existing_user_without_the_tag_is_used_and_kept(aws: AwsContext) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName=USER.name)
    assert USER.ensure(aws) == "unchanged"
    assert iam.list_attached_user_policies(UserName=USER.name)["AttachedPolicies"] == []
    assert USER.destroy(aws) == "kept"
    iam.delete_user(UserName=USER.name)


def test_managed_policies_leave_other_attached_policies(aws: AwsContext, role: IamRole) -> None:
    iam = aws.client("iam")
    policies = ManagedPolicies(role, ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"))
    iam.attach_role_policy(RoleName=role.name, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert [policies.ensure(aws), policies.ensure(aws)] == ["created", "unchanged"]
    iam.detach_role_policy(RoleName=role.name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    assert policies.ensure(aws) == "updated"
    assert [policies.destroy(aws), policies.destroy(aws)] == ["deleted", "absent"]
    left = iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in left] == ["ReadOnlyAccess"]


def test_the_interface_endpoint_is_created_and_deleted_once(aws: AwsContext) -> None:
    group = EndpointSecurityGroup("documented")
    group.ensure(aws)
    endpoint = S3InterfaceEndpoint(group)
    assert [endpoint.ensure(aws), endpoint.ensure(aws)] == ["created", "unchanged"]
    assert [endpoint.destroy(aws), endpoint.destroy(aws)] == ["deleted", "absent"]
    group.destroy(aws)


def test_studio_is_deleted_with_the_apps_and_spaces_of_its_users(aws: AwsContext, role: IamRole) -> None:
    sagemaker = aws.client("sagemaker")
    assert [DOMAIN.ensure(aws), DOMAIN.ensure(aws)] == ["created", "unchanged"]
    assert [PROFILE.ensure(aws), PROFILE.ensure(aws)] == ["created", "unchanged"]
    domain_id = DOMAIN.id(aws)
    assert domain_id
    sagemaker.create_user_profile(DomainId=domain_id, UserProfileName="a-colleague")
    for name, owner in (("mine", PROFILE.name), ("theirs", "a-colleague")):
        sagemaker.create_space(
            DomainId=domain_id,
            SpaceName=name,
            OwnershipSettings={"OwnerUserProfileName": owner},
            SpaceSharingSettings={"SharingType": "Private"},
        )
        sagemaker.create_app(DomainId=domain_id, SpaceName=name, AppType="JupyterLab", AppName="default")
    sagemaker.create_app(DomainId=domain_id, UserProfileName=PROFILE.name, AppType="JupyterServer", AppName="default")
    assert [PROFILE.destroy(aws), PROFILE.destroy(aws)] == ["deleted", "absent"]
    assert [app["SpaceName"] for app in sagemaker.list_apps(DomainIdEquals=domain_id)["Apps"]] == ["theirs"]
    assert [DOMAIN.destroy(aws), DOMAIN.destroy(aws)] == ["deleted", "absent"]
    assert not PROFILE.exists(aws)


def test_studio_is_deleted_with_its_security_groups(aws: AwsContext, role: IamRole) -> None:
    ec2 = aws.client("ec2")
    DOMAIN.ensure(aws)
    names = [f"security-group-for-{direction}-nfs-{DOMAIN.id(aws)}" for direction in ("inbound", "outbound")]
    ids = [ec2.create_security_group(GroupName=name, Description="NFS")["GroupId"] for name in names]
    rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
    ec2.authorize_security_group_ingress(
        GroupId=ids[0], IpPermissions=[rule | {"UserIdGroupPairs": [{"GroupId": ids[1]}]}]
    )
    ec2.authorize_security_group_egress(
        GroupId=ids[1], IpPermissions=[rule | {"UserIdGroupPairs": [{"GroupId": ids[0]}]}]
    )
    assert DOMAIN.destroy(aws) == "deleted"
    assert not {group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"]} & set(ids)


def test_a_domain_with_another_role_is_repaired(aws: AwsContext, role: IamRole) -> None:
    DOMAIN.ensure(aws)
    other = {"ExecutionRole": "arn:aws:iam::123456789012:role/other"}
    aws.client("sagemaker").update_domain(DomainId=DOMAIN.id(aws), DefaultUserSettings=other)
    assert DOMAIN.ensure(aws) == "updated"
    DOMAIN.destroy(aws)


def test_a_foreign_domain_is_not_changed(aws: AwsContext, role: IamRole) -> None:
    sagemaker = aws.client("sagemaker")
    sagemaker.create_domain(
        DomainName=DOMAIN.name, AuthMode="IAM", DefaultUserSettings={"ExecutionRole": role.arn(aws)}
    )
    with pytest.raises(FootlakeError, match=r"The studio domain .* already exists"):
        DOMAIN.ensure(aws)
    assert DOMAIN.destroy(aws) == "kept"
    sagemaker.delete_domain(DomainId=DOMAIN.id(aws))


CONFIG = Config(account="123456789012", region="us-east-1", client_address="127.0.0.1/32")


def test_the_default_creates_none_of_these() -> None:
    kinds = {type(resource) for resource in catalogue(CONFIG)}
    assert not kinds & {IamUser, ManagedPolicies, S3InterfaceEndpoint, StudioDomain, StudioUserProfile}
    assert S3Endpoint in kinds


def test_as_documented_has_the_endpoint_and_users_of_the_walkthrough() -> None:
    resources = catalogue(replace(CONFIG, as_documented=True))
    assert S3Endpoint not in {type(resource) for resource in resources}
    assert {resource.label for resource in resources} >= {
        "user boto3user",
        "user Administrator",
        "vpc endpoint s3 interface",
        "studio domain footlake",
        "studio user mydefaultusername",
    }


def test_teardown_covers_the_resources_of_all_settings() -> None:
    labels = [resource.label for resource in catalogue(CONFIG, everything=True)]
    assert len(labels) == len(set(labels))
    for settings in (CONFIG, replace(CONFIG, as_documented=True, alert_email="anna@example.org")):
        assert {resource.label for resource in catalogue(settings)} <= set(labels)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False), ("no", False)])
def test_as_documented_accepts_words(text: str, value: bool) -> None:
    assert load(None, {"FOOTLAKE_AS_DOCUMENTED": text}, {}).as_documented is value


def test_as_documented_can_be_set_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "footlake.toml").write_text("as_documented = true\nbudget = 12\n")
    settings = load(tmp_path / "footlake.toml", {}, {})
    assert (settings.as_documented, settings.budget) == (True, 12)


def test_as_documented_rejects_other_words() -> None:
    with pytest.raises(FootlakeError) as refused:
        load(None, {"FOOTLAKE_AS_DOCUMENTED": "perhaps"}, {})
    assert "true or false" in refused.value.message
