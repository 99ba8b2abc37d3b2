"""IAM roles with one inline policy each, and the permissions boundary that limits them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import is_denied
from footlake.config import TAG
from footlake.errors import FootlakeCommand, FootlakeError, Hint
from footlake.resources import role_policies
from footlake.resources.base import OwnedResource, get_member, global_tag_list, same_policy
from footlake.resources.logs import LogGroup

POLICY = "footlake"
NOT_FOUND = "NoSuchEntity"
MOST_VERSIONS = 5  # of a managed policy


def principal(aws: AwsContext) -> str:
    """Return the ARN of the user or role that runs footlake. A session's role is looked up for its path."""
    kind, _, name = aws.caller.rsplit(":", 1)[-1].partition("/")
    if kind != "assumed-role":
        return aws.caller
    return str(aws.client("iam").get_role(RoleName=name.split("/")[0])["Role"]["Arn"])


@dataclass(frozen=True)
class PermissionsBoundary(OwnedResource):
    """A managed policy that limits what roles can be allowed, whatever their own policies say.

    `footlake policy` does not permit creating or changing it: a user with that right can give a role any permission.
    """

    kind = "policy"

    name: str
    policy: Mapping[str, Any] = field(repr=False)

    def arn(self, aws: AwsContext) -> str:
        """Return the policy's ARN."""
        return f"arn:aws:iam::{aws.config.account}:policy/{self.name}"

    def _create(self, aws: AwsContext) -> None:
        call, tags = aws.client("iam").create_policy, global_tag_list(aws)
        with self._administrators_only("does not exist"):
            call(PolicyName=self.name, PolicyDocument=json.dumps(self.policy), Tags=tags)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        iam, arn = aws.client("iam"), self.arn(aws)
        current = iam.get_policy_version(PolicyArn=arn, VersionId=state["DefaultVersionId"])["PolicyVersion"]
        if same_policy(current["Document"], self.policy):
            return False
        with self._administrators_only("is that of other settings or of another version"):
            older = self._older_versions(aws)
            if len(older) == MOST_VERSIONS - 1:
                iam.delete_policy_version(PolicyArn=arn, VersionId=older[-1])
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(self.policy), SetAsDefault=True)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        for version in self._older_versions(aws):
            aws.client("iam").delete_policy_version(PolicyArn=self.arn(aws), VersionId=version)
        aws.client("iam").delete_policy(PolicyArn=self.arn(aws))

    def _older_versions(self, aws: AwsContext) -> list[str]:
        """Return the ids of all versions but the current one, newest first."""
        versions = aws.client("iam").list_policy_versions(PolicyArn=self.arn(aws))["Versions"]
        return [version["VersionId"] for version in versions if not version["IsDefaultVersion"]]

    @contextmanager
    def _administrators_only(self, finding: str) -> Iterator[None]:
        """Explain the refusal that a user with the policies of `footlake policy` gets."""
        try:
            yield
        except ClientError as error:
            if not is_denied(error):
                raise
            raise FootlakeError(
                f"The permissions boundary {self.name} {finding}, and you are not allowed to write it.",
                Hint(
                    "Ask an administrator of the account to run ",
                    FootlakeCommand("bootstrap"),
                    ", or to store the output of ",
                    FootlakeCommand("policy --boundary"),
                    f" as the managed policy {self.name} with the tag {TAG}.",
                ),
            ) from error

    def _read(self, aws: AwsContext) -> Any | None:
        return get_member(aws.client("iam").get_policy, "Policy", NOT_FOUND, PolicyArn=self.arn(aws))


@dataclass(frozen=True)
class IamRole(OwnedResource):
    """A role that one AWS service may assume, on behalf of this account only.

    Holds the log groups that the role writes to. A group that is deleted before the role would be created again.
    """

    kind = "role"

    name: str
    trusts: str
    policy: Mapping[str, Any] = field(repr=False)
    boundary: PermissionsBoundary | None = None
    logs: tuple[LogGroup, ...] = ()

    def arn(self, aws: AwsContext) -> str:
        """Return the role's ARN."""
        return f"arn:aws:iam::{aws.config.account}:role/{self.name}"

    def _create(self, aws: AwsContext) -> None:
        trust = json.dumps(role_policies.trust(self.trusts, aws.config.account))
        aws.client("iam").create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=trust,
            Tags=global_tag_list(aws),
            **({"PermissionsBoundary": self.boundary.arn(aws)} if self.boundary else {}),
        )
        self._put_policy(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        # First, because the set-up policy permits the other changes of roles with the boundary only.
        bounded = self._set_boundary(aws, state)
        trust = role_policies.trust(self.trusts, aws.config.account)
        drifted = not same_policy(state["AssumeRolePolicyDocument"], trust)
        if drifted:
            aws.client("iam").update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))
        return self._put_policy(aws) or drifted or bounded

    def _set_boundary(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        """Attach the boundary if the role has none or another one, and return whether it did."""
        if self.boundary is None:
            return False
        arn = self.boundary.arn(aws)
        if state.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") == arn:
            return False
        aws.client("iam").put_role_permissions_boundary(RoleName=self.name, PermissionsBoundary=arn)
        return True

    def _put_policy(self, aws: AwsContext) -> bool:
        """Write the inline policy if it differs, and return whether it did."""
        iam, names = aws.client("iam"), {"RoleName": self.name, "PolicyName": POLICY}
        document = get_member(iam.get_role_policy, "PolicyDocument", NOT_FOUND, **names)
        if document is not None and same_policy(document, self.policy):
            return False
        iam.put_role_policy(**names, PolicyDocument=json.dumps(self.policy))
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        iam = aws.client("iam")
        for name in iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=self.name, PolicyName=name)
        for attached in iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=self.name, PolicyArn=attached["PolicyArn"])
        iam.delete_role(RoleName=self.name)

    def _read(self, aws: AwsContext) -> Any | None:
        return get_member(aws.client("iam").get_role, "Role", NOT_FOUND, RoleName=self.name)
