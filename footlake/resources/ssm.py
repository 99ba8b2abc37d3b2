"""Secrets, as encrypted SSM parameters, which cost nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from footlake.aws import AwsContext
from footlake.errors import FootlakeError, NotReady
from footlake.resources.base import Destroyed, Ensured, get_or_none, is_owned, require_owned, tag_list


def parameter_arn(aws: AwsContext, name: str) -> str:
    """The ARN of a parameter, whose name begins with a slash."""
    return f"arn:aws:ssm:{aws.config.region}:{aws.config.account}:parameter{name}"


@dataclass(frozen=True)
class SecretParameter:
    """An encrypted parameter. Its value is the one given, else the one that is there, else made up if `generated`."""

    name: str
    value: str = field(default="", repr=False)
    generated: bool = False
    missing: str = ""

    @property
    def label(self) -> str:
        return f"parameter {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def get(self, aws: AwsContext) -> str:
        """The value; NotReady where it was never set."""
        value = self._read(aws)
        if value is None:
            raise NotReady(f"The parameter {self.name} is not there.", "Run footlake bootstrap first.")
        return value

    def check(self, aws: AwsContext) -> None:
        """FootlakeError if there is neither a value to keep nor one kept already."""
        if not self.value and not self.generated and not self.exists(aws):
            raise FootlakeError(*self.missing.split("|", 1))

    def ensure(self, aws: AwsContext) -> Ensured:
        ssm, current = aws.client("ssm"), self._read(aws)
        if current is None:
            import secrets

            value = self.value or (secrets.token_hex(20) if self.generated else "")
            if not value:
                raise FootlakeError(*self.missing.split("|", 1))
            ssm.put_parameter(Name=self.name, Value=value, Type="SecureString", Tags=tag_list(aws))
            return "created"
        require_owned(aws, self.label, lambda: self._tags(aws), parameter_arn(aws, self.name))
        if self.value and self.value != current:
            ssm.put_parameter(Name=self.name, Value=self.value, Type="SecureString", Overwrite=True)
            return "updated"
        return "unchanged"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, self._tags(aws)):
            return "kept"
        aws.client("ssm").delete_parameter(Name=self.name)
        return "deleted"

    def _tags(self, aws: AwsContext) -> object:
        return aws.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=self.name)["TagList"]

    def _read(self, aws: AwsContext) -> str | None:
        answer = get_or_none(aws.client("ssm").get_parameter, "ParameterNotFound", Name=self.name, WithDecryption=True)
        return answer["Parameter"]["Value"] if answer else None
