"""Secrets, as encrypted SSM parameters, which cost nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from footlake.aws import AwsContext
from footlake.errors import FootlakeError, NotReady
from footlake.resources.base import Destroyed, Ensured, get_or_none, is_owned, require_owned, tag_list


def parameter_arn(lake: AwsContext, name: str) -> str:
    """The ARN of a parameter, whose name begins with a slash."""
    return f"arn:aws:ssm:{lake.config.region}:{lake.config.account}:parameter{name}"


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

    def exists(self, lake: AwsContext) -> bool:
        return self._read(lake) is not None

    def get(self, lake: AwsContext) -> str:
        """The value; NotReady where it was never set."""
        value = self._read(lake)
        if value is None:
            raise NotReady(f"The parameter {self.name} is not there.", "Run footlake bootstrap first.")
        return value

    def check(self, lake: AwsContext) -> None:
        """FootlakeError if there is neither a value to keep nor one kept already."""
        if not self.value and not self.generated and not self.exists(lake):
            raise FootlakeError(*self.missing.split("|", 1))

    def ensure(self, lake: AwsContext) -> Ensured:
        ssm, current = lake.client("ssm"), self._read(lake)
        if current is None:
            import secrets

            value = self.value or (secrets.token_hex(20) if self.generated else "")
            if not value:
                raise FootlakeError(*self.missing.split("|", 1))
            ssm.put_parameter(Name=self.name, Value=value, Type="SecureString", Tags=tag_list(lake))
            return "created"
        require_owned(lake, self.label, lambda: self._tags(lake), parameter_arn(lake, self.name))
        if self.value and self.value != current:
            ssm.put_parameter(Name=self.name, Value=self.value, Type="SecureString", Overwrite=True)
            return "updated"
        return "unchanged"

    def destroy(self, lake: AwsContext) -> Destroyed:
        if not self.exists(lake):
            return "absent"
        if not is_owned(lake, self._tags(lake)):
            return "kept"
        lake.client("ssm").delete_parameter(Name=self.name)
        return "deleted"

    def _tags(self, lake: AwsContext) -> object:
        return lake.client("ssm").list_tags_for_resource(ResourceType="Parameter", ResourceId=self.name)["TagList"]

    def _read(self, lake: AwsContext) -> str | None:
        answer = get_or_none(lake.client("ssm").get_parameter, "ParameterNotFound", Name=self.name, WithDecryption=True)
        return answer["Parameter"]["Value"] if answer else None
