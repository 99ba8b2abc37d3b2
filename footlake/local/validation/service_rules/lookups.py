"""Find the moto objects that a call refers to."""

from __future__ import annotations

from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from footlake.local.validation.api_calls import ApiCall


def find_function(call: ApiCall, name: str, qualifier: str | None = None) -> Any:
    """Return the Lambda function with this name or ARN, or None."""
    account, region = (name.split(":")[4], name.split(":")[3]) if _is_arn(name) else (call.account, call.region)
    try:
        return get_backend(account, region).get_function(name, qualifier)
    except UnknownFunctionException:
        return None


def find_role(call: ApiCall, role: str) -> Any:
    """Return the role with this ARN or name, or None."""
    account, name = role.split(":")[4] if _is_arn(role) else call.account, role.rsplit("/", 1)[-1]
    roles = list(iam_backends[account]["aws"].roles.values())
    return next((each for each in roles if each.name == name and (each.arn == role or not _is_arn(role))), None)


def find_bucket(name: str) -> Any:
    """Return the bucket with this name in any account, or None."""
    backends = [regions["aws"] for regions in list(s3_backends.values())]
    return next((backend.buckets[name] for backend in backends if name in backend.buckets), None)


def _is_arn(text: str) -> bool:
    return text.startswith("arn:") and text.count(":") >= 5
