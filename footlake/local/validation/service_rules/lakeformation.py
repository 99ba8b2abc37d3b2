"""Rules of AWS Lake Formation."""

from __future__ import annotations

import time

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation


def record_administrators(call: ApiCall, propagation: Propagation) -> None:
    """Remember when the administrators were set, because they do not get their rights at once."""
    propagation.lake_administrators = time.monotonic()


def check_administrator(call: ApiCall, propagation: Propagation) -> None:
    """Reject calls until the new administrators have their rights."""
    if propagation.is_pending(propagation.lake_administrators):
        raise ServiceRejection("AccessDeniedException", "User is not authorized to access requested permissions")


def check_grant(call: ApiCall, propagation: Propagation) -> None:
    """Reject grants to roles that do not exist or are not visible yet."""
    check_administrator(call, propagation)
    principal = call.parameters["Principal"]["DataLakePrincipalIdentifier"]
    if ":role/" in principal and propagation.find_visible_role(call, principal) is None:
        raise ServiceRejection("InvalidInputException", f"Invalid principal, {principal}")


RULES = {
    "GrantPermissions": check_grant,
    "PutDataLakeSettings": record_administrators,
    "RegisterResource": check_administrator,
}
