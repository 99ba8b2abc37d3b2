"""The Resource protocol, and what the resource modules share: base classes, tags, ownership, error codes."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none, is_temporary
from footlake.config import TAG
from footlake.errors import FootlakeError

Ensured = Literal["created", "updated", "unchanged"]
Destroyed = Literal["deleted", "absent", "kept"]
REGION_TAG = f"{TAG}-region"


class Resource(Protocol):
    """A standing resource of the account. Instances are data and hold the resources that they depend on."""

    @property
    def label(self) -> str:
        """Kind and name, as shown to people."""

    def exists(self, aws: AwsContext) -> bool:
        """Return whether AWS has the resource."""

    def ensure(self, aws: AwsContext) -> Ensured:
        """Create the resource, or repair it where it differs from its description."""

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Delete the resource. One that does not belong to this lake is kept."""


class EventTarget(Resource, Protocol):
    """A resource that receives events."""

    def arn(self, aws: AwsContext) -> str:
        """Return the ARN."""


class BaseResource(ABC):
    """Label, existence and deletion, from the few methods in which resources differ.

    `state` is AWS's description of the resource, in the form that the subclass's `_read` returns.
    """

    kind: ClassVar[str]
    name: str

    @property
    def label(self) -> str:
        """Kind and name, as shown to people."""
        return f"{self.kind} {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        """Return whether AWS has the resource."""
        return self._read(aws) is not None

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Delete the resource. One that does not belong to this lake is kept."""
        state = self._read(aws)
        if state is None:
            return "absent"
        if not self._is_ours(aws, state):
            return "kept"
        self._delete(aws, state)
        return "deleted"

    def is_foreign(self, aws: AwsContext) -> bool:
        """Return whether the resource exists and does not belong to this lake."""
        state = self._read(aws)
        return state is not None and not self._is_ours(aws, state)

    @abstractmethod
    def _read(self, aws: AwsContext) -> Any | None:
        """Return the state, or None if AWS does not have the resource."""

    def _listed(
        self, aws: AwsContext, service: str, operation: str, member: str, key: Mapping[str, str], **arguments: Any
    ) -> Any | None:
        """Return the state from the first page of a list that the resources of a run share (AwsContext.sharing_reads).

        `member` is the list in AWS's answer, `key` identifies the resource there. Return None if the resource must be
        read by itself: outside of such a run, after a change of the run in the service, as lists can be late, or if the
        list does not contain the resource or cannot be read, such as with the policy of an earlier version.
        """
        if not self._may_list(aws, service):
            return None
        try:
            elements = getattr(aws.client(service), operation)(**arguments)[member]
        except ClientError as error:
            if is_temporary(error):
                raise
            return None
        return next((element for element in elements if not differs(element, key)), None)

    @staticmethod
    def _may_list(aws: AwsContext, service: str) -> bool:
        """Return whether a list of the service is shared and as current as reads of its elements."""
        reads = aws.shared_reads
        return reads is not None and service not in reads.changed

    def _names(self, aws: AwsContext) -> list[str]:
        """Return the names of the resources of this class that share answers with this one, or only its name."""
        reads = aws.shared_reads
        names = [resource.name for resource in reads.resources if isinstance(resource, type(self))] if reads else []
        return names if self.name in names else [self.name]

    @abstractmethod
    def _delete(self, aws: AwsContext, state: Any) -> None:
        """Delete the resource."""

    def _tags(self, aws: AwsContext, state: Any) -> Any:
        """Return the resource's tags, in any form that is_owned accepts."""
        return state.get("Tags")

    def _is_ours(self, aws: AwsContext, state: Any) -> bool:
        return is_owned(aws, self._tags(aws, state))


class OwnedResource(BaseResource):
    """A resource that is created with the lake's tag, and changed only if it carries the tag.

    If `shared`, an existing resource without the tag is used unchanged; otherwise it is an error. `arn_member` is the
    member of the state with the ARN under which AWS's index of tags lists the resource, if there is one.
    """

    shared: bool = False
    arn_member: ClassVar[str] = ""

    def ensure(self, aws: AwsContext) -> Ensured:
        """Create the resource, or repair it where it differs from its description."""
        return self._create_or_update(aws, self._read(aws))

    def _create_or_update(self, aws: AwsContext, state: Any | None) -> Ensured:
        if state is None:
            self._create(aws)
            return "created"
        arn = self._indexed_arn(aws, state)
        if self.shared and arn not in aws.discovered.tagged and not self._is_ours(aws, state):
            return "unchanged"
        if not self.shared:
            require_owned(aws, self.label, lambda: self._tags(aws, state), arn)
        return "updated" if self._update(aws, state) else "unchanged"

    @abstractmethod
    def _create(self, aws: AwsContext) -> None:
        """Create the resource."""

    @abstractmethod
    def _update(self, aws: AwsContext, state: Any) -> bool:
        """Repair the resource. Return whether anything was changed."""

    def _indexed_arn(self, aws: AwsContext, state: Any) -> str:
        """Return the ARN under which AWS's index of tags lists the resource; empty to read the tags themselves."""
        return str(state[self.arn_member]) if self.arn_member else ""


def regional_arn(aws: AwsContext, service: str, name: str) -> str:
    """Return the ARN of a resource in the account and region of `aws`."""
    return f"arn:aws:{service}:{aws.config.region}:{aws.config.account}:{name}"


def get_member(call: Any, member: str, *absent: str, **arguments: Any) -> Any | None:
    """Return one member of AWS's response, or None for an error with one of the `absent` codes."""
    response = get_or_none(call, *absent, **arguments)
    return None if response is None else response[member]


def differs(actual: Any, desired: Any) -> bool:
    """Return whether anything in `desired` has another value in `actual`, which may have more members.

    AWS may leave out a member that is empty.
    """
    if actual is None and desired in ("", [], {}):
        return False
    if isinstance(desired, Mapping):
        return not isinstance(actual, Mapping) or any(differs(actual.get(key), desired[key]) for key in desired)
    if isinstance(desired, list):
        return (
            not isinstance(actual, list)
            or len(actual) != len(desired)
            or any(differs(a, d) for a, d in zip(actual, desired, strict=True))
        )
    return bool(actual != desired)


def same_policy(actual: Any, desired: Mapping[str, Any]) -> bool:
    """Return whether a policy document, given as a mapping or as JSON text, equals `desired`."""
    document = json.loads(actual) if isinstance(actual, str) else actual
    return bool(document == desired)


def tag_list(aws: AwsContext) -> list[dict[str, str]]:
    """Return the lake's tags as Key and Value, the form of most services."""
    return [{"Key": key, "Value": value} for key, value in aws.config.tags.items()]


def global_tag_list(aws: AwsContext) -> list[dict[str, str]]:
    """Return the lake's tags and its region, for resources that an account has once for all regions."""
    return [*tag_list(aws), {"Key": REGION_TAG, "Value": aws.config.region}]


def is_owned(aws: AwsContext, tags: Any) -> bool:
    """Return whether the tags (a list in either spelling of Key and Value, or a mapping) are this lake's."""
    by_key = _by_key(tags)
    return bool(by_key.get(TAG) == aws.config.lake and by_key.get(REGION_TAG, aws.config.region) == aws.config.region)


def require_owned(aws: AwsContext, label: str, tags: Any, arn: str = "") -> None:
    """Raise FootlakeError if the tags of an existing resource are not this lake's.

    `tags` may be a function that reads them. It is not called if AWS's index of tags lists `arn` as this lake's.
    """
    if arn in aws.discovered.tagged:
        return
    by_key = _by_key(tags() if callable(tags) else tags)
    if is_owned(aws, by_key):
        return
    owner, region = by_key.get(TAG), by_key.get(REGION_TAG)
    if owner:
        where = f" in {region}" if region else ""
        raise FootlakeError(
            f"The {label} already exists and belongs to the lake {owner}{where}.",
            "Use the settings and region of that lake, or tear it down first.",
        )
    raise FootlakeError(
        f"The {label} already exists and does not belong to this lake (tag {TAG} is missing).",
        f"Rename or remove it. To let footlake manage it, add the tag {TAG}={aws.config.lake}.",
    )


def _by_key(tags: Any) -> Mapping[str, str]:
    if isinstance(tags, list):
        return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value")) for tag in tags}
    return tags or {}
