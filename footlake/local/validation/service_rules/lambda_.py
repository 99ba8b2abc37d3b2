"""Rules of AWS Lambda."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from moto.sqs.models import sqs_backends

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.iam import find_principal
from footlake.local.validation.required_permissions import RequiredPermission
from footlake.local.validation.service_rules.cfn_lint import load_data, load_extension_schema
from footlake.local.validation.service_rules.lookups import find_function
from footlake.local.validation.service_rules.propagation import Propagation

MAX_ENVIRONMENT_BYTES = 4096
MAX_TIMEOUT_SECONDS = 900


def check_create_function(call: ApiCall, propagation: Propagation) -> None:
    """Require runtime and handler for zip packages; check the configuration."""
    function = call.parameters
    if function.get("PackageType", "Zip") == "Zip" and not (function.get("Runtime") and function.get("Handler")):
        raise _invalid_value(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    _check_configuration(call, "create-block", propagation)


def check_update_function_configuration(call: ApiCall, propagation: Propagation) -> None:
    """Check those parts of the configuration that the update names."""
    _check_configuration(call, "update-block", propagation)


def check_destination(call: ApiCall, propagation: Propagation) -> None:
    """Require that the function's role may send messages to the queue of a destination."""
    function = find_function(call, call.parameters["FunctionName"])
    destination = (call.parameters.get("DestinationConfig") or {}).get("OnFailure", {}).get("Destination", "")
    if function is None or not destination.startswith("arn:aws:sqs:"):
        return
    permission = RequiredPermission("sqs:SendMessage", destination)
    if not find_principal(call.account, function.role).is_allowed(permission):
        raise _invalid_value(
            f"The function's execution role does not have permissions to call SendMessage on {destination}"
        )
    if destination.rpartition(":")[2] not in sqs_backends[call.account][call.region].queues:
        raise _invalid_value(f"The destination ARN {destination} is invalid.")


def record_permission(call: ApiCall, propagation: Propagation) -> None:
    """Remember when a permission was added, because S3 does not see it at once."""
    function = find_function(call, call.parameters["FunctionName"], call.parameters.get("Qualifier"))
    if function is not None:
        statement = function.function_arn, call.parameters["StatementId"]
        propagation.lambda_permissions[statement] = time.monotonic()


def _check_configuration(call: ApiCall, block: str, propagation: Propagation) -> None:
    _check_runtime(call.parameters.get("Runtime"), block)
    _check_timeout(call.parameters.get("Timeout") or 0)
    _check_environment((call.parameters.get("Environment") or {}).get("Variables") or {})
    role = call.parameters.get("Role")
    if role and not propagation.can_assume(call, role, "lambda.amazonaws.com"):
        raise _invalid_value("The role defined for the function cannot be assumed by Lambda.")


def _check_runtime(runtime: str | None, block: str) -> None:
    """Reject a runtime after the date of its `create-block` or `update-block`. The model rejects unknown runtimes."""
    blocked_from = _runtime_lifecycles().get(runtime or "", {}).get(block)
    if blocked_from and date.fromisoformat(blocked_from) <= datetime.now(UTC).date():
        raise _invalid_value(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )


def _check_timeout(seconds: int) -> None:
    if seconds > MAX_TIMEOUT_SECONDS:
        raise ServiceRejection(
            "ValidationException",
            f"1 validation error detected: Value '{seconds}' at 'timeout' failed to satisfy constraint: "
            f"Member must have value less than or equal to {MAX_TIMEOUT_SECONDS}",
        )


def _check_environment(variables: Mapping[str, Any]) -> None:
    reserved = sorted(_reserved_variables() & variables.keys())
    failure = "Lambda was unable to configure your environment variables because the environment variables you have"
    if reserved:
        raise _invalid_value(
            f"{failure} provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode()) > MAX_ENVIRONMENT_BYTES:
        raise _invalid_value(f"{failure} provided exceeded the 4KB limit.")


@cache
def _runtime_lifecycles() -> dict[str, dict[str, Any]]:
    """Return the dates of each runtime's deprecation and blocks."""
    lifecycles: dict[str, dict[str, Any]] = load_data("AdditionalSpecs", "LmbdRuntimeLifecycle.json")
    return lifecycles


@cache
def _reserved_variables() -> frozenset[str]:
    """Return the names that a function's environment may not set."""
    schema = load_extension_schema("aws_lambda_function", "environment_variable_keys")
    return frozenset(schema["propertyNames"]["not"]["enum"])


def _invalid_value(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidParameterValueException", message)


RULES = {
    "AddPermission": record_permission,
    "CreateFunction": check_create_function,
    "PutFunctionEventInvokeConfig": check_destination,
    "UpdateFunctionEventInvokeConfig": check_destination,
    "UpdateFunctionConfiguration": check_update_function_configuration,
}
