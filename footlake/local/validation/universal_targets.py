"""Universal targets of EventBridge Scheduler: the API call that an ARN and an input stand for.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html describes them. The input has
the parameters under the names of the AWS SDK for Java: `DbInstanceIdentifier`, where RDS has `DBInstanceIdentifier`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from moto.core.utils import get_service_model

from footlake.local.validation.api_calls import ServiceRejection

PREFIX = "arn:aws:scheduler:::aws-sdk:"
# Prefixes of the read-only operations that a schedule cannot call.
READ_ONLY = (
    *("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover"),
    *("validate", "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration"),
    *("retrieve", "testConnection", "translateDocument", "isAuthorized", "invokeModel"),
)


def parse_target(arn: str, text: str | None) -> tuple[str, str, dict[str, Any]]:
    """Return service, operation (both with botocore's names) and parameters of a universal target.

    Raise ServiceRejection for a target or an input that EventBridge Scheduler rejects.
    """
    service, _, api = arn.removeprefix(PREFIX).partition(":")
    model = _service_model(service)
    if model is None:
        raise _invalid(f"{service} is not a supported service for a target.")
    names = {name[:1].lower() + name[1:]: name for name in model.operation_names}
    if api not in names or api.startswith(READ_ONLY):
        raise _invalid(f"{api} API is not supported.")
    if not text:
        raise _invalid("You must provide an input to set this target for your schedule.")
    try:
        request = json.loads(text)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise _invalid("Invalid RequestJson provided. Reason The input is not a JSON object.")
    shape = model.operation_model(names[api]).input_shape
    missing = [_java_name(name) for name in shape.required_members if _java_name(name) not in request] if shape else []
    if missing:
        reason = f"Request payload is missing the following field(s): {', '.join(missing)}."
        raise _invalid(f"Invalid RequestJson provided. Reason {reason}")
    return service, names[api], _with_botocore_names(shape, request) if shape else {}


@cache
def _service_model(service: str) -> Any:
    from botocore.exceptions import UnknownServiceError

    try:
        return get_service_model(service)
    except UnknownServiceError:
        return None


def _with_botocore_names(shape: Any, value: Any) -> Any:
    """Return a value with the names of botocore's model; members that the model does not have are left out."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {_java_name(name): name for name in shape.members}
        return {
            names[name]: _with_botocore_names(shape.members[names[name]], item)
            for name, item in value.items()
            if name in names
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_with_botocore_names(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _with_botocore_names(shape.value, item) for key, item in value.items()}
    return value


def _java_name(name: str) -> str:
    """Return a member's name in the AWS SDK for Java, which writes abbreviations like words: DBName is DbName."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", name)).split()
    return "".join(word[:1].upper() + word[1:].lower() for word in words)


def _invalid(message: str) -> ServiceRejection:
    return ServiceRejection("ValidationException", message)
