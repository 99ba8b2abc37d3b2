"""Lambda functions, their layer, and the permissions to invoke them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import error_code, get_or_none
from footlake.config import TAG
from footlake.errors import FootlakeCommand, FootlakeError, Hint
from footlake.resources.base import (
    BaseResource,
    Ensured,
    OwnedResource,
    Resource,
    differs,
    get_member,
    is_owned,
    regional_arn,
    require_owned,
)
from footlake.resources.iam import IamRole
from footlake.resources.logs import LogGroup
from footlake.resources.sqs import SqsQueue

RUNTIME = "python3.13"
NOT_FOUND = "ResourceNotFoundException"
# Lambda's messages while a new role is not visible to Lambda, or to KMS, which encrypts the environment.
_ROLE_NOT_SETTLED = ("cannot be assumed by Lambda", "KMS key is invalid for CreateGrant")


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@dataclass(frozen=True)
class LambdaLayer(BaseResource):
    """Python packages for functions. Changed content is published as a new version, and old versions are deleted.

    Layers cannot be tagged. The description of each version holds the lake's tag and the hash of the content.
    """

    kind = "lambda layer"

    name: str
    content: bytes = field(repr=False)

    def arn(self, aws: AwsContext) -> str | None:
        """Return the ARN of the version with this content."""
        version = self._current(self._read(aws) or [])
        return str(version["LayerVersionArn"]) if version else None

    def ensure(self, aws: AwsContext) -> Ensured:
        existing = self._read(aws) or []
        if existing:
            require_owned(aws, self.label, self._marks(existing[0]))
        current = self._current(existing)
        if current is None:
            aws.client("lambda").publish_layer_version(
                LayerName=self.name,
                Description=f"{TAG}={aws.config.lake} sha256={_sha256(self.content)}",
                Content={"ZipFile": self.content},
                CompatibleRuntimes=[RUNTIME],
            )
        # Listed again, because the SDK's retry after a lost response publishes a second version.
        versions = existing if current else self._wait_until_published(aws)
        keep = current or versions[0]
        old = [version for version in self._ours(aws, versions) if version != keep]
        self._delete(aws, old)
        if not existing:
            return "created"
        return "unchanged" if current and not old else "updated"

    @staticmethod
    def _marks(version: dict[str, Any]) -> dict[str, str]:
        """Return the tag and the hash in the description of a version."""
        pairs = (pair.partition("=") for pair in version.get("Description", "").split())
        return {name: value for name, _, value in pairs}

    def _ours(self, aws: AwsContext, versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [version for version in versions if is_owned(aws, self._marks(version))]

    def _is_ours(self, aws: AwsContext, state: list[dict[str, Any]]) -> bool:
        return bool(self._ours(aws, state))

    def _delete(self, aws: AwsContext, state: list[dict[str, Any]]) -> None:
        """Delete those of the versions that belong to this lake."""
        for version in self._ours(aws, state):
            aws.client("lambda").delete_layer_version(LayerName=self.name, VersionNumber=version["Version"])

    def _current(self, versions: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the version with this content."""
        sha256 = _sha256(self.content)
        return next((version for version in versions if self._marks(version).get("sha256") == sha256), None)

    def _wait_until_published(self, aws: AwsContext) -> list[dict[str, Any]]:
        """Return the versions, newest first, as soon as the one with this content is listed."""

        def list_published() -> list[dict[str, Any]] | None:
            versions = self._read(aws) or []
            return versions if self._current(versions) else None

        return aws.wait_until(f"{self.label} to be listed", list_published, every=2, limit=90)

    def _read(self, aws: AwsContext) -> list[dict[str, Any]] | None:
        """Return all versions, newest first."""
        pages = aws.client("lambda").get_paginator("list_layer_versions").paginate(LayerName=self.name)
        try:
            return [version for page in pages for version in page["LayerVersions"]] or None
        except ClientError as error:
            if error_code(error) == NOT_FOUND:
                return None
            raise


@dataclass(frozen=True)
class LambdaFunction(OwnedResource):
    """A function with its code, layer, role, environment and timeout (seconds).

    `starts` are the jobs that it starts. Teardown ends them after it has deleted the function.
    """

    kind = "lambda function"

    name: str
    handler: str
    role: IamRole
    code: bytes = field(repr=False)
    layer: LambdaLayer
    log_group: LogGroup
    timeout: int
    environment: Mapping[str, str]
    memory: int = 256
    starts: Resource | None = None

    def arn(self, aws: AwsContext) -> str:
        """Return the function's ARN."""
        return regional_arn(aws, "lambda", f"function:{self.name}")

    def _create(self, aws: AwsContext) -> None:
        client, layer = aws.client("lambda"), self.layer.arn(aws)
        aws.retry_until_consistent(
            f"role {self.role.name} to be usable",
            lambda: client.create_function(
                Code={"ZipFile": self.code}, Layers=[layer], Tags=aws.config.tags, **self._configuration(aws)
            ),
            *_ROLE_NOT_SETTLED,
        )
        self._wait(aws)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        client, actual = aws.client("lambda"), self._settled(aws, state["Configuration"])
        if actual.get("State") == "Failed":  # it can neither be invoked nor updated
            self._delete(aws, state)
            self._create(aws)
            return True
        failed = actual.get("LastUpdateStatus") == "Failed"
        layer, configuration = self.layer.arn(aws), self._configuration(aws)
        code_drifted: bool = failed or actual["CodeSha256"] != _sha256(self.code)
        if code_drifted:
            client.update_function_code(FunctionName=self.name, ZipFile=self.code)
            self._wait(aws)
        layers = [version["Arn"] for version in actual.get("Layers", [])]
        if not failed and not differs(actual, configuration) and layers == [layer]:
            return code_drifted
        aws.retry_until_consistent(
            f"role {self.role.name} to be usable",
            lambda: client.update_function_configuration(Layers=[layer], **configuration),
            *_ROLE_NOT_SETTLED,
        )
        self._wait(aws)
        return True

    def _settled(self, aws: AwsContext, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration after the creation or update that an interrupted bootstrap may have begun."""
        if actual.get("State") != "Pending" and actual.get("LastUpdateStatus") != "InProgress":
            return actual

        def read_settled() -> dict[str, Any] | None:
            found: dict[str, Any] = aws.client("lambda").get_function(FunctionName=self.name)["Configuration"]
            in_progress = found.get("State") == "Pending" or found.get("LastUpdateStatus") == "InProgress"
            return None if in_progress else found

        return aws.wait_until(f"{self.label} to be ready", read_settled, every=2, limit=300)

    def _wait(self, aws: AwsContext) -> None:
        """Wait until the function is ready. Raise FootlakeError with AWS's reason if it fails."""
        found = self._settled(aws, {"State": "Pending"})
        if "Failed" not in (found.get("State"), found.get("LastUpdateStatus")):
            return
        member = "StateReason" if found.get("State") == "Failed" else "LastUpdateStatusReason"
        reason = found.get(member) or found.get(f"{member}Code") or "AWS gives no reason"
        raise FootlakeError(
            f"AWS could not set up the {self.label}: {reason.rstrip('.')}.",
            Hint("Correct the cause and run ", FootlakeCommand("bootstrap"), " again, which repeats the step."),
        )

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("lambda").delete_function(FunctionName=self.name)

    def _configuration(self, aws: AwsContext) -> dict[str, Any]:
        return {
            "FunctionName": self.name,
            "Handler": self.handler,
            "Role": self.role.arn(aws),
            "Runtime": RUNTIME,
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "Environment": {"Variables": dict(self.environment)},
        }

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        function: dict[str, Any] | None = get_or_none(
            aws.client("lambda").get_function, NOT_FOUND, FunctionName=self.name
        )
        if error := (function or {}).get("TagsError"):  # the tags exist, but the caller may not read them
            raise FootlakeError(f"Cannot read the tags of the {self.label}: {error['Message']}")
        return function


@dataclass(frozen=True)
class LambdaPermission(BaseResource):
    """The permission of a service to invoke a function on behalf of one resource of this account.

    `depends_on` are the function's other permissions, because Lambda loses concurrent changes of a function's policy.
    """

    function: LambdaFunction
    service: str
    source_arn: str
    depends_on: tuple[LambdaPermission, ...] = ()

    @property
    def label(self) -> str:
        return f"lambda permission {self.function.name} for {self.source_arn.rsplit(':', 1)[-1]}"

    @property
    def statement_id(self) -> str:
        """The id of the statement in the function's policy."""
        return "footlake-" + "".join(c if c.isalnum() else "-" for c in self.source_arn.rsplit(":", 1)[-1])

    def source(self, aws: AwsContext) -> str:
        """Return `source_arn` with the region and the account filled in."""
        return self.source_arn.format(region=aws.config.region, account=aws.config.account)

    def ensure(self, aws: AwsContext) -> Ensured:
        statement = self._read(aws)
        if statement is not None:
            if not self._drifted(aws, statement):
                return "unchanged"
            self._change(aws, "remove_permission")
        self._change(
            aws,
            "add_permission",
            Action="lambda:InvokeFunction",
            Principal=self.service,
            SourceArn=self.source(aws),
            **({"SourceAccount": aws.config.account} if self._needs_account else {}),
        )
        return "created" if statement is None else "updated"

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        self._change(aws, "remove_permission")

    def _is_ours(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        """Return whether the function is this lake's, and so its policy."""
        return not self.function.is_foreign(aws)

    def _change(self, aws: AwsContext, operation: str, **arguments: Any) -> None:
        change = getattr(aws.client("lambda"), operation)
        aws.retry_until_consistent(
            f"another update of {self.function.name} to finish",
            lambda: change(FunctionName=self.function.name, StatementId=self.statement_id, **arguments),
            "concurrent update operation",
        )

    @property
    def _needs_account(self) -> bool:
        """Whether the account is a separate condition: for S3 only, whose ARNs do not contain it.

        EventBridge cannot invoke a function whose permission has this condition.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
        """
        return self.service == "s3.amazonaws.com"

    def _drifted(self, aws: AwsContext, statement: dict[str, Any]) -> bool:
        condition = {"ArnLike": {"AWS:SourceArn": self.source(aws)}}
        if self._needs_account:
            condition["StringEquals"] = {"AWS:SourceAccount": aws.config.account}
        actual = (statement["Principal"], statement.get("Condition"))
        return actual != ({"Service": self.service}, condition)

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        document = get_member(aws.client("lambda").get_policy, "Policy", NOT_FOUND, FunctionName=self.function.name)
        statements = json.loads(document)["Statement"] if document else []
        return next((statement for statement in statements if statement["Sid"] == self.statement_id), None)


@dataclass(frozen=True)
class FailureDestination(BaseResource):
    """The queue that receives the events of a function whose retries all failed."""

    kind = "failure destination"

    function: LambdaFunction
    queue: SqsQueue

    @property
    def label(self) -> str:
        return f"{self.kind} of {self.function.name}"

    def ensure(self, aws: AwsContext) -> Ensured:
        actual = self._read(aws)
        if actual is not None and not differs(actual, self._desired(aws)):
            return "unchanged"
        client = aws.client("lambda")
        # An update keeps the number of retries and the age of events that the user may have set.
        change = (
            client.put_function_event_invoke_config if actual is None else client.update_function_event_invoke_config
        )
        aws.retry_until_consistent(
            f"role {self.function.role.name} to be usable",
            lambda: change(FunctionName=self.function.name, **self._desired(aws)),
            "does not have permissions to call SendMessage",
        )
        return "created" if actual is None else "updated"

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("lambda").delete_function_event_invoke_config(FunctionName=self.function.name)

    def _is_ours(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        """Return whether the function is this lake's, and so its configuration."""
        return not self.function.is_foreign(aws)

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        return {"DestinationConfig": {"OnFailure": {"Destination": self.queue.arn(aws)}}}

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        read = aws.client("lambda").get_function_event_invoke_config
        found: dict[str, Any] | None = get_or_none(read, NOT_FOUND, FunctionName=self.function.name)
        return found
