"""local: start, stop and configure the AWS emulator on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.errors import NotReady

F = TypeVar("F", bound=Callable[..., Any])


class FolderParameter(click.Path):
    """A folder. The empty string, as of an unset shell variable, is refused rather than taken as the current one."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Path:
        if not str(value):
            self.fail("A folder has a name; the current one is called '.'.", parameter, context)
        return Path(value)


_dir_option = click.option("--dir", "local_dir", type=FolderParameter(), help="Where it keeps everything.")


@click.group("local")
@_dir_option
@click.pass_context
def command(context: click.Context, local_dir: Path | None) -> None:
    """The AWS on this machine: start, stop, status, clock, football."""
    context.obj = _in_directory(context.obj, local_dir)


def _in_directory(cli: CliContext, local_dir: Path | None) -> CliContext:
    return cli.with_overrides(local_dir=str(local_dir)) if local_dir else cli


def _behaviour_options(command: F) -> F:
    """Add the options that configure the local football API."""
    options = (
        click.option("--plan", type=click.Choice(["pro", "free"]), help="API-Football's plan."),
        click.option(
            "--per-minute", type=click.IntRange(1), metavar="N", help="Requests a minute, other than the plan's."
        ),
        click.option("--per-day", type=click.IntRange(1), metavar="N", help="Requests a day, other than the plan's."),
        click.option("--latency", type=click.FloatRange(0, 60), metavar="SECONDS", help="Seconds before each answer."),
        click.option(
            "--fail",
            "failures",
            multiple=True,
            metavar="KIND=RATE",
            help="How often this goes wrong, such as 5xx=0.1; repeatable. `local football --help` has the kinds.",
        ),
        click.option("--seed", type=int, metavar="N", help="Which requests go wrong."),
        click.option("--well", is_flag=True, help="Behave well again: the pro plan, no failures."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _configure_football(cli: CliContext, well: bool, failures: tuple[str, ...], **changes: Any) -> None:
    """Save the options of the local football API. `well` resets all that are not given."""
    from footlake.local.daemon import FootballSettings
    from footlake.local.football.faults import FaultSettings

    changes = {name: value for name, value in changes.items() if value is not None}
    changes |= {"failures": dict(map(_parse_failure, failures))} if failures else {}
    if changes or well:
        football = FootballSettings.read(cli.local_dir)
        behaviour = replace(FaultSettings() if well else football.behaviour, **changes)
        replace(football, behaviour=behaviour).write(cli.local_dir)


def _parse_failure(text: str) -> tuple[str, float]:
    """Return the kind and the rate of KIND=RATE."""
    from footlake.local.football.faults import FAULTS

    kind, _, value = text.partition("=")
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if kind not in FAULTS or not 0 <= rate <= 1:
        raise click.BadParameter(
            f"{text!r} is not a kind of failure and a rate from 0 to 1, such as 5xx=0.1.", param_hint="--fail"
        )
    return kind, rate


@command.command("start")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="Default: the last one, or a free one.")
@_dir_option
@click.option(
    "--recordings",
    type=FolderParameter(),
    help="A folder of recorded API-Football answers; kept until --simulate.",
)
@click.option("--simulate", is_flag=True, help="Go back from recordings to the simulated league.")
@_behaviour_options
@click.pass_obj
def start(
    cli: CliContext,
    /,
    port: int | None,
    local_dir: Path | None,
    recordings: Path | None,
    simulate: bool,
    **behaviour: Any,
) -> None:
    """Start it, or say where it is."""
    from footlake.local.daemon import FootballSettings

    cli = _in_directory(cli, local_dir)
    if recordings and simulate:
        raise click.UsageError("Give either --recordings or --simulate.")
    if simulate and cli.config.recordings:
        raise click.UsageError("The setting recordings (FOOTLAKE_RECORDINGS) goes before --simulate: take it away.")
    if recordings:
        cli = cli.with_overrides(recordings=str(recordings))
    if simulate:
        replace(FootballSettings.read(cli.local_dir), recordings=None).write(cli.local_dir)
    _configure_football(cli, **behaviour)
    cli.start_local(port)
    _print_status(cli)


@command.command("stop")
@_dir_option
@click.pass_obj
def stop(cli: CliContext, local_dir: Path | None) -> None:
    """Stop it. Everything in it is kept; where that is not possible, it is not stopped."""
    from footlake.local import daemon

    cli = _in_directory(cli, local_dir)
    stopped = daemon.stop(cli.local_dir)
    text = f"stopped; kept in {cli.local_dir}" if stopped else f"no local AWS runs in {cli.local_dir}"
    cli.output.print_result({"stopped": stopped is not None, "dir": str(cli.local_dir)}, [text])


@command.command("status")
@_dir_option
@click.pass_obj
def status(cli: CliContext, local_dir: Path | None) -> None:
    """Where it answers, and whether its state could be saved. Exit 1 when it does not run."""
    from footlake.local import daemon

    cli = _in_directory(cli, local_dir)
    daemon.require_running(cli.local_dir)
    _print_status(cli)


@command.command("clock", short_help="Set the football API's clock, or show it.")
@click.argument("date", required=False)
@_dir_option
@click.pass_obj
def clock(cli: CliContext, date: str | None, local_dir: Path | None) -> None:
    """Set the football API's clock to DATE (2020-09-15, or 2020-09-15T18:00), or to `now`; without DATE, show it.

    What lies after that time is not played yet. A day means its first moment, UTC.
    """
    from footlake.local.daemon import FootballSettings

    cli = _in_directory(cli, local_dir)
    football = FootballSettings.read(cli.local_dir)
    if date:
        football = replace(football, clock=_parse_clock(date))
        football.write(cli.local_dir)
    fixed = football.clock is not None
    cli.output.print_result(
        {"clock": football.now().isoformat(), "fixed": fixed},
        [f"the football API's clock: {f'{football.now():%Y-%m-%d %H:%M} UTC' if fixed else 'now'}"],
    )


@command.command("football", short_help="Say how the football API is to behave, or show it.")
@_behaviour_options
@_dir_option
@click.pass_obj
def football(cli: CliContext, /, local_dir: Path | None, **behaviour: Any) -> None:
    """Say how the football API is to behave, or show it: plan, quotas, latency, a rate for each kind of failure.

    \b
    Of requests: 429, 499, 5xx, 204, timeout, cut (in the middle of the
    body), html (instead of JSON), truncated (JSON), fields (missing ones),
    error (under HTTP 200).
    Of a match's statistics: empty, one-sided, incoherent.

    The same seed spoils the same requests. What was counted of the day's quota is kept until the local AWS stops.
    """
    from footlake.local.daemon import FootballSettings

    cli = _in_directory(cli, local_dir)
    _configure_football(cli, **behaviour)
    current = FootballSettings.read(cli.local_dir).behaviour
    cli.output.print_result(asdict(current), [f"the football API: {current}"])


def _parse_clock(text: str) -> datetime | None:
    if text == "now":
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is not a date such as 2020-09-15.", param_hint="DATE") from None


def _print_status(cli: CliContext) -> None:
    from footlake.local.daemon import FootballSettings, require_running

    local_aws = require_running(cli.local_dir)
    football = FootballSettings.read(cli.local_dir)
    mysql = _mysql_access(cli.connect())
    unsaved = local_aws.save_error()
    result: dict[str, Any] = {
        "endpoint": local_aws.endpoint,
        "football_api": local_aws.football_api,
        "football": cli.football_source,
        "behaviour": str(football.behaviour),
        "clock": football.now().isoformat(),
        "mysql": mysql,
        "pid": local_aws.pid,
        "dir": str(local_aws.dir),
        "unsaved": unsaved or None,
    }
    texts = result | {"mysql": "{user}@{host}:{port}/{database}".format(**mysql) if mysql else "not yet"}
    names = ("endpoint", "football_api", "football", "behaviour", "clock", "mysql", "pid", "dir")
    lines = [f"{name:<14}{texts[name]}" for name in names]
    if unsaved:
        lines.append(f"{'unsaved':<14}its state cannot be saved: {unsaved}")
    cli.output.print_result(result, lines)


def _mysql_access(aws: AwsContext) -> dict[str, Any] | None:
    """Return the address and the credentials of the lake's database, None if it does not exist or is not ready."""
    from footlake.deploy.catalogue import mysql_instance

    instance = mysql_instance(aws.config)
    if not instance.exists(aws):
        return None
    try:
        host, port = instance.address(aws)
    except NotReady:
        return None
    return {
        "host": host,
        "port": port,
        "user": instance.user,
        "password": instance.password.get(aws),
        "database": instance.database,
    }
