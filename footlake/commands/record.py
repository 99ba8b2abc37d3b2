"""record: what the football API answers, as a recording that the local AWS replays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from footlake.aws_jobs import api_hint, quota_exceeded, season_unknown
from footlake.cli_context import CliContext
from footlake.commands.options import league_option, max_requests_option
from footlake.errors import FootlakeError, NotReady, StepFailed
from footlake.football.api import ApiError, BadParameter, BudgetSpent, FootballApi, QuotaSpent
from footlake.football.batching import BatchFetcher, FixtureResponse
from footlake.football.fixtures import parse_fixtures
from footlake.lake.s3_keys import Season


@dataclass(frozen=True)
class Recorded:
    """One season: how many fixtures, and how many of them have their statistics recorded."""

    league: int
    season: int
    fixtures: int
    statistics: int
    folder: str


def record(api: FootballApi, folder: Path, season: Season, tell: Callable[[str], None] = lambda line: None) -> Recorded:
    """Record a season's fixtures and the statistics that the folder lacks. QuotaExceeded when the quota is spent.

    The statistics are one mapping, from fixture ids to `/fixtures/statistics` answers. Once the season is under way,
    its fixtures as of today are kept among the snapshots, too: they tell which dates were known when.
    """
    try:
        return _record(api, folder, season, tell)
    except QuotaSpent as error:
        spent = "BudgetSpent" if isinstance(error, BudgetSpent) else "QuotaSpent"
        raise quota_exceeded(spent, f"season {season} is not recorded whole") from None
    except ApiError as error:
        raise StepFailed(str(error), api_hint(error)) from None
    except OSError as error:
        raise FootlakeError(f"Cannot use the folder {folder}: {error.strerror}.", "Choose another folder.") from None


def _record(api: FootballApi, folder: Path, season: Season, tell: Callable[[str], None]) -> Recorded:
    (folder / "snapshots").mkdir(parents=True, exist_ok=True)
    answer = api.fixtures(league=season.league, season=season.year)
    fixtures, _ = parse_fixtures(answer["response"])
    if not fixtures:
        raise season_unknown(season)
    _write(folder / f"fixtures-{season}.json", answer)
    _write(folder / "snapshots" / f"fixtures-{season}-asof-{api.now():%Y-%m-%d}.json", answer)
    path = folder / f"statistics-{season}.json"
    known = _read(path)
    left = [fixture for fixture in fixtures if fixture.played and not known.get(str(fixture.id), {}).get("response")]
    questions = BatchFetcher(api)
    while left:
        batch = questions.next_batch(left)
        try:
            answers = questions.fetch(batch)
        except BadParameter as error:
            tell(f"{season}: fixture {batch[0].id} is left out: {error}")
            left = left[1:]
            continue
        if answers is None:
            continue
        known |= {str(id): _alone(id, answer) for id, answer in answers.items() if isinstance(answer.items, list)}
        _write(path, known)  # at once: what was paid for is kept, however this ends
        left = left[len(batch) :]
        tell(f"{season}: {len(known)} of {len(known) + len(left)} statistics")
    return Recorded(season.league, season.year, len(fixtures), len(known), str(folder))


def _alone(id: int, answer: FixtureResponse) -> dict[str, Any]:
    """The `/fixtures/statistics` answer; statistics that came with their fixture are put into that form."""
    if answer.items is answer.envelope["response"]:
        return answer.envelope
    return {
        "get": "fixtures/statistics",
        "parameters": {"fixture": str(id)},
        "errors": [],
        "results": len(answer.items),
        "paging": {"current": 1, "total": 1},
        "response": answer.items,
    }


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text())
        if isinstance(known, dict) and all(isinstance(answer, dict) for answer in known.values()):
            return known
    except ValueError:
        pass
    raise FootlakeError(f"{path} is not a recording.", "Move it away: it is recorded again.")


def _write(path: Path, answer: Any) -> None:
    """Replace the file whole, so that an interruption leaves the old one."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(answer, indent=1))
    partial.replace(path)


@click.command("record")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--season",
    "seasons",
    type=click.IntRange(1800, 2200),
    metavar="YEAR",
    multiple=True,
    help="By the year in which it begins; repeatable. Default: the setting.",
)
@league_option
@max_requests_option
@click.pass_obj
def command(
    cli: CliContext, folder: Path, seasons: tuple[int, ...], leagues: tuple[int, ...], max_requests: int | None
) -> None:
    """Record seasons from API-Football into FOLDER, for `footlake local start --recordings FOLDER`.

    Recorded are the answers alone: neither your key nor anything else of what was sent is in them. Needs no AWS. Run
    it again to go on after a quota, or later in the season: what is recorded is not asked for again.
    """
    settings = cli.football_settings()
    if not settings.api_key:
        raise NotReady("There is no key for API-Football yet.", "Get one and set FOOTLAKE_API_KEY.")
    api = FootballApi(settings.api_url, settings.api_key, budget=max_requests)
    done = [
        record(api, folder, Season(league, year), cli.notify)
        for league in leagues or settings.leagues
        for year in seasons or settings.seasons
    ]
    cli.print_result(
        {"seasons": [vars(one) for one in done], "requests": api.requests_made},
        [
            f"league {one.league} season {one.season}: {one.fixtures} fixtures, {one.statistics} statistics in {folder}"
            for one in done
        ],
    )
