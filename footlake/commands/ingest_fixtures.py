"""ingest-fixtures: etlGetFixtures, for a week or for whole seasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import click

from footlake.app import App
from footlake.commands.options import Asked, asked, day_option, league_option, seasons_option
from footlake.errors import FootlakeError
from footlake.lake import Lake
from footlake.steps import invoke


@dataclass(frozen=True)
class Fetched:
    """One season, or one week of it."""

    league: int
    season: int
    key: str
    fixtures: int
    played: int
    changed: int
    broken: list[str]


@dataclass(frozen=True)
class IngestedFixtures:
    """What ingest-fixtures brought; `requests` to the football API."""

    seasons: list[Fetched]
    requests: int


def ingest_fixtures(lake: Lake, wanted: Asked) -> IngestedFixtures:
    """Ask for each season or week. FootlakeError for a season that the API does not know."""
    done: list[Fetched] = []
    requests = 0
    for season, window in wanted:
        days = {"first": str(window.first), "last": str(window.last)} if window else {}
        answer = invoke(lake, "etlGetFixtures", {"league": season.league, "season": season.year, **days})
        requests += answer["requests"]
        for one in answer["seasons"]:
            if window is None and one["fixtures"] == 0:
                raise FootlakeError(
                    f"API-Football has no fixtures of league {season.league} in season {season.year}.",
                    "Check --league and --season: a season is named by the year in which it begins.",
                )
            done.append(Fetched(season.league, season.year, **one))
    return IngestedFixtures(done, requests)


def line(one: Fetched) -> str:
    """One season for people."""
    if one.fixtures == 0:
        return f"league {one.league} season {one.season}: no fixtures in these weeks (FOOTLAKE_SEASON is the season)"
    broken = f"; {len(one.broken)} not understood: {one.broken[0]}" if one.broken else ""
    return (
        f"league {one.league} season {one.season}: {one.fixtures} fixtures, {one.played} played; "
        f"{one.changed} objects changed{broken}"
    )


@click.command("ingest-fixtures")
@day_option
@seasons_option
@league_option
@click.pass_obj
def command(app: App, day: date | None, seasons: tuple[int, ...], leagues: tuple[int, ...]) -> None:
    """Fetch fixtures into the lake: the week of --date (default today), or whole seasons."""
    wanted = asked(leagues or app.config.leagues, app.config.season, day, seasons)
    done = ingest_fixtures(app.lake(), wanted)
    app.show(done, map(line, done.seasons), football=True)
