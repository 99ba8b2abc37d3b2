"""Buckets, the objects that bootstrap stores in them, and the notifications of new objects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol, TypeVar

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import error_code, get_or_none, may_be_absent
from footlake.errors import FootlakeError
from footlake.resources.base import (
    BaseResource,
    Destroyed,
    Ensured,
    EventTarget,
    OwnedResource,
    Resource,
    differs,
    get_member,
    is_owned,
    tag_list,
)

T = TypeVar("T")
# A response to HeadBucket has no body, so botocore uses the HTTP status as the code.
_NO_BUCKET = ("404", "NoSuchBucket")
# S3's answers about a bucket that has just been created, and about a name that has just become free.
_NOT_SETTLED = ("NoSuchBucket", "OperationAborted")


class _BucketSetting(NamedTuple):
    """A setting of a bucket: the names of its API calls, their members, and the desired value."""

    name: str
    response_member: str | None  # None if the response itself is the setting
    argument: str
    absent: str  # the error code while the setting was never made
    desired: dict[str, Any]


@dataclass(frozen=True)
class Bucket(OwnedResource):
    """A private, encrypted, versioned bucket. An existing one of another owner is used unchanged if `shared`.

    Objects below the prefixes `short_lived` expire after a week. A shared bucket is deleted only when it holds nothing
    but objects below the prefixes `written`, which the lake's jobs wrote.
    """

    kind = "bucket"

    name: str
    shared: bool = False
    short_lived: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"

    def _create(self, aws: AwsContext) -> None:
        location = {} if aws.config.region == "us-east-1" else {"LocationConstraint": aws.config.region}
        # The tag is part of the creation, so that a bootstrap that is interrupted next recognizes the bucket.
        configuration = {**location, "Tags": tag_list(aws)}
        create = aws.client("s3").create_bucket
        aws.retry_until_consistent(
            f"the bucket name {self.name} to be available",
            lambda: create(Bucket=self.name, CreateBucketConfiguration=configuration),
            *_NOT_SETTLED,
        )
        # A new bucket is not visible everywhere at once.
        self._apply_settings(aws, *_NOT_SETTLED)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        return self._apply_settings(aws)

    def _apply_settings(self, aws: AwsContext, *not_settled: str) -> bool:
        """Write the settings that differ, and return whether any did. Retries errors that contain `not_settled`."""
        s3, owner, changed = aws.client("s3"), self.owner(aws), False
        for setting in self._settings():
            get, put = getattr(s3, f"get_{setting.name}"), getattr(s3, f"put_{setting.name}")
            read = partial(get_or_none, get, setting.absent, **owner)
            actual = aws.retry_until_consistent(f"{self.label} to be visible", read, *not_settled) or {}
            if setting.response_member:
                actual = actual.get(setting.response_member)
            if differs(actual, setting.desired):
                write = partial(put, **owner, **{setting.argument: setting.desired})
                aws.retry_until_consistent(f"{self.label} to be visible", write, *not_settled)
                changed = True
        return changed

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Delete the bucket. One of another owner, or a shared one with objects of others, is kept."""
        state = self._read(aws)
        if state is not None and self.shared and self._is_ours(aws, state) and self._holds_others(aws):
            return "kept"
        return super().destroy(aws)

    def _holds_others(self, aws: AwsContext) -> bool:
        """Return whether the bucket holds a version of an object that the lake did not write.

        The lake's own scripts are deleted before their bucket.
        """
        pages = aws.client("s3").get_paginator("list_object_versions").paginate(**self.owner(aws))
        return any(
            not version["Key"].startswith(self.written)
            for page in pages
            for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        )

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        def delete() -> None:
            delete_versions(aws, self.name)
            aws.client("s3").delete_bucket(**self.owner(aws))

        # A function or job that is still running may write another object.
        aws.retry_until_consistent(f"{self.label} to stay empty", delete, "BucketNotEmpty")

    def is_ours(self, aws: AwsContext) -> bool:
        """Return whether the bucket has the lake's tag: then its objects belong to the lake."""
        return self._is_ours(aws, {})

    def _indexed_arn(self, aws: AwsContext, state: dict[str, Any]) -> str:
        return self.arn

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        return get_member(aws.client("s3").get_bucket_tagging, "TagSet", "NoSuchTagSet", **self.owner(aws))

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        """Return the bucket's description. Raises FootlakeError if another account has a bucket of this name."""
        try:
            return get_or_none(aws.client("s3").head_bucket, *_NO_BUCKET, **self.owner(aws))
        except ClientError as error:
            if error_code(error) == "403":
                raise FootlakeError(
                    f"Access to bucket {self.name} was denied.",
                    "Either another account owns it, or your user or role lacks s3:ListBucket.",
                ) from None
            raise

    def owner(self, aws: AwsContext) -> dict[str, str]:
        """Return the parameters of S3's calls that name the bucket and its owner."""
        return {"Bucket": self.name, "ExpectedBucketOwner": aws.config.account}

    def _settings(self) -> list[_BucketSetting]:
        flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        access_block, encryption = "PublicAccessBlockConfiguration", "ServerSideEncryptionConfiguration"
        encrypted = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        return [
            _BucketSetting(
                "public_access_block",
                access_block,
                access_block,
                "NoSuchPublicAccessBlockConfiguration",
                dict.fromkeys(flags, True),
            ),
            _BucketSetting(
                "bucket_encryption",
                encryption,
                encryption,
                "ServerSideEncryptionConfigurationNotFoundError",
                encrypted,
            ),
            _BucketSetting("bucket_versioning", None, "VersioningConfiguration", "", {"Status": "Enabled"}),
            _BucketSetting(
                "bucket_lifecycle_configuration",
                None,
                "LifecycleConfiguration",
                "NoSuchLifecycleConfiguration",
                {"Rules": self._lifecycle_rules()},
            ),
        ]

    def _lifecycle_rules(self) -> list[dict[str, Any]]:
        old_versions = {
            "ID": "old-versions",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
        short_lived = [
            {
                "ID": f"short-lived-{prefix.strip('/')}",
                "Status": "Enabled",
                "Filter": {"Prefix": prefix},
                "Expiration": {"Days": 7},
            }
            for prefix in self.short_lived
        ]
        return [old_versions, *short_lived]


def read_or_absent(aws: AwsContext, bucket: Bucket, read: Callable[[], T]) -> T | None:
    """Return what `read` finds, or None if the service hides whether it exists and the lake's bucket does not exist.

    With the bucket, the error is raised: what is hidden may exist.
    """
    try:
        return read()
    except ClientError as error:
        if may_be_absent(error) and not bucket.exists(aws):
            return None
        raise


def read_or_hidden(read: Callable[[], T]) -> T | None:
    """Return what `read` finds, or None if the service hides it: the write that follows shows whether it exists."""
    try:
        return read()
    except ClientError as error:
        if may_be_absent(error):
            return None
        raise


def delete_versions(aws: AwsContext, bucket: str, key: str | None = None) -> int:
    """Delete every version and delete marker of a bucket, or of one key, and return their number."""
    s3, owner = aws.client("s3"), {"Bucket": bucket, "ExpectedBucketOwner": aws.config.account}
    deleted = 0
    while True:
        # Always the first page, because its versions are deleted before the next request. `key` sorts first in it.
        page = s3.list_object_versions(**owner, Prefix=key or "")
        versions = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            if key is None or version["Key"] == key
        ]
        if not versions:
            return deleted
        errors = s3.delete_objects(**owner, Delete={"Objects": versions[:1000], "Quiet": True}).get("Errors")
        if errors:
            raise FootlakeError(f"Could not delete s3://{bucket}/{errors[0]['Key']}: {errors[0].get('Message', '')}")
        deleted += len(versions[:1000])


@dataclass(frozen=True)
class S3Object(OwnedResource):
    """An object that bootstrap stores in a bucket. With `once`, later changes of its content are accepted.

    Its metadata holds the lake's tag, to distinguish it from an object of another owner in a shared bucket.
    """

    bucket: Bucket
    key: str
    body: bytes
    once: bool = False

    @property
    def label(self) -> str:
        return f"object {self.uri}"

    @property
    def uri(self) -> str:
        """The object's S3 address."""
        return f"s3://{self.bucket.name}/{self.key}"

    @cached_property
    def _md5(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    def _create(self, aws: AwsContext) -> None:
        self._put(aws, IfNoneMatch="*")

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        if self.once or self._is_current(state):
            return False
        self._put(aws, IfMatch=state["ETag"])
        return True

    def _put(self, aws: AwsContext, **condition: str) -> None:
        """Write the object on the condition that it was not changed since it was read.

        A concurrent change is not overwritten, and the SDK's retry after a lost response writes no second version.
        """
        response = get_or_none(
            aws.client("s3").put_object,
            "PreconditionFailed",
            **self._location(aws),
            Body=self.body,
            Metadata=aws.config.tags,
            **condition,
        )
        if response is None and not self._is_current(self._read(aws)):
            raise FootlakeError(
                f"The {self.label} was changed by someone else at the same time.", "Run the command again."
            )

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Delete all versions of the object, also if the newest one is a delete marker."""
        if not self.bucket.exists(aws):
            return "absent"
        outcome = super().destroy(aws)
        if outcome == "absent" and self.bucket.is_ours(aws):
            return "deleted" if delete_versions(aws, self.bucket.name, key=self.key) else "absent"
        return outcome

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        delete_versions(aws, self.bucket.name, key=self.key)

    def _is_current(self, head: dict[str, Any] | None) -> bool:
        # The ETag is the MD5 of an object that was written in one part without KMS.
        return head is not None and head["ETag"].strip('"') == self._md5

    def _tags(self, aws: AwsContext, state: dict[str, Any]) -> Any:
        """Return the lake's tags for an object with the tag in its metadata, or in a bucket with the tag.

        An object that was read from a list has no metadata.
        """
        return aws.config.tags if is_owned(aws, state.get("Metadata", {})) or self.bucket.is_ours(aws) else {}

    def _indexed_arn(self, aws: AwsContext, state: dict[str, Any]) -> str:
        return self.bucket.arn

    def _location(self, aws: AwsContext) -> dict[str, str]:
        return {"Bucket": self.bucket.name, "Key": self.key, "ExpectedBucketOwner": aws.config.account}

    def _read(self, aws: AwsContext) -> Any | None:
        return self._in_folder(aws) or get_or_none(
            aws.client("s3").head_object, "NoSuchKey", *_NO_BUCKET, **self._location(aws)
        )

    def _in_folder(self, aws: AwsContext) -> Any | None:
        """Return the object as listed, without its metadata, if AWS's index of tags has the bucket as this lake's."""
        if self.bucket.arn not in aws.discovered.tagged:
            return None
        folder = {**self.bucket.owner(aws), "Prefix": f"{self.key.rpartition('/')[0]}/", "Delimiter": "/"}
        return self._listed(aws, "s3", "list_objects_v2", "Contents", {"Key": self.key}, **folder)


class NotifiedFunction(EventTarget, Protocol):
    """A function that a bucket's notification invokes."""

    @property
    def name(self) -> str:
        """The function's name."""


@dataclass(frozen=True)
class BucketNotification(BaseResource):
    """The notification that invokes a function for new objects below a prefix. Other notifications are not changed.

    `depends_on` are the function's permission, which S3 checks, and the bucket's other notifications, because S3
    reads and writes all of them as one document.
    """

    bucket: Bucket
    function: NotifiedFunction
    prefix: str
    suffix: str
    events: tuple[str, ...]
    depends_on: tuple[Resource, ...] = ()

    @property
    def label(self) -> str:
        return f"s3 event {self.function.name} on {self.prefix}*{self.suffix}"

    def ensure(self, aws: AwsContext) -> Ensured:
        configuration = self._configuration(aws)
        existing, others = self._split(configuration)
        desired = self._desired(aws)
        if existing and not differs(_normalized(existing), _normalized(desired)):
            return "unchanged"
        self._write(aws, configuration | {"LambdaFunctionConfigurations": [*others, desired]})
        return "updated" if existing else "created"

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        rules = [{"Name": "prefix", "Value": self.prefix}, {"Name": "suffix", "Value": self.suffix}]
        return {
            "Id": self._id,
            "LambdaFunctionArn": self.function.arn(aws),
            "Events": list(self.events),
            "Filter": {"Key": {"FilterRules": rules}},
        }

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        configuration = self._configuration(aws)
        _, others = self._split(configuration)
        # Validation would fail if the function of another notification is already deleted.
        self._write(aws, configuration | {"LambdaFunctionConfigurations": others}, SkipDestinationValidation=True)

    @property
    def _id(self) -> str:
        return f"footlake-{self.function.name}"

    def _is_ours(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        return self.bucket.is_ours(aws)

    def _split(self, configuration: dict[str, Any]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return this notification, if it exists, and all other function notifications of the bucket."""
        notifications = configuration.get("LambdaFunctionConfigurations", [])
        others = [notification for notification in notifications if notification["Id"] != self._id]
        return next((each for each in notifications if each["Id"] == self._id), None), others

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        return self._split(self._configuration(aws))[0] if self.bucket.exists(aws) else None

    def _configuration(self, aws: AwsContext) -> dict[str, Any]:
        """Return all notifications of the bucket."""
        response: dict[str, Any] = aws.client("s3").get_bucket_notification_configuration(
            Bucket=self.bucket.name, ExpectedBucketOwner=aws.config.account
        )
        return {key: value for key, value in response.items() if key != "ResponseMetadata"}

    def _write(self, aws: AwsContext, configuration: dict[str, Any], **options: Any) -> None:
        aws.retry_until_consistent(
            "S3 to recognize the permission to invoke the function",
            lambda: aws.client("s3").put_bucket_notification_configuration(
                Bucket=self.bucket.name,
                NotificationConfiguration=configuration,
                ExpectedBucketOwner=aws.config.account,
                **options,
            ),
            "Unable to validate the following destination configurations",
        )


def _normalized(notification: dict[str, Any]) -> dict[str, Any]:
    """Return the notification with sorted filter rules. S3 returns them in any order, as `Prefix` or `prefix`."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    pairs = sorted((rule["Name"].lower(), rule["Value"]) for rule in rules)
    return {**notification, "Filter": [list(pair) for pair in pairs]}
