"""IAM roles with one inline policy each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.resources import role_policies
from footlake.resources.base import OwnedResource, get_member, global_tag_list, same_policy
from footlake.resources.logs import LogGroup

POLICY = "footlake"
NOT_FOUND = "NoSuchEntity"


def principal(aws: AwsContext) -> str:
    """Return the ARN of the user or role that runs footlake. A session's role is looked up for its path."""
    kind, _, name = aws.caller.rsplit(":", 1)[-1].partition("/")
    if kind != "assumed-role":
        return aws.caller
    return str(aws.client("iam").get_role(RoleName=name.split("/")[0])["Role"]["Arn"])


@dataclass(frozen=True)
class IamRole(OwnedResource):
    """A role that one AWS service may assume, on behalf of this account only.

    Holds the log groups that the role writes to. A group that is deleted before the role would be created again.
    """

    kind = "role"

    name: str
    trusts: str
    policy: Mapping[str, Any] = field(repr=False)
    logs: tuple[LogGroup, ...] = ()

    def arn(self, aws: AwsContext) -> str:
        """Return the role's ARN."""
        return f"arn:aws:iam::{aws.config.account}:role/{self.name}"

    def _create(self, aws: AwsContext) -> None:
        trust = json.dumps(role_policies.trust(self.trusts, aws.config.account))
        aws.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument=trust, Tags=global_tag_list(aws))
        self._put_policy(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        trust = role_policies.trust(self.trusts, aws.config.account)
        drifted = not same_policy(state["AssumeRolePolicyDocument"], trust)
        if drifted:
            aws.client("iam").update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))
        return self._put_policy(aws) or drifted

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
