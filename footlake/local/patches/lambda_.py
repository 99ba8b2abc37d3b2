"""AWS Lambda: functions that are not ready, unique statement ids in a function's policy, tags in GetFunction only for
those who may list them.
"""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from footlake.local.patches.methods import replace_methods
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.iam import authorize

# The members of a function's configuration that moto lacks, and the attributes of moto's object that may have them.
STATE_MEMBERS = {
    "StateReason": "state_reason",
    "StateReasonCode": "state_reason_code",
    "LastUpdateStatus": "last_update_status",
    "LastUpdateStatusReason": "last_update_status_reason",
    "LastUpdateStatusReasonCode": "last_update_status_reason_code",
}

original_get_configuration = LambdaFunction.get_configuration
original_update_function_code = LambdaBackend.update_function_code
original_update_function_configuration = LambdaBackend.update_function_configuration
original_put_event_invoke_config = LambdaBackend.put_function_event_invoke_config
original_add_permission = LambdaBackend.add_permission
original_get_function = LambdaResponse.get_function


class ResourceConflict(LambdaClientError):  # type: ignore[misc]
    """HTTP 409."""

    code = 409


def install() -> None:
    """Replace moto's methods."""
    replace_methods(LambdaFunction, get_configuration)
    replace_methods(LambdaBackend, update_function_code, update_function_configuration, add_permission)
    replace_methods(LambdaBackend, put_function_event_invoke_config, update_function_event_invoke_config)
    replace_methods(LambdaResponse, get_function)


def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
    """Return the configuration of a function with the reasons for its state and for that of its last update."""
    attributes = vars(self)
    reasons = {member: attributes[name] for member, name in STATE_MEMBERS.items() if name in attributes}
    return {**original_get_configuration(self, on_create), **reasons}


def require_ready(function: Any) -> None:
    """Raise ResourceConflict if a function is not Active.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    if function.state != "Active":
        raise ResourceConflict(
            "ResourceConflictException",
            "The operation cannot be performed at this time. The function is currently in the following state: "
            f"{function.state}",
        )


def update_function_code(self: Any, function_name: str, qualifier: str, body: Any) -> Any:
    """Update the code of a function that is ready. A failed update ends with the next one."""
    _begin_update(self.get_function(function_name, qualifier))
    return original_update_function_code(self, function_name, qualifier, body)


def update_function_configuration(self: Any, function_name: str, qualifier: str, body: Any) -> Any:
    """Update the configuration of a function that is ready. A failed update ends with the next one."""
    _begin_update(self.get_function(function_name, qualifier))
    return original_update_function_configuration(self, function_name, qualifier, body)


def _begin_update(function: Any) -> None:
    require_ready(function)
    for name in STATE_MEMBERS.values():
        vars(function).pop(name, None)


def put_function_event_invoke_config(self: Any, function_name: str, config: dict[str, Any]) -> Any:
    """Replace the configuration for asynchronous invocations."""
    self.get_function(function_name).event_invoke_config.clear()
    return original_put_event_invoke_config(self, function_name, config)


def update_function_event_invoke_config(self: Any, function_name: str, config: dict[str, Any]) -> Any:
    """Replace the members of the configuration for asynchronous invocations that the request has."""
    actual = self.get_function(function_name).event_invoke_config
    return put_function_event_invoke_config(self, function_name, {**(actual[0].config if actual else {}), **config})


def add_permission(self: Any, function_name: str, qualifier: str, raw: str) -> Any:
    """Add a statement (JSON text) to the policy of a function unless there is one with its id."""
    statement_id = json.loads(raw)["StatementId"]
    statements = self.get_function(function_name, qualifier).policy.statements
    if any(statement["Sid"] == statement_id for statement in statements):
        raise ResourceConflict(
            "ResourceConflictException",
            f"The statement id ({statement_id}) provided already exists. Please provide a new statement id, or remove "
            "the existing statement.",
        )
    return original_add_permission(self, function_name, qualifier, raw)


def get_function(self: Any) -> str:
    """Return a function as JSON text, with TagsError in place of its tags if the caller may not list them."""
    function = json.loads(original_get_function(self))
    parameters = {"Resource": function["Configuration"]["FunctionArn"]}
    call = ApiCall("lambda", "ListTags", self.current_account, self.region, parameters, self.get_access_key())
    try:
        authorize(call)
    except ServiceRejection as rejection:
        function.pop("Tags", None)
        function["TagsError"] = {"ErrorCode": rejection.code, "Message": rejection.message}
    return json.dumps(function)
