"""Rules of AWS IAM: permissions boundaries refer to policies that exist."""

from __future__ import annotations

from moto.iam.models import iam_backends

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation


def check_boundary(call: ApiCall, propagation: Propagation) -> None:
    """Reject a permissions boundary that is not a managed policy of the account or of AWS."""
    boundary = call.parameters.get("PermissionsBoundary")
    if boundary and boundary not in iam_backends[call.account]["aws"].managed_policies:
        raise ServiceRejection("NoSuchEntity", f"Scope ARN: {boundary} does not exist or is not attachable.", 404)


def check_delete_policy(call: ApiCall, propagation: Propagation) -> None:
    """Reject the deletion of a policy that a role has as its boundary, and of one with older versions."""
    arn, iam = call.parameters["PolicyArn"], iam_backends[call.account]["aws"]
    if any(role.permissions_boundary_arn == arn for role in list(iam.roles.values())):
        raise ServiceRejection("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    policy = iam.managed_policies.get(arn)
    if policy is not None and len(policy.versions) > 1:
        message = "This policy has more than one version. Before you delete a policy, you must delete its versions."
        raise ServiceRejection("DeleteConflict", message, 409)


RULES = {
    "CreateRole": check_boundary,
    "PutRolePermissionsBoundary": check_boundary,
    "DeletePolicy": check_delete_policy,
}
