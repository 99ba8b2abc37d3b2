"""What only `as_documented` makes: users, AWS's managed policies, an interface endpoint, SageMaker Studio."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from footlake.aws import AwsContext
from footlake.errors import FootlakeError, StepFailed
from footlake.resources.base import (
    Destroyed,
    Ensured,
    differs,
    get_or_none,
    global_tag_list,
    is_owned,
    require_owned,
    tag_list,
)
from footlake.resources.iam import IamRole
from footlake.resources.network import (
    SecurityGroup,
    default_vpc,
    delete_endpoint,
    delete_group,
    ours_first,
    s3_endpoints,
    s3_service,
    subnets,
)

NO_USER = "NoSuchEntity"
NO_PROFILE = "ResourceNotFound"


def managed(name: str) -> str:
    """The ARN of one of AWS's managed policies."""
    return f"arn:aws:iam::aws:policy/{name}"


@dataclass(frozen=True)
class IamUser:
    """An IAM user with one managed policy and no means to sign in. One that is there already is used as it is."""

    name: str
    policy: str

    @property
    def label(self) -> str:
        return f"user {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        iam, user = aws.client("iam"), self._read(aws)
        if user is None:
            iam.create_user(UserName=self.name, Tags=global_tag_list(aws))
        elif not is_owned(aws, user.get("Tags")):
            return "unchanged"
        if user is None or managed(self.policy) not in self._attached(aws):
            iam.attach_user_policy(UserName=self.name, PolicyArn=managed(self.policy))
            return "created" if user is None else "updated"
        return "unchanged"

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Remove it with whatever was given to it since."""
        iam, user = aws.client("iam"), self._read(aws)
        if user is None:
            return "absent"
        if not is_owned(aws, user.get("Tags")):
            return "kept"
        if aws.caller == user["Arn"]:
            raise FootlakeError(
                f"The user {self.name} runs this command.", "Run it as another user to remove this one."
            )
        me = {"UserName": self.name}
        for key in iam.list_access_keys(**me)["AccessKeyMetadata"]:
            iam.delete_access_key(**me, AccessKeyId=key["AccessKeyId"])
        get_or_none(iam.delete_login_profile, NO_USER, **me)
        for device in iam.list_mfa_devices(**me)["MFADevices"]:
            iam.deactivate_mfa_device(**me, SerialNumber=device["SerialNumber"])
        for group in iam.list_groups_for_user(**me)["Groups"]:
            iam.remove_user_from_group(**me, GroupName=group["GroupName"])
        for name in iam.list_user_policies(**me)["PolicyNames"]:
            iam.delete_user_policy(**me, PolicyName=name)
        for arn in self._attached(aws):
            iam.detach_user_policy(**me, PolicyArn=arn)
        iam.delete_user(**me)
        return "deleted"

    def _attached(self, aws: AwsContext) -> list[str]:
        attached = aws.client("iam").list_attached_user_policies(UserName=self.name)["AttachedPolicies"]
        return [one["PolicyArn"] for one in attached]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("iam").get_user, NO_USER, UserName=self.name)
        return answer["User"] if answer else None


@dataclass(frozen=True)
class ManagedPolicies:
    """AWS's managed policies on a role of the lake, beside its own policy."""

    role: IamRole
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        return f"managed policies of {self.role.label}"

    def exists(self, aws: AwsContext) -> bool:
        return bool(self._attached(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        attached = self._attached(aws)
        missing = [name for name in self.names if managed(name) not in attached]
        for name in missing:
            aws.client("iam").attach_role_policy(RoleName=self.role.name, PolicyArn=managed(name))
        if not missing:
            return "unchanged"
        return "updated" if attached else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        role = get_or_none(aws.client("iam").get_role, NO_USER, RoleName=self.role.name)
        if role is not None and not is_owned(aws, role["Role"].get("Tags")):
            return "kept"
        attached = self._attached(aws)
        for arn in attached:
            aws.client("iam").detach_role_policy(RoleName=self.role.name, PolicyArn=arn)
        return "deleted" if attached else "absent"

    def _attached(self, aws: AwsContext) -> list[str]:
        """Those of ours that are attached."""
        answer = get_or_none(aws.client("iam").list_attached_role_policies, NO_USER, RoleName=self.role.name)
        arns = [one["PolicyArn"] for one in answer["AttachedPolicies"]] if answer else []
        return [arn for arn in arns if arn in map(managed, self.names)]


@dataclass(frozen=True)
class S3InterfaceEndpoint:
    """The document's way from Glue to S3: an interface endpoint, at 7.30 USD a month (November 2026), in one zone."""

    security_group: SecurityGroup

    @property
    def label(self) -> str:
        return "vpc endpoint s3 interface"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        if self._read(aws) is not None:
            return "unchanged"
        aws.client("ec2").create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=default_vpc(aws),
            ServiceName=s3_service(aws),
            SubnetIds=[subnets(aws)[0]["SubnetId"]],
            SecurityGroupIds=[self.security_group.id(aws)],
            PrivateDnsEnabled=True,
            # True, the default, wants a gateway endpoint beside it.
            DnsOptions={"PrivateDnsOnlyForInboundResolverEndpoint": False},
            TagSpecifications=[
                {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "footlake-s3"}, *tag_list(aws)]}
            ],
            ClientToken=str(uuid.uuid4()),  # so that the SDK may ask again without making another
        )
        return "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        endpoint = self._read(aws)
        if endpoint is None:
            return "absent"
        if not is_owned(aws, endpoint.get("Tags")):
            return "kept"
        delete_endpoint(aws, self.label, endpoint)

        def there() -> list[str]:
            return [one["VpcEndpointId"] for one in s3_endpoints(aws, "Interface", "deleting")]

        # Until it is gone, its network interfaces hold the security group.
        aws.wait_until(
            f"{self.label} to go",
            lambda: None if endpoint["VpcEndpointId"] in there() else True,
            every=10,
            limit=900,
        )
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        return ours_first(aws, s3_endpoints(aws, "Interface"))


@dataclass(frozen=True)
class StudioDomain:
    """A SageMaker Studio domain in the default VPC."""

    name: str
    role: IamRole

    @property
    def label(self) -> str:
        return f"studio domain {self.name}"

    @property
    def traces(self) -> tuple[str, ...]:
        """Patterns of its ARN and its users', which have its id for its name."""
        return ("arn:*:sagemaker:*:domain/d-*", "arn:*:sagemaker:*:user-profile/d-*")

    def id(self, aws: AwsContext) -> str | None:
        """Its id, or None where it is not there."""
        domain = self._read(aws)
        return str(domain["DomainId"]) if domain else None

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        sagemaker, domain = aws.client("sagemaker"), self._read(aws)
        settings = {"ExecutionRole": self.role.arn(aws)}
        outcome: Ensured = "unchanged"
        if domain is None:
            aws.retry_until_consistent(
                f"role {self.role.name} to be usable",
                lambda: sagemaker.create_domain(
                    DomainName=self.name,
                    AuthMode="IAM",
                    DefaultUserSettings=settings,
                    VpcId=default_vpc(aws),
                    SubnetIds=[subnet["SubnetId"] for subnet in subnets(aws)],
                    Tags=tag_list(aws),
                ),
                "is unable to assume",
                "cannot be assumed",
            )
            outcome = "created"
        else:
            require_owned(aws, self.label, lambda: self._tags(aws, domain), domain["DomainArn"])
        domain = self._settled(aws)
        if domain["Status"] != "InService":
            raise StepFailed(f"The {self.label} is {domain['Status']}.", str(domain.get("FailureReason", "")))
        if differs(domain["DefaultUserSettings"], settings):
            sagemaker.update_domain(DomainId=domain["DomainId"], DefaultUserSettings=settings)
            self._settled(aws)
            outcome = "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        domain = self._read(aws)
        if domain is None:
            return "absent"
        if not is_owned(aws, self._tags(aws, domain)):
            return "kept"
        id = domain["DomainId"]
        if domain["Status"] != "Deleting":
            self._settled(aws)
            _empty(aws, id)
            # Kept, which is the default, its file system costs on, and its network interfaces block their subnets.
            aws.client("sagemaker").delete_domain(DomainId=id, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
        aws.wait_until(f"{self.label} to go", lambda: None if self.exists(aws) else True, every=10, limit=1200)
        _delete_nfs_groups(aws, id)
        return "deleted"

    def _settled(self, aws: AwsContext) -> dict[str, Any]:
        """The domain, once nothing is being done to it."""

        def described() -> dict[str, Any] | None:
            domain: dict[str, Any] = aws.client("sagemaker").describe_domain(DomainId=self.id(aws))
            return None if domain["Status"] in ("Pending", "Updating") else domain

        return aws.wait_until(self.label, described, every=10, limit=1200)

    def _tags(self, aws: AwsContext, domain: dict[str, Any]) -> Any:
        return aws.client("sagemaker").list_tags(ResourceArn=domain["DomainArn"])["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        pages = aws.client("sagemaker").get_paginator("list_domains").paginate()
        domains = [one for page in pages for one in page["Domains"] if one["DomainName"] == self.name]
        return domains[0] if domains else None


@dataclass(frozen=True)
class StudioUserProfile:
    """A user of a Studio domain."""

    name: str
    domain: StudioDomain

    @property
    def label(self) -> str:
        return f"studio user {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        sagemaker, profile = aws.client("sagemaker"), self._read(aws)
        if profile is None:
            sagemaker.create_user_profile(DomainId=self.domain.id(aws), UserProfileName=self.name, Tags=tag_list(aws))
        else:
            require_owned(aws, self.label, self._tags(aws, profile))
        status = aws.wait_until(self.label, lambda: self._status(aws), every=5, limit=600)
        if status != "InService":
            raise StepFailed(f"The {self.label} is {status}.", "SageMaker's console may say why.")
        return "created" if profile is None else "unchanged"

    def destroy(self, aws: AwsContext) -> Destroyed:
        profile = self._read(aws)
        if profile is None:
            return "absent"
        if not is_owned(aws, self._tags(aws, profile)):
            return "kept"
        _empty(aws, profile["DomainId"], self.name)
        return "deleted"

    def _status(self, aws: AwsContext) -> str | None:
        """Its status, once nothing is being done to it."""
        profile = self._read(aws)
        return None if profile is None or profile["Status"] in ("Pending", "Updating") else str(profile["Status"])

    def _tags(self, aws: AwsContext, profile: dict[str, Any]) -> Any:
        return aws.client("sagemaker").list_tags(ResourceArn=profile["UserProfileArn"])["Tags"]

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        domain = self.domain.id(aws)
        if domain is None:
            return None
        describe = aws.client("sagemaker").describe_user_profile
        return get_or_none(describe, NO_PROFILE, DomainId=domain, UserProfileName=self.name)


def _empty(aws: AwsContext, domain: str, owner: str = "") -> None:
    """Delete a domain's apps, then its spaces, then its users: all of them, or what one user has and the user."""
    sagemaker = aws.client("sagemaker")

    def listed(call: str, member: str) -> list[dict[str, Any]]:
        pages = sagemaker.get_paginator(call).paginate(DomainIdEquals=domain)
        return [one for page in pages for one in page[member]]

    def users() -> list[dict[str, Any]]:
        return [one for one in listed("list_user_profiles", "UserProfiles") if owner in ("", one["UserProfileName"])]

    def spaces() -> list[dict[str, Any]]:
        every = listed("list_spaces", "Spaces")
        return [
            one for one in every if owner in ("", one.get("OwnershipSettingsSummary", {}).get("OwnerUserProfileName"))
        ]

    def apps() -> list[dict[str, Any]]:
        names = [one["SpaceName"] for one in spaces()]
        return [
            one
            for one in listed("list_apps", "Apps")
            # A deleted app is shown for a day, and a failed one does not stand in the way.
            if one["Status"] not in ("Deleted", "Failed")
            and (owner in ("", one.get("UserProfileName")) or one.get("SpaceName") in names)
        ]

    for those, delete, keys in (
        (apps, sagemaker.delete_app, ("UserProfileName", "SpaceName", "AppType", "AppName")),
        (spaces, sagemaker.delete_space, ("SpaceName",)),
        (users, sagemaker.delete_user_profile, ("UserProfileName",)),
    ):
        for one in those():
            if one["Status"] != "Deleting":
                delete(DomainId=domain, **{key: one[key] for key in keys if one.get(key)})
        _until_none(aws, those)


def _until_none(aws: AwsContext, those: Callable[[], list[Any]]) -> None:
    aws.wait_until("Studio to let go", lambda: None if those() else True, every=5, limit=600)


def _delete_nfs_groups(aws: AwsContext, domain: str) -> None:
    """Delete the two security groups that Studio made for a domain's file system, which name each other."""
    ec2 = aws.client("ec2")
    names = [f"security-group-for-{way}-nfs-{domain}" for way in ("inbound", "outbound")]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": names}])["SecurityGroups"]
    for group in groups:
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        if group["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    for group in groups:
        delete_group(aws, group["GroupId"], group["GroupName"])
