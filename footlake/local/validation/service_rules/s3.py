"""Rules of Amazon S3."""

from __future__ import annotations

from typing import Any

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.policies import resource_policy_allows
from footlake.local.validation.service_rules.lookups import find_bucket, find_function
from footlake.local.validation.service_rules.propagation import Propagation


def check_bucket_owner(call: ApiCall) -> None:
    """Reject any call whose ExpectedBucketOwner is not the owner of the bucket."""
    bucket, expected = find_bucket(call.parameters.get("Bucket") or ""), call.parameters.get("ExpectedBucketOwner")
    if bucket is not None and expected and expected != bucket.account_id:
        raise ServiceRejection("AccessDenied", "Access Denied", 403)


def check_notification(call: ApiCall, propagation: Propagation) -> None:
    """Reject notifications to functions that S3 may not invoke."""
    bucket = find_bucket(call.parameters["Bucket"])
    if bucket is None or str(call.parameters.get("SkipDestinationValidation")).lower() == "true":
        return
    configuration = call.parameters.get("NotificationConfiguration") or {}
    for destination in configuration.get("LambdaFunctionConfigurations", []):
        if not _may_invoke(call, destination["LambdaFunctionArn"], bucket, propagation):
            raise ServiceRejection("InvalidArgument", "Unable to validate the following destination configurations")


def _may_invoke(call: ApiCall, function_arn: str, bucket: Any, propagation: Propagation) -> bool:
    """Return whether the function's policy, as far as S3 sees it already, allows the bucket to invoke it."""
    function = find_function(call, function_arn)
    if function is None:
        return False
    permissions = propagation.lambda_permissions
    visible = [
        statement
        for statement in function.policy.statements
        if not propagation.is_pending(permissions.get((function.function_arn, statement.get("Sid"))))
    ]
    context = {"aws:sourceaccount": bucket.account_id, "aws:sourcearn": f"arn:aws:s3:::{bucket.name}"}
    return resource_policy_allows(visible, "s3.amazonaws.com", "lambda:InvokeFunction", context)


RULES = {"PutBucketNotificationConfiguration": check_notification}
