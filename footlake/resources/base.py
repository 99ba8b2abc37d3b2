"""What every resource of the lake can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.config import TAG
from footlake.errors import FootlakeError

Ensured = Literal["created", "updated", "unchanged"]
Destroyed = Literal["deleted", "absent", "kept"]
REGION_TAG = f"{TAG}-region"
# As the services have it; SNS's is AuthorizationError, and an answer without a body has its status alone.
_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403")


class Resource(Protocol):
    """A standing thing in the account. Instances are data and hold the resources that they need."""

    @property
    def label(self) -> str:
        """Kind and name, as people see them."""

    def exists(self, aws: AwsContext) -> bool:
        """Whether it is there."""

    def ensure(self, aws: AwsContext) -> Ensured:
        """Make it be as described, creating or repairing it."""

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Remove it if it is there and this lake's own; what is somebody else's is kept."""


def error_code(error: ClientError) -> str:
    """AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Whether AWS says that whoever asked may not."""
    return error_code(error) in _DENIED


def get_or_none(call: Any, *absent: str, **arguments: Any) -> Any | None:
    """The answer, or None when AWS says one of the `absent` codes. Any other refusal is not an absence."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error_code(error) in absent:
            return None
        raise


def differs(actual: Any, wanted: Any) -> bool:
    """Whether anything that `wanted` names is otherwise in `actual`, which may say more."""
    if isinstance(wanted, Mapping):
        return not isinstance(actual, Mapping) or any(differs(actual.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            not isinstance(actual, list)
            or len(actual) != len(wanted)
            or any(differs(a, w) for a, w in zip(actual, wanted, strict=True))
        )
    return bool(actual != wanted)


def same_policy(actual: Any, wanted: Mapping[str, Any]) -> bool:
    """Whether a policy document, as AWS gives it back (a mapping or JSON text), is this one."""
    document = json.loads(actual) if isinstance(actual, str) else actual
    return bool(document == wanted)


def tag_list(aws: AwsContext) -> list[dict[str, str]]:
    """The lake's tags in the form of most services."""
    return [{"Key": key, "Value": value} for key, value in aws.config.tags.items()]


def global_tag_list(aws: AwsContext) -> list[dict[str, str]]:
    """The lake's tags on what an account has once for all regions, with the lake's own."""
    return [*tag_list(aws), {"Key": REGION_TAG, "Value": aws.config.region}]


def is_owned(aws: AwsContext, tags: Any) -> bool:
    """Whether these tags (AWS's list form, in whichever spelling, or a mapping) are this lake's, of this region."""
    known = _mapping(tags)
    return bool(known.get(TAG) == aws.config.lake and known.get(REGION_TAG, aws.config.region) == aws.config.region)


def require_owned(aws: AwsContext, label: str, tags: Any, arn: str = "") -> None:
    """Refuse to touch what carries the right name but is not this lake's.

    `tags` may be a function that asks for them, which is spared where AWS's index of tags has the `arn` as ours.
    """
    if arn in aws.discovered.tagged:
        return
    known = _mapping(tags() if callable(tags) else tags)
    if is_owned(aws, known):
        return
    owner, region = known.get(TAG), known.get(REGION_TAG)
    if owner:
        where = f" in {region}" if region else ""
        raise FootlakeError(
            f"There is already a {label} in this account, and it is that of the lake {owner}{where}.",
            "Use that lake's settings and region, or give this one another name for it.",
        )
    raise FootlakeError(
        f"There is already a {label} in this account, and it is not footlake's.",
        f"Rename or remove it, or give it the tag {TAG}={aws.config.lake} if it may be taken over.",
    )


def _mapping(tags: Any) -> Mapping[str, str]:
    if isinstance(tags, list):
        return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags}
    return tags or {}
