"""record: save answers of the football API in a folder, from which the local AWS can replay them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from footlake.aws_jobs import api_hint, format_count, quota_exceeded, season_unknown
from footlake.cli_context import CliContext
from footlake.errors import FootlakeError, NotReady, StepFailed
from footlake.football.api import (
    ApiError,
    BadParameter,
    BudgetSpent,
    FootballApi,
    PlanRefused,
    QuotaSpent,
    Unavailable,
)
from footlake.football.batching import BatchFetcher, FixtureResponse
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.lake.s3_keys import Season


@dataclass(frozen=True)
class RecordedSeason:
    """One season: the number of fixtures, and of those whose statistics are recorded."""

    league: int
    season: int
    fixtures: int
    statistics: int
    folder: str


def record(
    api: FootballApi, folder: Path, season: Season, on_progress: Callable[[str], None] = lambda line: None
) -> RecordedSeason:
    """Record a season's fixtures and standings, and the statistics that the folder does not have yet.

    The statistics are one mapping from fixture ids to `/fixtures/statistics` answers. The fixtures as of today are
    also kept in `snapshots`, as they show which dates were known at which time.

    Raise QuotaExceeded if the requests are used up, StepFailed if the API refuses, FootlakeError if the folder cannot
    be used.
    """
    try:
        (folder / "snapshots").mkdir(parents=True, exist_ok=True)
        fixtures = _record_fixtures(api, folder, season)
        _record_standings(api, folder, season, on_progress)
        recorded = _record_statistics(api, folder / f"statistics-{season}.json", season, fixtures, on_progress)
    except QuotaSpent as error:
        stopped = "BudgetSpent" if isinstance(error, BudgetSpent) else "QuotaSpent"
        raise quota_exceeded(stopped, f"league {season.league} season {season.year} is not complete yet") from None
    except ApiError as error:
        raise StepFailed(str(error), api_hint(error)) from None
    except OSError as error:
        raise FootlakeError(f"Cannot use the folder {folder}: {error.strerror}.", "Choose another folder.") from None
    return RecordedSeason(season.league, season.year, len(fixtures), recorded, str(folder))


def _record_fixtures(api: FootballApi, folder: Path, season: Season) -> list[Fixture]:
    answer = api.fixtures(league=season.league, season=season.year)
    fixtures, _ = parse_fixtures(answer["response"])
    if not fixtures:
        raise season_unknown(season)
    _write_json(folder / f"fixtures-{season}.json", answer)
    _write_json(folder / "snapshots" / f"fixtures-{season}-asof-{api.now():%Y-%m-%d}.json", answer)
    return fixtures


def _record_standings(api: FootballApi, folder: Path, season: Season, on_progress: Callable[[str], None]) -> None:
    """Record the official tables, also as of today. Without them, the local API computes tables."""
    try:
        answer = api.standings(season.league, season.year)
    except (PlanRefused, BadParameter, Unavailable) as error:
        on_progress(f"league {season.league} season {season.year}: no standings: {error}")
        return
    _write_json(folder / f"standings-{season}.json", answer)
    _write_json(folder / "snapshots" / f"standings-{season}-asof-{api.now():%Y-%m-%d}.json", answer)


def _record_statistics(
    api: FootballApi, path: Path, season: Season, fixtures: list[Fixture], on_progress: Callable[[str], None]
) -> int:
    """Fetch the statistics that the file lacks. Return how many fixtures the file has then."""
    recorded = _read_recording(path)
    left = [one for one in fixtures if one.played and not recorded.get(str(one.id), {}).get("response")]
    fetcher = BatchFetcher(api)
    while left:
        batch = fetcher.next_batch(left)
        try:
            answers = fetcher.fetch(batch)
        except BadParameter as error:
            on_progress(f"league {season.league} season {season.year}: skipped fixture {batch[0].id}: {error}")
            left = left[1:]
            continue
        if answers is None:
            continue
        recorded |= {
            str(fixture_id): _statistics_answer(fixture_id, answer)
            for fixture_id, answer in answers.items()
            if isinstance(answer.items, list)
        }
        _write_json(path, recorded)  # after each batch, so that an interruption loses no request
        left = left[len(batch) :]
        on_progress(
            f"league {season.league} season {season.year}: statistics of {len(recorded)} of"
            f" {format_count(len(recorded) + len(left), 'played fixture')}"
        )
    return len(recorded)


def _statistics_answer(fixture_id: int, answer: FixtureResponse) -> dict[str, Any]:
    """Return the `/fixtures/statistics` answer; build it if the statistics came with their fixture."""
    if answer.items is answer.envelope["response"]:
        return answer.envelope
    return {
        "get": "fixtures/statistics",
        "parameters": {"fixture": str(fixture_id)},
        "errors": [],
        "results": len(answer.items),
        "paging": {"current": 1, "total": 1},
        "response": answer.items,
    }


def _read_recording(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        recorded = json.loads(path.read_bytes())
        if isinstance(recorded, dict) and all(isinstance(answer, dict) for answer in recorded.values()):
            return recorded
    except ValueError:
        pass
    raise FootlakeError(
        f"{path} is not a recording of statistics.", "Move or delete this file, then run the same command again."
    )


def _write_json(path: Path, document: Any) -> None:
    """Replace the file at once, so that an interruption leaves the old one."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=1), encoding="utf-8")
    partial.replace(path)


def run(
    cli: CliContext, folder: Path, seasons: tuple[int, ...], leagues: tuple[int, ...], max_requests: int | None
) -> None:
    """Record the seasons into the folder and print the result."""
    settings = cli.football_settings()
    if not settings.api_key:
        raise NotReady("FOOTLAKE_API_KEY is not set.", "Get a key at api-football.com and set FOOTLAKE_API_KEY to it.")
    api = FootballApi(settings.api_url, settings.api_key, budget=max_requests)
    recorded = [
        record(api, folder, Season(league, year), cli.output.notify)
        for league in leagues or settings.leagues
        for year in seasons or settings.seasons
    ]
    cli.output.print_result(
        {"seasons": [asdict(season) for season in recorded], "requests": api.requests_made},
        [
            f"league {season.league} season {season.season}: {format_count(season.fixtures, 'fixture')} and the"
            f" statistics of {season.statistics} recorded in {folder}"
            for season in recorded
        ],
    )
