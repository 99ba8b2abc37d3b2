"""local: the AWS on this machine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from footlake.app import App
from footlake.errors import NotReady
from footlake.lake import Lake


@click.group("local")
@click.option("--dir", "local_dir", type=click.Path(path_type=Path), help="Where it keeps everything.")
@click.pass_obj
def command(app: App, local_dir: Path | None) -> None:
    """The AWS on this machine: start, stop, status, clock."""
    _at(app, local_dir)


def _at(app: App, local_dir: Path | None) -> None:
    app.local = True
    if local_dir:
        app.flags["local_dir"] = str(local_dir)


_dir_option = click.option("--dir", "local_dir", type=click.Path(path_type=Path), help="Where it keeps everything.")


@command.command("start")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: the last one, or a free one.")
@_dir_option
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    help="A folder of recorded API-Football answers; kept until --simulate.",
)
@click.option("--simulate", is_flag=True, help="Go back from recordings to the simulated league.")
@click.pass_obj
def start(app: App, port: int | None, local_dir: Path | None, recordings: Path | None, simulate: bool) -> None:
    """Start it, or say where it is."""
    from footlake.local.control import Football

    _at(app, local_dir)
    if recordings and simulate:
        raise click.UsageError("Give either --recordings or --simulate.")
    if recordings:
        app.flags["recordings"] = str(recordings)
    if simulate:
        replace(Football.read(app.local_dir), recordings=None).write(app.local_dir)
    app.start_local(port)
    _show(app)


@command.command("stop")
@_dir_option
@click.pass_obj
def stop(app: App, local_dir: Path | None) -> None:
    """Stop it. Everything in it is kept."""
    from footlake.local import control

    _at(app, local_dir)
    stopped = control.stop(app.local_dir)
    text = f"stopped; kept in {app.local_dir}" if stopped else f"no local AWS runs in {app.local_dir}"
    app.show({"stopped": stopped is not None, "dir": str(app.local_dir)}, [text])


@command.command("status")
@_dir_option
@click.pass_obj
def status(app: App, local_dir: Path | None) -> None:
    """Where it answers. Exit 1 when it does not run."""
    from footlake.local import control

    _at(app, local_dir)
    control.require(app.local_dir)
    _show(app)


@command.command("clock")
@click.argument("date", required=False)
@_dir_option
@click.pass_obj
def clock(app: App, date: str | None, local_dir: Path | None) -> None:
    """Set the football API's clock to DATE (2020-09-15, or 2020-09-15T18:00), or to `now`; without DATE, show it.

    What lies after that time is not played yet. A day means its first moment, UTC.
    """
    from footlake.local.control import Football

    _at(app, local_dir)
    football = Football.read(app.local_dir)
    if date:
        football = replace(football, clock=_moment(date))
        football.write(app.local_dir)
    fixed = football.clock is not None
    app.show(
        {"clock": football.now().isoformat(), "fixed": fixed},
        [f"the football API's clock: {f'{football.now():%Y-%m-%d %H:%M} UTC' if fixed else 'now'}"],
    )


def _moment(text: str) -> datetime | None:
    if text == "now":
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text!r} is not a date such as 2020-09-15.", param_hint="DATE") from None


def _show(app: App) -> None:
    from footlake.local.control import Football, require

    aws = require(app.local_dir)
    football = Football.read(app.local_dir)
    mysql = _mysql(app.lake())
    result: dict[str, Any] = {
        "endpoint": aws.endpoint,
        "football_api": aws.football_api,
        "football": app.football,
        "clock": football.now().isoformat(),
        "mysql": mysql,
        "pid": aws.pid,
        "dir": str(aws.dir),
    }
    lines = [f"{name:<14}{result[name]}" for name in ("endpoint", "football_api", "football", "clock", "pid", "dir")]
    lines.insert(4, f"{'mysql':<14}{'not yet' if mysql is None else '{user}@{host}:{port}/{database}'.format(**mysql)}")
    app.show(result, lines)


def _mysql(lake: Lake) -> dict[str, Any] | None:
    from footlake.catalogue import mysql

    instance = mysql(lake.config)
    if not instance.exists(lake):
        return None
    try:
        host, port = instance.address(lake)
    except NotReady:
        return None
    return {
        "host": host,
        "port": port,
        "user": instance.user,
        "password": instance.password.get(lake),
        "database": instance.database,
    }
