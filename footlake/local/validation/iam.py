"""Authorize API calls by the identity policies of their signer, as IAM does.

A key that belongs to neither a user nor a role session is the account's root user, which may do everything. Roles are
limited to their permissions boundary. Organization policies and bucket policies are not evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.policies import as_list, conditions_hold, matches_action, matches_pattern
from footlake.local.validation.required_permissions import RequiredPermission, required_permissions

# Error codes of the services that do not answer AccessDeniedException.
ACCESS_DENIED_CODES = {
    **dict.fromkeys(("s3", "iam", "rds", "sns", "cloudwatch", "sts"), "AccessDenied"),
    "ec2": "UnauthorizedOperation",
}
ALLOW_ALL = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
DENY_ALL: Mapping[str, Any] = {"Statement": []}  # the boundary of a role whose boundary policy was deleted


@dataclass(frozen=True)
class Principal:
    """A user or a role session, with the documents of its policies and of its permissions boundary."""

    arn: str
    policies: list[Mapping[str, Any]]
    boundary: Mapping[str, Any] = field(default_factory=lambda: ALLOW_ALL)

    def is_allowed(self, permission: RequiredPermission) -> bool:
        """Return whether the policies and the boundary allow the permission, and no statement denies it."""
        return all(_allow(policies, permission) for policies in (self.policies, [self.boundary]))


def _allow(policies: list[Mapping[str, Any]], permission: RequiredPermission) -> bool:
    statements = [statement for policy in policies for statement in as_list(policy["Statement"])]
    return {statement["Effect"] for statement in statements if _applies(statement, permission)} == {"Allow"}


def authorize(call: ApiCall) -> None:
    """Raise ServiceRejection unless the signer has every permission that the call requires."""
    principal = find_signer(call)
    if principal is None or (call.service, call.operation) == ("sts", "GetCallerIdentity"):
        return
    for permission in required_permissions(call):
        if not principal.is_allowed(permission):
            action = permission.action
            message = (
                f"User: {principal.arn} is not authorized to perform: {action} on resource: {permission.resource} "
                f"because no identity-based policy allows the {action} action"
            )
            code = ACCESS_DENIED_CODES.get(call.service, "AccessDeniedException")
            raise ServiceRejection(code, message, 403 if call.service in ACCESS_DENIED_CODES else 400)


def find_signer(call: ApiCall) -> Principal | None:
    """Return the principal whose access key signed the call, or None for the root user."""
    iam, sessions = iam_backends[call.account]["aws"], sts_backends[call.account]["aws"].assumed_roles
    for session in list(sessions):
        if session.access_key_id == call.access_key:
            return _role_principal(iam, f"{session.arn}", session.role_arn)
    for user in list(iam.users.values()):
        if any(key.access_key_id == call.access_key for key in user.access_keys):
            return find_principal(call.account, user.arn)
    return None


def find_principal(account: str, arn: str) -> Principal:
    """Return a user or role by its ARN. A principal that does not exist has no policies."""
    iam = iam_backends[account]["aws"]
    if arn.endswith(":user/moto"):  # moto's name for the root user
        return Principal(arn, [ALLOW_ALL])
    if ":role/" in arn:
        return _role_principal(iam, arn, arn)
    user = iam.users.get(arn.rsplit("/", 1)[-1])
    if user is None:
        return Principal(arn, [])
    inline = [iam.get_user_policy(user.name, name)["policy_document"] for name in iam.list_user_policies(user.name)]
    return Principal(arn, _policy_documents(inline, user.managed_policies))


def _role_principal(iam: Any, arn: str, role_arn: str) -> Principal:
    """Return the role, or its session `arn`. A role that does not exist has no policies."""
    role = next((role for role in list(iam.roles.values()) if role.arn == role_arn), None)
    if role is None:
        return Principal(arn, [])
    policies = _policy_documents(role.policies.values(), role.managed_policies)
    boundary = role.permissions_boundary_arn
    if not boundary:
        return Principal(arn, policies)
    attached = {policy: iam.managed_policies[policy] for policy in (boundary,) if policy in iam.managed_policies}
    return Principal(arn, policies, *_policy_documents((), attached) or [DENY_ALL])


def _policy_documents(inline: Iterable[Any], managed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the documents of inline policies and of the default versions of managed policies."""
    versions = [version for policy in managed.values() for version in policy.versions if version.is_default]
    documents = [*inline, *(version.document for version in versions)]
    return [json.loads(document) if isinstance(document, str) else document for document in documents]


def _applies(statement: Mapping[str, Any], permission: RequiredPermission) -> bool:
    """Return whether a statement covers the action and resource of a permission, and its conditions hold."""
    if "NotAction" in statement:
        covers_action = not matches_action(permission.action, statement["NotAction"])
    else:
        covers_action = matches_action(permission.action, statement["Action"])
    patterns = as_list(statement["NotResource"] if "NotResource" in statement else statement["Resource"])
    matches_resource = any(matches_pattern(permission.resource, pattern) for pattern in patterns)
    covers_resource = matches_resource != ("NotResource" in statement)
    return covers_action and covers_resource and conditions_hold(statement, permission.context, if_unknown=False)
