"""Rules of AWS Lake Formation."""

from __future__ import annotations

import time

from moto.glue.models import glue_backends
from moto.lakeformation.models import lakeformation_backends

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.iam import find_signer
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


def check_existence(call: ApiCall, propagation: Propagation) -> None:
    """Do not tell a caller who is not an administrator that a location or database does not exist."""
    if _exists(call) or (_is_administrator(call) and not propagation.is_pending(propagation.lake_administrators)):
        return
    message = "Resource does not exist or requester is not authorized to access requested permissions."
    raise ServiceRejection("AccessDeniedException", message)


def _exists(call: ApiCall) -> bool:
    resource = call.parameters.get("Resource", {})
    database = resource.get("Database", {}).get("Name") or resource.get("Table", {}).get("DatabaseName")
    if database:
        return database in glue_backends[call.account][call.region].databases
    location = call.parameters.get("ResourceArn") or resource.get("DataLocation", {}).get("ResourceArn")
    return not location or location in lakeformation_backends[call.account][call.region].resources


def _is_administrator(call: ApiCall) -> bool:
    signer = find_signer(call)
    settings = lakeformation_backends[call.account][call.region].settings.get(call.account) or {}
    administrators = [admin["DataLakePrincipalIdentifier"] for admin in settings.get("DataLakeAdmins", [])]
    caller = signer.arn if signer else f"arn:aws:iam::{call.account}:user/moto"  # moto's name for the root user
    return any(caller == admin or _session_of(admin, caller) for admin in administrators)


def _session_of(role: str, session: str) -> bool:
    return ":role/" in role and f":assumed-role/{role.rpartition('/')[2]}/" in session


RULES = {
    "DescribeResource": check_existence,
    "ListPermissions": check_existence,
    "GrantPermissions": check_grant,
    "PutDataLakeSettings": record_administrators,
    "RegisterResource": check_administrator,
}
