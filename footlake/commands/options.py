"""Options and parameter types that several commands share, and the seasons that they select."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

if TYPE_CHECKING:
    from footlake.lake.s3_keys import Season, Window

SeasonSelection: TypeAlias = "Sequence[tuple[Season, Window | None]]"
"""Seasons to fetch: the whole season, or the window of days in it."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

F = TypeVar("F", bound=Callable[..., Any])


class Day(click.ParamType[date]):
    """A day such as 2020-09-15."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = datetime.strptime(value, "%Y-%m-%d").date()
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2020-09-15.", param, ctx)
        if not 1800 <= day.year <= 2200:
            self.fail(f"{value!r} is not a year from 1800 to 2200.", param, ctx)
        return day


class Since(click.ParamType[datetime]):
    """A time ago such as 90s, 15m, 2h, 3d or 1w, or a time such as 2020-09-15T18:00 (UTC).

    With `past`, a time in the future is refused.
    """

    name = "time"

    def __init__(self, past: bool = False) -> None:
        self.past = past

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        now = datetime.now(UTC)
        try:
            if ago := re.fullmatch(r"(\d+)([smhdw])", value):
                return now - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a duration such as 15m, 2h or 3d nor a time such as 2020-09-15.", param, ctx
            )
        if self.past and moment > now:
            self.fail(f"{value!r} is in the future. It is now {now:%Y-%m-%d %H:%M} UTC.", param, ctx)
        return moment


class NewFile(click.Path):
    """A file to write. Click's own type would accept `-` as standard output."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value) == "-":
            self.fail("'-' (standard output) is not supported. Give a file name.", param, ctx)
        return super().convert(value, param, ctx)


def write_file(path: Path, text: str) -> None:
    """Write a file that the user named, and create its folder. Raise FootlakeError if that fails."""
    from footlake.errors import FootlakeError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FootlakeError(f"Cannot write {path}: {error.strerror}.", "Choose another path.") from None


def today() -> date:
    """Return the current date in UTC."""
    return datetime.now(UTC).date()


def all_option(command: F) -> F:
    """Add `--all`, which lists every resource instead of a summary."""
    return click.option("--all", "list_all", is_flag=True, help="List every resource instead of a summary.")(command)


def league_option(command: F) -> F:
    """Add `--league`, which may be repeated."""
    return click.option(
        "--league",
        "leagues",
        type=click.IntRange(1),
        metavar="ID",
        multiple=True,
        help="League ID of API-Football. Can be repeated.",
    )(command)


def day_option(command: F) -> F:
    """Add `--date`, the day of the weekly run."""
    return click.option(
        "--date",
        "day",
        type=Day(),
        help="Day of the weekly run; it covers the 7 days before and the 7 days from this day.  [default: today]",
    )(command)


def seasons_option(command: F) -> F:
    """Add `--season`, which selects whole seasons and may be repeated."""
    return click.option(
        "--season",
        "seasons",
        type=click.IntRange(1800, 2200),
        metavar="YEAR",
        multiple=True,
        help="Whole season, given as the year in which it begins. Can be repeated.",
    )(command)


def max_requests_option(command: F) -> F:
    """Add `--max-requests`, a limit for the requests to API-Football."""
    return click.option(
        "--max-requests",
        type=click.IntRange(1),
        metavar="N",
        help="Stop after N requests to API-Football (exit code 3). Run the command again to continue.",
    )(command)


def select_seasons(
    leagues: tuple[int, ...], default_seasons: tuple[int, ...], day: date | None, seasons: tuple[int, ...]
) -> SeasonSelection:
    """Return the whole seasons if any are given, else the week of `day` (default: today) in the default seasons.

    The week is fetched for each default season that can have matches in it, or for the latest one if none can.
    Raise UsageError if both a day and seasons are given.
    """
    from footlake.lake.s3_keys import Season, Window

    if seasons and day:
        raise click.UsageError("Use either --date (one week) or --season (whole seasons), not both.")
    if seasons:
        return [(Season(league, year), None) for league in leagues for year in seasons]
    window = Window.of_week(day or today())
    years = [year for year in default_seasons if window.touches(year)] or [max(default_seasons)]
    return [(Season(league, year), window) for league in leagues for year in years]
