"""Roles with one inline policy each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.resources import role_policies
from footlake.resources.base import (
    Destroyed,
    Ensured,
    get_or_none,
    global_tag_list,
    is_owned,
    require_owned,
    same_policy,
)
from footlake.resources.logs import LogGroup

POLICY = "footlake"


def principal(aws: AwsContext) -> str:
    """The ARN of the user or role that runs footlake: of a session, which leaves out its role's path, the role's."""
    kind, _, name = aws.caller.rsplit(":", 1)[-1].partition("/")
    if kind != "assumed-role":
        return aws.caller
    return str(aws.client("iam").get_role(RoleName=name.split("/")[0])["Role"]["Arn"])


@dataclass(frozen=True)
class IamRole:
    """A role that one AWS service may assume, for this account's resources only.

    It holds the log groups that are written in its name: deleted before it is gone, they would come back.
    """

    name: str
    trusts: str
    policy: Mapping[str, Any] = field(repr=False)
    logs: tuple[LogGroup, ...] = ()

    @property
    def label(self) -> str:
        return f"role {self.name}"

    def arn(self, aws: AwsContext) -> str:
        """The role's ARN."""
        return f"arn:aws:iam::{aws.config.account}:role/{self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        iam, trust = aws.client("iam"), role_policies.trust(self.trusts, aws.config.account)
        outcome: Ensured = "unchanged"
        role = self._read(aws)
        if role is None:
            iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(trust), Tags=global_tag_list(aws))
            outcome = "created"
        else:
            require_owned(aws, self.label, role.get("Tags"))
            if not same_policy(role["AssumeRolePolicyDocument"], trust):
                iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))
                outcome = "updated"
        policy = get_or_none(iam.get_role_policy, "NoSuchEntity", RoleName=self.name, PolicyName=POLICY)
        if policy is None or not same_policy(policy["PolicyDocument"], self.policy):
            iam.put_role_policy(RoleName=self.name, PolicyName=POLICY, PolicyDocument=json.dumps(self.policy))
            outcome = "created" if outcome == "created" else "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        iam = aws.client("iam")
        role = self._read(aws)
        if role is None:
            return "absent"
        if not is_owned(aws, role.get("Tags")):
            return "kept"
        for name in iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=self.name, PolicyName=name)
        for attached in iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=self.name, PolicyArn=attached["PolicyArn"])
        iam.delete_role(RoleName=self.name)
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("iam").get_role, "NoSuchEntity", RoleName=self.name)
        return answer["Role"] if answer else None
