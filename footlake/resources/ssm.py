"""Secrets as encrypted SSM parameters, which are free of charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.errors import BOOTSTRAP_FIRST, FootlakeError, NotReady
from footlake.resources.base import OwnedResource, get_member, regional_arn, tag_list


def parameter_arn(aws: AwsContext, name: str) -> str:
    """Return the ARN of a parameter. Its name begins with a slash."""
    return regional_arn(aws, "ssm", f"parameter{name}")


def parameter_tags(aws: AwsContext, name: str) -> Any:
    """Return the tags of a parameter."""
    return aws.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]


def read_parameter(aws: AwsContext, name: str) -> str | None:
    """Return the decrypted value of a parameter, or None if it does not exist."""
    parameter = get_member(
        aws.client("ssm").get_parameter, "Parameter", "ParameterNotFound", Name=name, WithDecryption=True
    )
    return None if parameter is None else str(parameter["Value"])


@dataclass(frozen=True)
class SecretParameter(OwnedResource):
    """An encrypted parameter: `value` if given, else the stored value, else a random one if `generated`.

    `missing` is the error message and the hint for a parameter without any value.
    """

    kind = "parameter"

    name: str
    value: str = field(default="", repr=False)
    generated: bool = False
    missing: tuple[str, str] = ("", "")

    def get(self, aws: AwsContext) -> str:
        """Return the value. Raises NotReady if it was never set."""
        value = self._read(aws)
        if value is None:
            raise NotReady(f"Parameter {self.name} does not exist.", BOOTSTRAP_FIRST)
        return value

    def check(self, aws: AwsContext) -> None:
        """Raise FootlakeError if there is neither a given value, nor a stored one, nor one to generate."""
        if not self.value and not self.generated and not self.exists(aws):
            raise FootlakeError(*self.missing)

    def _create(self, aws: AwsContext) -> None:
        import secrets

        value = self.value or (secrets.token_hex(20) if self.generated else "")
        if not value:
            raise FootlakeError(*self.missing)
        aws.client("ssm").put_parameter(Name=self.name, Value=value, Type="SecureString", Tags=tag_list(aws))

    def _update(self, aws: AwsContext, state: str) -> bool:
        if self.value in ("", state):
            return False
        aws.client("ssm").put_parameter(Name=self.name, Value=self.value, Type="SecureString", Overwrite=True)
        return True

    def _delete(self, aws: AwsContext, state: str) -> None:
        aws.client("ssm").delete_parameter(Name=self.name)

    def _indexed_arn(self, aws: AwsContext, state: str) -> str:
        return parameter_arn(aws, self.name)

    def _tags(self, aws: AwsContext, state: str) -> Any:
        return parameter_tags(aws, self.name)

    def _read(self, aws: AwsContext) -> str | None:
        names = {"Names": self._names(aws), "WithDecryption": True}
        listed = self._listed(aws, "ssm", "get_parameters", "Parameters", {"Name": self.name}, **names)
        return str(listed["Value"]) if listed else read_parameter(aws, self.name)
