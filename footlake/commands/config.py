"""config: every setting, its value, and where it came from."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import click
from click.core import ParameterSource

from footlake.cli_context import CliContext
from footlake.config import DEFAULT, FLAG, PROFILE_VARIABLES, REGION_VARIABLES, SETTINGS, Config

VARIABLES = {"profile": PROFILE_VARIABLES, "region": REGION_VARIABLES}


@dataclass(frozen=True)
class Setting:
    """A setting; `origin` is the variable, the file, `flag` or `default`."""

    name: str
    value: Any
    origin: str


def settings(cli: CliContext) -> list[Setting]:
    """Every setting. Of the API's key is only told whether there is one."""
    given = cli.explicit_settings
    known = [Setting(name, *given.get(name, (getattr(Config(), name), DEFAULT))) for name in SETTINGS]
    return [
        Setting(one.name, "(set, not shown)" if one.value else "", one.origin) if one.name == "api_key" else one
        for one in known
    ]


def of_aws(context: click.Context) -> list[Setting]:
    """The region and the profile, which are AWS's own settings."""
    return [Setting(name, context.params[name], _origin(context, name)) for name in VARIABLES]


def _origin(context: click.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        return next(variable for variable in VARIABLES[name] if os.environ.get(variable))
    return FLAG if source is ParameterSource.COMMANDLINE else "AWS's settings"


def shown(value: Any) -> str:
    """A value as one would write it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


@click.command("config")
@click.pass_context
def command(context: click.Context) -> None:
    """Every setting, its value, and where it came from: a flag, a variable, the file, or the default."""
    cli: CliContext = context.obj
    assert context.parent
    every = [*settings(cli), *of_aws(context.parent)]
    lines = [f"{one.name:<20}{shown(one.value):<39} {one.origin}" for one in every]
    cli.print_result({"settings": [asdict(one) for one in every]}, lines)
