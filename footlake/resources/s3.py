"""Buckets, the objects that bootstrap puts there, and the notifications of new ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.base import (
    Destroyed,
    Ensured,
    Resource,
    differs,
    error_code,
    get_or_none,
    is_owned,
    require_owned,
    tag_list,
)

if TYPE_CHECKING:
    from footlake.resources.lambdas import LambdaFunction

# HeadBucket answers without a body, so boto3 can only tell the status.
_NO_BUCKET = ("404", "NoSuchBucket")
# What S3 says of a bucket that has just been made, and of a name that has just been given up.
_NOT_SETTLED = ("NoSuchBucket", "OperationAborted")


@dataclass(frozen=True)
class Bucket:
    """A private, encrypted, versioned bucket. One that is there already and `shared` is used as it is."""

    name: str
    shared: bool = False
    short_lived: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"bucket {self.name}"

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self.name}"

    def exists(self, aws: AwsContext) -> bool:
        """True for a bucket of this account; a bucket of that name elsewhere is an error."""
        try:
            aws.client("s3").head_bucket(Bucket=self.name, ExpectedBucketOwner=aws.config.account)
        except ClientError as error:
            if error_code(error) in _NO_BUCKET:
                return False
            if error_code(error) == "403":
                raise FootlakeError(
                    f"The bucket {self.name} may not be used.",
                    "It is another account's, or your user lacks s3:ListBucket.",
                ) from None
            raise
        return True

    def ensure(self, aws: AwsContext) -> Ensured:
        s3, owner = aws.client("s3"), {"Bucket": self.name, "ExpectedBucketOwner": aws.config.account}
        outcome: Ensured = "unchanged"
        if not self.exists(aws):
            where = {} if aws.config.region == "us-east-1" else {"LocationConstraint": aws.config.region}
            # Tagged as it is made: a bootstrap that dies here must know the bucket again.
            configuration = {**where, "Tags": tag_list(aws)}
            aws.retry_until_consistent(
                f"the name {self.name} to be free",
                lambda: s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=configuration),
                *_NOT_SETTLED,
            )
            outcome = "created"
        elif self.arn not in aws.discovered.tagged and not self.is_ours(aws):
            if self.shared:
                return "unchanged"
            require_owned(aws, self.label, [])
        # A new bucket is not known everywhere at once; one that was there and is gone is told of right away.
        new = _NOT_SETTLED if outcome == "created" else ()
        for get, put, member, absent, wanted in self._settings():
            answer = (
                aws.retry_until_consistent(self.label, partial(get_or_none, getattr(s3, get), absent, **owner), *new)
                or {}
            )
            if differs(answer if member is None else answer.get(member), wanted):
                aws.retry_until_consistent(
                    self.label, partial(getattr(s3, put), **owner, **{_argument(put): wanted}), *new
                )
                outcome = "created" if outcome == "created" else "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not self.is_ours(aws):
            return "kept"
        s3, owner = aws.client("s3"), {"Bucket": self.name, "ExpectedBucketOwner": aws.config.account}

        def delete() -> None:
            delete_versions(aws, self.name)
            s3.delete_bucket(**owner)

        # A function or job that is still running may write once more.
        aws.retry_until_consistent(f"{self.label} to stay empty", delete, "BucketNotEmpty")
        return "deleted"

    def is_ours(self, aws: AwsContext) -> bool:
        """Whether it carries the lake's tag; so all that is in it is the lake's, too."""
        tags = get_or_none(
            aws.client("s3").get_bucket_tagging,
            "NoSuchTagSet",
            Bucket=self.name,
            ExpectedBucketOwner=aws.config.account,
        )
        return tags is not None and is_owned(aws, tags["TagSet"])

    def _settings(self) -> list[tuple[str, str, str | None, str, Any]]:
        """How each setting is read and written, and what it should be."""
        private = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        encryption = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        return [
            (
                "get_public_access_block",
                "put_public_access_block",
                "PublicAccessBlockConfiguration",
                "NoSuchPublicAccessBlockConfiguration",
                private,
            ),
            (
                "get_bucket_encryption",
                "put_bucket_encryption",
                "ServerSideEncryptionConfiguration",
                "ServerSideEncryptionConfigurationNotFoundError",
                encryption,
            ),
            ("get_bucket_versioning", "put_bucket_versioning", None, "", {"Status": "Enabled"}),
            (
                "get_bucket_lifecycle_configuration",
                "put_bucket_lifecycle_configuration",
                None,
                "NoSuchLifecycleConfiguration",
                {"Rules": self._lifecycle()},
            ),
        ]

    def _lifecycle(self) -> list[dict[str, Any]]:
        """Old versions go after a month, and working files that a crash left after a week."""
        rules: list[dict[str, Any]] = [
            {
                "ID": "old-versions",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            }
        ]
        rules += [
            {
                "ID": f"short-lived-{prefix.strip('/')}",
                "Status": "Enabled",
                "Filter": {"Prefix": prefix},
                "Expiration": {"Days": 7},
            }
            for prefix in self.short_lived
        ]
        return rules


def _argument(put: str) -> str:
    """The parameter in which a put call takes its setting."""
    return {
        "put_public_access_block": "PublicAccessBlockConfiguration",
        "put_bucket_encryption": "ServerSideEncryptionConfiguration",
        "put_bucket_versioning": "VersioningConfiguration",
        "put_bucket_lifecycle_configuration": "LifecycleConfiguration",
    }[put]


def delete_versions(aws: AwsContext, bucket: str, key: str | None = None) -> int:
    """Delete every version and delete marker of a bucket, or of one key. How many there were."""
    s3, owner = aws.client("s3"), {"Bucket": bucket, "ExpectedBucketOwner": aws.config.account}
    deleted = 0
    while True:  # always the first page, as what was listed is gone by the next look; a key sorts before its longer kin
        page = s3.list_object_versions(**owner, Prefix=key or "")
        versions = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            if key is None or one["Key"] == key
        ]
        if not versions:
            return deleted
        errors = s3.delete_objects(**owner, Delete={"Objects": versions[:1000], "Quiet": True}).get("Errors")
        if errors:
            raise FootlakeError(f"Could not delete s3://{bucket}/{errors[0]['Key']}: {errors[0].get('Message', '')}")
        deleted += len(versions[:1000])


@dataclass(frozen=True)
class S3Object:
    """An object that bootstrap keeps in a bucket. With `once`, its content is only the first one and may change.

    It is marked in its metadata, so that in a shared bucket it can be told from somebody else's of the same name.
    """

    bucket: Bucket
    key: str
    body: bytes
    once: bool = False

    @property
    def label(self) -> str:
        return f"object s3://{self.bucket.name}/{self.key}"

    @property
    def uri(self) -> str:
        """Its S3 address."""
        return f"s3://{self.bucket.name}/{self.key}"

    @cached_property
    def _md5(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    def exists(self, aws: AwsContext) -> bool:
        return self._head(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        head = self._head(aws)
        if head and not self._is_ours(aws, head):
            require_owned(aws, self.label, [])
        if head and (self.once or self._is_current(head)):
            return "unchanged"
        # On the condition that it is still what was seen: whoever came in between is not overwritten, and the SDK,
        # asking again for an answer that was lost, does not write a second version.
        condition = {"IfMatch": head["ETag"]} if head else {"IfNoneMatch": "*"}
        put = get_or_none(
            aws.client("s3").put_object,
            "PreconditionFailed",
            Bucket=self.bucket.name,
            Key=self.key,
            Body=self.body,
            Metadata=aws.config.tags,
            ExpectedBucketOwner=aws.config.account,
            **condition,
        )
        if put is None and not self._is_current(self._head(aws)):
            raise FootlakeError(f"Somebody else changed the {self.label} just now.", "Run the command again.")
        return "updated" if head else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.bucket.exists(aws):
            return "absent"
        head = self._head(aws)
        if head and not self._is_ours(aws, head):
            return "kept"
        if head or self.bucket.is_ours(aws):
            return "deleted" if delete_versions(aws, self.bucket.name, key=self.key) else "absent"
        return "absent"

    def _is_current(self, head: Any) -> bool:
        # An ETag is the MD5 of an object put at once without KMS, as these are.
        return bool(head) and head["ETag"].strip('"') == self._md5

    def _is_ours(self, aws: AwsContext, head: Any) -> bool:
        return is_owned(aws, head["Metadata"]) or self.bucket.is_ours(aws)

    def _head(self, aws: AwsContext) -> Any:
        return get_or_none(
            aws.client("s3").head_object,
            "404",
            "NoSuchKey",
            *_NO_BUCKET,
            Bucket=self.bucket.name,
            Key=self.key,
            ExpectedBucketOwner=aws.config.account,
        )


@dataclass(frozen=True)
class BucketNotification:
    """New objects below a prefix invoke a function. Other notifications of the bucket are left as they are.

    `after` is what has to be there first: the permission, which S3 checks, and the bucket's other notifications, as
    all of them are read and written as one.
    """

    bucket: Bucket
    function: LambdaFunction
    prefix: str
    suffix: str
    events: tuple[str, ...]
    depends_on: tuple[Resource, ...] = ()

    @property
    def label(self) -> str:
        return f"s3 event {self.function.name} on {self.prefix}*{self.suffix}"

    def exists(self, aws: AwsContext) -> bool:
        return self.bucket.exists(aws) and any(one["Id"] == self._id for one in self._functions(self._read(aws)))

    def ensure(self, aws: AwsContext) -> Ensured:
        configuration = self._read(aws)
        wanted = {
            "Id": self._id,
            "LambdaFunctionArn": self.function.arn(aws),
            "Events": list(self.events),
            "Filter": {
                "Key": {
                    "FilterRules": [
                        {"Name": "prefix", "Value": self.prefix},
                        {"Name": "suffix", "Value": self.suffix},
                    ]
                }
            },
        }
        mine = [one for one in self._functions(configuration) if one["Id"] == self._id]
        if mine and not differs(_normalized(mine[0]), _normalized(wanted)):
            return "unchanged"
        others = [one for one in self._functions(configuration) if one["Id"] != self._id]
        self._write(aws, configuration | {"LambdaFunctionConfigurations": [*others, wanted]})
        return "updated" if mine else "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not self.bucket.is_ours(aws):
            return "kept"
        configuration = self._read(aws)
        others = [one for one in self._functions(configuration) if one["Id"] != self._id]
        # Nothing is added, and of the others a function may be gone already.
        self._write(aws, configuration | {"LambdaFunctionConfigurations": others}, SkipDestinationValidation=True)
        return "deleted"

    @property
    def _id(self) -> str:
        return f"footlake-{self.function.name}"

    @staticmethod
    def _functions(configuration: dict[str, Any]) -> list[dict[str, Any]]:
        return list(configuration.get("LambdaFunctionConfigurations", []))

    def _read(self, aws: AwsContext) -> dict[str, Any]:
        answer: dict[str, Any] = aws.client("s3").get_bucket_notification_configuration(
            Bucket=self.bucket.name, ExpectedBucketOwner=aws.config.account
        )
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def _write(self, aws: AwsContext, configuration: dict[str, Any], **more: Any) -> None:
        aws.retry_until_consistent(
            "S3 to see the function's permission",
            lambda: aws.client("s3").put_bucket_notification_configuration(
                Bucket=self.bucket.name,
                NotificationConfiguration=configuration,
                ExpectedBucketOwner=aws.config.account,
                **more,
            ),
            "Unable to validate the following destination configurations",
        )


def _normalized(notification: dict[str, Any]) -> dict[str, Any]:
    """Filter rules come back with `Prefix` or `prefix`, in any order."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    named = sorted((rule["Name"].lower(), rule["Value"]) for rule in rules)
    return {**notification, "Filter": [list(rule) for rule in named]}
