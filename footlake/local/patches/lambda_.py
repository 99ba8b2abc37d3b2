"""AWS Lambda: unique statement ids in a function's policy; tags in GetFunction only for those who may list them."""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse

from footlake.local.patches.methods import replace_methods
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.iam import authorize

original_add_permission = LambdaBackend.add_permission
original_get_function = LambdaResponse.get_function


class ResourceConflict(LambdaClientError):  # type: ignore[misc]
    """HTTP 409."""

    code = 409


def install() -> None:
    """Replace moto's methods."""
    replace_methods(LambdaBackend, add_permission)
    replace_methods(LambdaResponse, get_function)


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
