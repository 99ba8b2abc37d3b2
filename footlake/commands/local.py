"""local: start, stop and configure the AWS emulator on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.errors import FootlakeCommand, Hint, NotReady

if TYPE_CHECKING:
    from footlake.local.daemon import FootballSettings


def _configure_football(
    cli: CliContext, well: bool, failures: tuple[str, ...], standings: IO[str] | None, **changes: Any
) -> None:
    """Save the options of the local football API. `well` resets all that are not given."""
    from footlake.local.daemon import FootballSettings
    from footlake.local.football.faults import FaultSettings

    changes = {name: value for name, value in changes.items() if value is not None}
    changes |= {"failures": dict(map(_parse_failure, failures))} if failures else {}
    if changes or well or standings:
        football = FootballSettings.read(cli.local_dir)
        behaviour = replace(FaultSettings() if well else football.behaviour, **changes)
        rules = _read_rules(cli, standings, football) if standings else {} if well else football.standings
        replace(football, behaviour=behaviour, standings=rules).write(cli.local_dir)


def _read_rules(cli: CliContext, file: IO[str], football: FootballSettings) -> dict[str, Any]:
    """Return the rules of computed standings as JSON, after a check against the fixtures of the local football API."""
    from footlake.local.football.recordings import Recordings
    from footlake.local.football.simulator import Simulator
    from footlake.local.football.table_rules import check_rules, parse_rules

    folder = Path(cli.config.recordings).expanduser() if cli.config.recordings else football.recordings
    try:
        rules: dict[str, Any] = json.load(file)
        check_rules(parse_rules(rules), Recordings(folder) if folder else Simulator(), football.now())
    except ValueError as error:
        raise click.BadParameter(f"Cannot use {file.name}: {error}.", param_hint="--standings") from None
    return rules


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
            f"Invalid {text!r}: expected a kind of failure and a rate from 0 to 1, such as 5xx=0.1.",
            param_hint="--fail",
        )
    return kind, rate


def start(
    cli: CliContext,
    port: int | None,
    recordings: Path | None,
    simulate: bool,
    **behaviour: Any,
) -> None:
    """Configure and start the local AWS, and print its status."""
    from footlake.local.daemon import FootballSettings

    if recordings and simulate:
        raise click.UsageError("Give either --recordings or --simulate.")
    if simulate and cli.config.recordings:
        raise click.UsageError("The setting recordings (FOOTLAKE_RECORDINGS) overrides --simulate. Remove the setting.")
    if recordings:
        cli = cli.with_overrides(recordings=str(recordings))
    if simulate:
        replace(FootballSettings.read(cli.local_dir), recordings=None).write(cli.local_dir)
    _configure_football(cli, **behaviour)
    cli.start_local(port)
    _print_status(cli)


def stop(cli: CliContext) -> None:
    """Stop the local AWS and print whether it ran."""
    from footlake.local import daemon

    stopped = daemon.stop(cli.local_dir)
    text = (
        f"The local AWS is stopped. Its data is kept in {cli.local_dir}."
        if stopped
        else f"No local AWS runs in {cli.local_dir}."
    )
    cli.output.print_result({"stopped": stopped is not None, "dir": str(cli.local_dir)}, [text])


def status(cli: CliContext) -> None:
    """Print addresses and settings of the local AWS. Raise NotReady if it does not run."""
    from footlake.local import daemon

    daemon.require_running(cli.local_dir)
    _print_status(cli)


def clock(cli: CliContext, date: str | None) -> None:
    """Set the clock of the local football API if `date` is given, and print it."""
    from footlake.local.daemon import FootballSettings

    football = FootballSettings.read(cli.local_dir)
    if date:
        football = replace(football, clock=_parse_clock(date))
        football.write(cli.local_dir)
    fixed = football.clock is not None
    cli.output.print_result(
        {"clock": football.now().isoformat(), "fixed": fixed},
        [f"Clock of the football API: {_describe_clock(football)}."],
    )


def _describe_clock(football: FootballSettings) -> str:
    state = "follows the current time" if football.clock is None else "fixed"
    return f"{football.now():%Y-%m-%d %H:%M} UTC ({state})"


def football(cli: CliContext, **behaviour: Any) -> None:
    """Configure the local football API and print its settings."""
    from footlake.local.daemon import FootballSettings

    _configure_football(cli, **behaviour)
    settings = FootballSettings.read(cli.local_dir)
    cli.output.print_result(
        {**asdict(settings.behaviour), "standings": settings.standings},
        [f"Football API: {_describe_behaviour(settings)}."],
    )


def _describe_behaviour(football: FootballSettings) -> str:
    behaviour = football.behaviour
    limits = {"minute": behaviour.per_minute, "day": behaviour.per_day}
    failures = [f"{kind} at {rate:.0%}" for kind, rate in behaviour.failures.items() if rate]
    parts = [
        f"plan {behaviour.plan}",
        *(f"at most {limit} requests per {unit}" for unit, limit in limits.items() if limit),
        *([f"each response {behaviour.latency:g} s late"] if behaviour.latency else []),
        f"failures: {', '.join(failures)} (seed {behaviour.seed})" if failures else "no failures",
        *([f"standings by the rules of {', '.join(football.standings)}"] if football.standings else []),
    ]
    return ", ".join(parts)


def _parse_clock(text: str) -> datetime | None:
    if text == "now":
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"Invalid {text!r}: expected a date such as 2020-09-15, or now.", param_hint="DATE"
        ) from None


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
    no_database = cli.format_hint(Hint("no database yet; to create it: ", FootlakeCommand("bootstrap")))
    texts = {
        "AWS endpoint": local_aws.endpoint,
        "football API": local_aws.football_api,
        "football data": cli.football_source,
        "behaviour": _describe_behaviour(football),
        "clock": _describe_clock(football),
        "MySQL": "{user}@{host}:{port}/{database}".format(**mysql) if mysql else no_database,
        "process id": local_aws.pid,
        "folder": local_aws.dir,
    }
    if unsaved:
        texts["not saved"] = f"The state of the local AWS cannot be saved: {unsaved}"
    cli.output.print_result(result, [f"{name:<15}{text}" for name, text in texts.items()])


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
