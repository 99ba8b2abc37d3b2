"""Resources of the original walk-through that only --as-documented creates.

These are users, AWS's managed policies, an interface endpoint and SageMaker Studio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.errors import FootlakeError, StepFailed
from footlake.resources.base import Destroyed, Ensured, OwnedResource, differs, get_member, global_tag_list, tag_list
from footlake.resources.iam import NOT_FOUND, IamRole
from footlake.resources.network import (
    EndpointSecurityGroup,
    S3EndpointBase,
    create_s3_endpoint,
    default_vpc,
    delete_group,
    glue_subnet,
    s3_endpoints,
    subnets,
)


def managed_policy_arn(name: str) -> str:
    """Return the ARN of one of AWS's managed policies."""
    return f"arn:aws:iam::aws:policy/{name}"


@dataclass(frozen=True)
class IamUser(OwnedResource):
    """An IAM user with one managed policy and no credentials. An existing one of another owner is used unchanged."""

    kind = "user"
    shared = True

    name: str
    policy: str

    def _create(self, aws: AwsContext) -> None:
        aws.client("iam").create_user(UserName=self.name, Tags=global_tag_list(aws))
        self._attach_policy(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        if managed_policy_arn(self.policy) in self._attached_arns(aws):
            return False
        self._attach_policy(aws)
        return True

    def _attach_policy(self, aws: AwsContext) -> None:
        aws.client("iam").attach_user_policy(UserName=self.name, PolicyArn=managed_policy_arn(self.policy))

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        """Delete the user and everything that was added to it since."""
        if aws.caller == state["Arn"]:
            raise FootlakeError(f"The user {self.name} cannot delete itself.", "Run the command as another user.")
        iam, user = aws.client("iam"), {"UserName": self.name}
        for key in iam.list_access_keys(**user)["AccessKeyMetadata"]:
            iam.delete_access_key(**user, AccessKeyId=key["AccessKeyId"])
        get_or_none(iam.delete_login_profile, NOT_FOUND, **user)
        for device in iam.list_mfa_devices(**user)["MFADevices"]:
            iam.deactivate_mfa_device(**user, SerialNumber=device["SerialNumber"])
        for group in iam.list_groups_for_user(**user)["Groups"]:
            iam.remove_user_from_group(**user, GroupName=group["GroupName"])
        for name in iam.list_user_policies(**user)["PolicyNames"]:
            iam.delete_user_policy(**user, PolicyName=name)
        for arn in self._attached_arns(aws):
            iam.detach_user_policy(**user, PolicyArn=arn)
        iam.delete_user(**user)

    def _attached_arns(self, aws: AwsContext) -> list[str]:
        attached = aws.client("iam").list_attached_user_policies(UserName=self.name)["AttachedPolicies"]
        return [policy["PolicyArn"] for policy in attached]

    def _read(self, aws: AwsContext) -> Any | None:
        return get_member(aws.client("iam").get_user, "User", NOT_FOUND, UserName=self.name)


@dataclass(frozen=True)
class ManagedPolicies:
    """AWS's managed policies on a role of the lake, in addition to its inline policy."""

    role: IamRole
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"managed policies of {self.role.label}"

    def exists(self, aws: AwsContext) -> bool:
        return bool(self._attached_arns(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        attached = self._attached_arns(aws)
        missing = [arn for arn in self._arns if arn not in attached]
        for arn in missing:
            aws.client("iam").attach_role_policy(RoleName=self.role.name, PolicyArn=arn)
        if not missing:
            return "unchanged"
        return "updated" if attached else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if self.role.is_foreign(aws):
            return "kept"
        attached = self._attached_arns(aws)
        for arn in attached:
            aws.client("iam").detach_role_policy(RoleName=self.role.name, PolicyArn=arn)
        return "deleted" if attached else "absent"

    @property
    def _arns(self) -> list[str]:
        return [managed_policy_arn(name) for name in self.names]

    def _attached_arns(self, aws: AwsContext) -> list[str]:
        """Return the ARNs of those of the policies that are attached."""
        list_attached = aws.client("iam").list_attached_role_policies
        attached = get_member(list_attached, "AttachedPolicies", NOT_FOUND, RoleName=self.role.name) or []
        return [policy["PolicyArn"] for policy in attached if policy["PolicyArn"] in self._arns]


@dataclass(frozen=True)
class S3InterfaceEndpoint(S3EndpointBase):
    """The interface endpoint from Glue to S3 in one zone, at 7.30 USD a month (November 2026)."""

    endpoint_type = "Interface"

    security_group: EndpointSecurityGroup

    @property
    def label(self) -> str:
        return "vpc endpoint s3 interface"

    def ensure(self, aws: AwsContext) -> Ensured:
        endpoint, group = self._read(aws), self.security_group.id(aws)
        if endpoint:
            others = [other["GroupId"] for other in endpoint.get("Groups", ()) if other["GroupId"] != group]
            if not others or not self._is_ours(aws, endpoint):
                return "unchanged"
            aws.client("ec2").modify_vpc_endpoint(
                VpcEndpointId=endpoint["VpcEndpointId"], AddSecurityGroupIds=[group], RemoveSecurityGroupIds=others
            )
            return "updated"
        create_s3_endpoint(
            aws,
            self.endpoint_type,
            SubnetIds=[glue_subnet(aws)["SubnetId"]],
            SecurityGroupIds=[group],
            PrivateDnsEnabled=True,
            # The default, True, requires an additional gateway endpoint.
            DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": False},
        )
        return "created"

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        super()._delete(aws, state)

        def is_gone() -> bool | None:
            remaining = s3_endpoints(aws, self.endpoint_type, "deleting")
            return None if state["VpcEndpointId"] in [endpoint["VpcEndpointId"] for endpoint in remaining] else True

        # Until then the endpoint's network interfaces use the security group.
        aws.wait_until(f"{self.label} to be deleted", is_gone, every=10, limit=900)


@dataclass(frozen=True)
class StudioDomain(OwnedResource):
    """A SageMaker Studio domain in the default VPC."""

    kind = "studio domain"
    arn_member = "DomainArn"

    name: str
    role: IamRole

    @property
    def traces(self) -> tuple[str, ...]:
        """Patterns of the ARNs of the domain and its users, which contain the domain's id instead of its name."""
        return ("arn:*:sagemaker:*:domain/d-*", "arn:*:sagemaker:*:user-profile/d-*")

    def id(self, aws: AwsContext) -> str | None:
        """Return the domain's id, or None if the domain does not exist."""
        domain = self._read(aws)
        return str(domain["DomainId"]) if domain else None

    def _create(self, aws: AwsContext) -> None:
        aws.retry_until_consistent(
            f"role {self.role.name} to be usable",
            lambda: aws.client("sagemaker").create_domain(
                DomainName=self.name,
                AuthMode="IAM",
                DefaultUserSettings=self._user_settings(aws),
                VpcId=default_vpc(aws),
                SubnetIds=[subnet["SubnetId"] for subnet in subnets(aws)],
                Tags=tag_list(aws),
            ),
            "is unable to assume",
            "cannot be assumed",
        )
        self._update(aws, {})

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        domain, settings = self._wait_until_settled(aws), self._user_settings(aws)
        if domain["Status"] != "InService":
            raise StepFailed(
                f"The {self.label} has the status {domain['Status']}.", str(domain.get("FailureReason", ""))
            )
        if not differs(domain["DefaultUserSettings"], settings):
            return False
        aws.client("sagemaker").update_domain(DomainId=domain["DomainId"], DefaultUserSettings=settings)
        self._wait_until_settled(aws)
        return True

    def _user_settings(self, aws: AwsContext) -> dict[str, str]:
        return {"ExecutionRole": self.role.arn(aws)}

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        domain_id = state["DomainId"]
        if state["Status"] != "Deleting":
            self._wait_until_settled(aws)
            _StudioContents(aws, domain_id).delete()
            # The default, Retain, would leave a file system that costs money and blocks the deletion of its subnets.
            aws.client("sagemaker").delete_domain(DomainId=domain_id, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
        aws.wait_until(f"{self.label} to be deleted", lambda: None if self.exists(aws) else True, every=10, limit=1200)
        _delete_nfs_groups(aws, domain_id)

    def _wait_until_settled(self, aws: AwsContext) -> dict[str, Any]:
        """Return the domain's details as soon as no change is in progress."""

        def describe_settled() -> dict[str, Any] | None:
            domain: dict[str, Any] = aws.client("sagemaker").describe_domain(DomainId=self.id(aws))
            return None if domain["Status"] in ("Pending", "Updating") else domain

        return aws.wait_until(f"{self.label} to be ready", describe_settled, every=10, limit=1200)

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("sagemaker").list_tags(ResourceArn=state["DomainArn"])["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        pages = aws.client("sagemaker").get_paginator("list_domains").paginate()
        domains = [domain for page in pages for domain in page["Domains"] if domain["DomainName"] == self.name]
        return domains[0] if domains else None


@dataclass(frozen=True)
class StudioUserProfile(OwnedResource):
    """A user of a Studio domain."""

    kind = "studio user"

    name: str
    domain: StudioDomain

    def _create(self, aws: AwsContext) -> None:
        aws.client("sagemaker").create_user_profile(
            DomainId=self.domain.id(aws), UserProfileName=self.name, Tags=tag_list(aws)
        )
        self._wait_until_in_service(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        self._wait_until_in_service(aws)
        return False

    def _wait_until_in_service(self, aws: AwsContext) -> None:
        def settled_status() -> str | None:
            status = (self._read(aws) or {"Status": "Pending"})["Status"]
            return None if status in ("Pending", "Updating") else str(status)

        status = aws.wait_until(f"{self.label} to be ready", settled_status, every=5, limit=600)
        if status != "InService":
            raise StepFailed(
                f"The {self.label} has the status {status}.", "Look for the reason in the SageMaker console."
            )

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        _StudioContents(aws, state["DomainId"], self.name).delete()

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return aws.client("sagemaker").list_tags(ResourceArn=state["UserProfileArn"])["Tags"]

    def _read(self, aws: AwsContext) -> Any | None:
        domain_id = self.domain.id(aws)
        if domain_id is None:
            return None
        describe = aws.client("sagemaker").describe_user_profile
        return get_or_none(describe, "ResourceNotFound", DomainId=domain_id, UserProfileName=self.name)


@dataclass(frozen=True)
class _StudioContents:
    """The apps, spaces and users of a domain: all of them, or the user `owner` with its apps and spaces."""

    aws: AwsContext
    domain_id: str
    owner: str = ""

    def delete(self) -> None:
        """Delete apps, then spaces, then users, because each of them blocks the deletion of the next."""
        sagemaker = self.aws.client("sagemaker")
        self._delete_each(self._apps, sagemaker.delete_app, "UserProfileName", "SpaceName", "AppType", "AppName")
        self._delete_each(self._spaces, sagemaker.delete_space, "SpaceName")
        self._delete_each(self._users, sagemaker.delete_user_profile, "UserProfileName")

    def _delete_each(
        self, list_remaining: Callable[[], list[dict[str, Any]]], delete: Callable[..., Any], *names: str
    ) -> None:
        for item in list_remaining():
            if item["Status"] != "Deleting":
                delete(DomainId=self.domain_id, **{name: item[name] for name in names if item.get(name)})
        self.aws.wait_until(
            "Studio to delete apps, spaces and users", lambda: None if list_remaining() else True, every=5, limit=600
        )

    def _list(self, call: str, member: str) -> list[dict[str, Any]]:
        pages = self.aws.client("sagemaker").get_paginator(call).paginate(DomainIdEquals=self.domain_id)
        return [item for page in pages for item in page[member]]

    def _has_owner(self, name: str | None) -> bool:
        return self.owner in ("", name)

    def _users(self) -> list[dict[str, Any]]:
        return [
            user
            for user in self._list("list_user_profiles", "UserProfiles")
            if self._has_owner(user["UserProfileName"])
        ]

    def _spaces(self) -> list[dict[str, Any]]:
        return [
            space
            for space in self._list("list_spaces", "Spaces")
            if self._has_owner(space.get("OwnershipSettingsSummary", {}).get("OwnerUserProfileName"))
        ]

    def _apps(self) -> list[dict[str, Any]]:
        space_names = [space["SpaceName"] for space in self._spaces()]
        return [
            app
            for app in self._list("list_apps", "Apps")
            # A deleted app is listed for a day, and a failed one blocks nothing.
            if app["Status"] not in ("Deleted", "Failed")
            and (self._has_owner(app.get("UserProfileName")) or app.get("SpaceName") in space_names)
        ]


def _delete_nfs_groups(aws: AwsContext, domain_id: str) -> None:
    """Delete the two security groups that Studio created for a domain's file system.

    Their rules refer to each other, so all rules are deleted before the groups.
    """
    ec2 = aws.client("ec2")
    names = [f"security-group-for-{direction}-nfs-{domain_id}" for direction in ("inbound", "outbound")]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": names}])["SecurityGroups"]
    for group in groups:
        if group.get("IpPermissions"):
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        if group.get("IpPermissionsEgress"):
            ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    for group in groups:
        delete_group(aws, group["GroupId"], group["GroupName"])
