"""Lambda functions, their layer, and who may invoke them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.config import TAG
from footlake.errors import FootlakeError
from footlake.resources.base import Destroyed, Ensured, differs, error_code, get_or_none, is_owned, require_owned
from footlake.resources.iam import IamRole
from footlake.resources.logs import LogGroup
from footlake.resources.sagemaker import SageMakerModels

RUNTIME = "python3.13"
NOT_FOUND = "ResourceNotFoundException"
# What Lambda says while a new role is not known everywhere: of itself, and of the key for the environment.
_ROLE_NOT_SETTLED = ("cannot be assumed by Lambda", "KMS key is invalid for CreateGrant")


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@dataclass(frozen=True)
class LambdaLayer:
    """Packages for functions; a changed content is a new version, and old versions go.

    Layers have no tags: the description of a version says whose it is, and what is in it.
    """

    name: str
    content: bytes = field(repr=False)

    @property
    def label(self) -> str:
        return f"lambda layer {self.name}"

    def arn(self, aws: AwsContext) -> str | None:
        """The ARN of the version with this content."""
        version = self._current(self._versions(aws))
        return str(version["LayerVersionArn"]) if version else None

    def exists(self, aws: AwsContext) -> bool:
        return bool(self._versions(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        before = self._versions(aws)
        if before:
            require_owned(aws, self.label, self._mark(before[0]))
        current = self._current(before)
        if current is None:
            aws.client("lambda").publish_layer_version(
                LayerName=self.name,
                Description=f"{TAG}={aws.config.lake} sha256={_sha256(self.content)}",
                Content={"ZipFile": self.content},
                CompatibleRuntimes=[RUNTIME],
            )
        # Looked up again, as the SDK, asking again for an answer that was lost, publishes another version.
        versions = before if current else self._published(aws)
        keep = current or versions[0]
        old = [one for one in versions if one != keep and is_owned(aws, self._mark(one))]
        self._delete(aws, old)
        if not before:
            return "created"
        return "unchanged" if current and not old else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        versions = self._versions(aws)
        ours = [version for version in versions if is_owned(aws, self._mark(version))]
        self._delete(aws, ours)
        if ours:
            return "deleted"
        return "kept" if versions else "absent"

    @staticmethod
    def _mark(version: dict[str, Any]) -> dict[str, str]:
        """What the description says, as tags."""
        pieces = (piece.partition("=") for piece in version.get("Description", "").split())
        return {name: value for name, _, value in pieces}

    def _delete(self, aws: AwsContext, versions: list[dict[str, Any]]) -> None:
        for version in versions:
            aws.client("lambda").delete_layer_version(LayerName=self.name, VersionNumber=version["Version"])

    def _current(self, versions: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The version with this content."""
        wanted = _sha256(self.content)
        return next((version for version in versions if self._mark(version).get("sha256") == wanted), None)

    def _published(self, aws: AwsContext) -> list[dict[str, Any]]:
        """The versions, newest first, once the one with this content is among them."""

        def listed() -> list[dict[str, Any]] | None:
            versions = self._versions(aws)
            return versions if self._current(versions) else None

        return aws.wait_until(f"{self.label} to be listed", listed, every=2, limit=90)

    def _versions(self, aws: AwsContext) -> list[dict[str, Any]]:
        pages = aws.client("lambda").get_paginator("list_layer_versions").paginate(LayerName=self.name)
        try:
            return [version for page in pages for version in page["LayerVersions"]]
        except ClientError as error:
            if error_code(error) == NOT_FOUND:
                return []
            raise


@dataclass(frozen=True)
class LambdaFunction:
    """A function with its code, layer, role, environment and timeout (seconds).

    What it `starts` is ended once nothing can start it any more.
    """

    name: str
    handler: str
    role: IamRole
    code: bytes = field(repr=False)
    layer: LambdaLayer
    log_group: LogGroup
    timeout: int
    environment: Mapping[str, str]
    memory: int = 256
    starts: SageMakerModels | None = None

    @property
    def label(self) -> str:
        return f"lambda function {self.name}"

    def arn(self, aws: AwsContext) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{aws.config.region}:{aws.config.account}:function:{self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def is_ours(self, aws: AwsContext) -> bool:
        """Whether it is there and carries the lake's tag; so its policy is the lake's, too."""
        return is_owned(aws, (self._read(aws) or {}).get("Tags"))

    def ensure(self, aws: AwsContext) -> Ensured:
        client, function = aws.client("lambda"), self._read(aws)
        layer = self.layer.arn(aws)
        configuration = {
            "Handler": self.handler,
            "Role": self.role.arn(aws),
            "Runtime": RUNTIME,
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "Environment": {"Variables": dict(self.environment)},
        }
        if function is None:
            aws.retry_until_consistent(
                f"role {self.role.name} to be usable",
                lambda: client.create_function(
                    FunctionName=self.name,
                    Code={"ZipFile": self.code},
                    Layers=[layer],
                    Tags=aws.config.tags,
                    **configuration,
                ),
                *_ROLE_NOT_SETTLED,
            )
            client.get_waiter("function_active_v2").wait(FunctionName=self.name)
            return "created"
        require_owned(aws, self.label, function.get("Tags"))
        outcome: Ensured = "unchanged"
        actual = function["Configuration"]
        if actual["CodeSha256"] != _sha256(self.code):
            client.update_function_code(FunctionName=self.name, ZipFile=self.code)
            client.get_waiter("function_updated_v2").wait(FunctionName=self.name)
            outcome = "updated"
        if differs(actual, configuration) or [one["Arn"] for one in actual.get("Layers", [])] != [layer]:
            aws.retry_until_consistent(
                f"role {self.role.name} to be usable",
                lambda: client.update_function_configuration(FunctionName=self.name, Layers=[layer], **configuration),
                *_ROLE_NOT_SETTLED,
            )
            client.get_waiter("function_updated_v2").wait(FunctionName=self.name)
            outcome = "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        function = self._read(aws)
        if function is None:
            return "absent"
        if not is_owned(aws, function.get("Tags")):
            return "kept"
        aws.client("lambda").delete_function(FunctionName=self.name)
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        function: dict[str, Any] | None = get_or_none(
            aws.client("lambda").get_function, NOT_FOUND, FunctionName=self.name
        )
        if error := (function or {}).get("TagsError"):  # not shown is not the same as not there
            raise FootlakeError(f"AWS does not show the tags of the {self.label}: {error['Message']}")
        return function


@dataclass(frozen=True)
class LambdaPermission:
    """A service may invoke a function on behalf of one resource of this account.

    `after` are the function's other permissions, as Lambda loses what is changed in its policy side by side.
    """

    function: LambdaFunction
    service: str
    source_arn: str
    depends_on: tuple[LambdaPermission, ...] = ()

    @property
    def label(self) -> str:
        return f"lambda permission {self.function.name} for {self.source_arn.rsplit(':', 1)[-1]}"

    @property
    def _statement(self) -> str:
        return "footlake-" + "".join(c if c.isalnum() else "-" for c in self.source_arn.rsplit(":", 1)[-1])

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

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
            SourceArn=self._source(aws),
            **({"SourceAccount": aws.config.account} if self._names_the_account else {}),
        )
        return "created" if statement is None else "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not self.function.is_ours(aws):
            return "kept"
        self._change(aws, "remove_permission")
        return "deleted"

    def _change(self, aws: AwsContext, operation: str, **arguments: Any) -> None:
        change = getattr(aws.client("lambda"), operation)
        aws.retry_until_consistent(
            f"another change of {self.function.name} to end",
            lambda: change(FunctionName=self.function.name, StatementId=self._statement, **arguments),
            "concurrent update operation",
        )

    @property
    def _names_the_account(self) -> bool:
        """Only for S3, whose ARNs have no account: one that is asked for keeps EventBridge out.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
        """
        return self.service == "s3.amazonaws.com"

    def _source(self, aws: AwsContext) -> str:
        return self.source_arn.format(region=aws.config.region, account=aws.config.account)

    def _drifted(self, aws: AwsContext, statement: dict[str, Any]) -> bool:
        condition = {"ArnLike": {"AWS:SourceArn": self._source(aws)}}
        if self._names_the_account:
            condition["StringEquals"] = {"AWS:SourceAccount": aws.config.account}
        there = (statement["Principal"], statement.get("Condition"))
        return there != ({"Service": self.service}, condition)

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("lambda").get_policy, NOT_FOUND, FunctionName=self.function.name)
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        return next((one for one in statements if one["Sid"] == self._statement), None)
