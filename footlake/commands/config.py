"""config: show every setting, its value and its origin."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import click
from click.core import ParameterSource

from footlake.cli_context import PROFILE_VARIABLES, REGION_VARIABLES, CliContext
from footlake.config import DEFAULT, FLAG, SETTINGS, Config

# In the order in which Click reads them.
VARIABLES = {"profile": PROFILE_VARIABLES, "region": REGION_VARIABLES}


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
    return [Setting(name, context.params[name], _origin(context, name)) for name in VARIABLES]


def _origin(context: click.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        return next(variable for variable in VARIABLES[name] if os.environ.get(variable))
    return FLAG if source is ParameterSource.COMMANDLINE else "AWS's settings"


def format_value(value: Any) -> str:
    """Return a value in the form in which the user would set it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def run(context: click.Context) -> None:
    """Print every setting. `context` is the Click context of the command."""
    cli: CliContext = context.obj
    settings = [*list_settings(cli), *list_aws_settings(context.find_root())]
    lines = [f"{setting.name:<20}{format_value(setting.value):<39} {setting.origin}" for setting in settings]
    cli.output.print_result({"settings": [asdict(setting) for setting in settings]}, lines)
