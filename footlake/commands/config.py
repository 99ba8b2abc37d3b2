"""config: show every setting, its value and its origin."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import click
from click.core import ParameterSource

from footlake.cli_context import CliContext
from footlake.config import DEFAULT, FLAG, SETTINGS, Config

AWS_SETTINGS = ("profile", "region")


@dataclass(frozen=True)
class Setting:
    """A setting; `origin` is an environment variable, the file, `flag` or `default`."""

    name: str
    value: Any
    origin: str


def list_settings(cli: CliContext) -> list[Setting]:
    """Return every setting of footlake. The value of the API key is hidden."""
    explicit = cli.explicit_settings
    settings = {name: explicit.get(name, (getattr(Config(), name), DEFAULT)) for name in SETTINGS}
    key, origin = settings["api_key"]
    settings["api_key"] = ("(set, not shown)" if key else "", origin)
    return [Setting(name, *setting) for name, setting in settings.items()]


def list_aws_settings(context: click.Context) -> list[Setting]:
    """Return the region and the profile, which are settings of the AWS SDK, from the top-level Click context."""
    return [Setting(name, context.params[name], _origin(context, name)) for name in AWS_SETTINGS]


def _origin(context: click.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        variables = next(option.envvar for option in context.command.params if option.name == name)
        return next(variable for variable in variables or () if os.environ.get(variable))
    return FLAG if source is ParameterSource.COMMANDLINE else "AWS's settings"


def format_value(value: Any) -> str:
    """Return a value in the form in which the user would set it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def run(cli: CliContext, root: click.Context) -> None:
    """Print every setting. `root` is the top-level Click context."""
    settings = [*list_settings(cli), *list_aws_settings(root)]
    lines = [f"{setting.name:<20}{format_value(setting.value):<39} {setting.origin}" for setting in settings]
    cli.output.print_result({"settings": [asdict(setting) for setting in settings]}, lines)
