"""etlGetFixtures: request fixtures, store the response, and put each fixture's row into its part."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from functools import partial
from typing import Any

from footlake.football.api import FootballApi, OutOfTime, QuotaSpent, Unavailable, UnexpectedBody
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.statuses import WITHOUT_RESULT_YET
from footlake.handlers import environment
from footlake.handlers.log_lines import fixtures_line
from footlake.handlers.pending_queue import PendingQueue
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season, Window
from footlake.lake.store import Busy, LakeStore, parallel_map
from footlake.lake.tables import append_new_teams, merge_rows

# Longer than the function may run: an older lease belongs to an invocation that ended.
LEASE_SECONDS = 15.0
MAX_REQUESTS = 3


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch the fixtures that the event names.

    The event is `{"league", "season"}` with optional `"first"` and `"last"` (ISO dates) and `"max_requests"` (the
    statistics then do not follow automatically, as they would take more requests); or a scheduled event with its
    `"time"`, which means the week's window of each season in the settings; or `{"left": true}`, which continues what
    earlier scheduled events could not finish. Returns one entry per season, see `fetch_fixtures`, and the number of
    requests.
    """
    store = environment.lake_store()
    api = environment.football_api(context, event.get("max_requests"))
    if "league" in event:
        season = Season(int(event["league"]), int(event["season"]))
        window = Window(*(date.fromisoformat(event[day]) for day in ("first", "last"))) if "first" in event else None
        seasons = [_fetch_and_log(store, api, season, window)]
    else:
        seasons = _fetch_scheduled(PendingQueue(store, "etlGetFixtures"), event, store, api)
    return {"seasons": seasons, "requests": api.requests_made}


def _fetch_scheduled(
    queue: PendingQueue, event: dict[str, Any], store: LakeStore, api: FootballApi
) -> list[dict[str, Any]]:
    if "time" in event:
        windows = environment.weekly_windows(datetime.fromisoformat(event["time"]).date())
        files = [s3_keys.raw_fixtures(season, window) for season, window in windows]
        for file in files:
            queue.add(file)
    else:
        files = queue.due()

    def fetch_file(file: str) -> dict[str, Any]:
        parsed = s3_keys.parse_raw_fixtures(file)
        if parsed is None:
            return {"key": file, "stopped": "", "progress": 0}
        return _fetch_and_log(store, api, *parsed)

    return queue.process(files, fetch_file)


def _fetch_and_log(store: LakeStore, api: FootballApi, season: Season, window: Window | None) -> dict[str, Any]:
    result = fetch_fixtures(store, api, season, window)
    print(fixtures_line(result))
    return result


def fetch_fixtures(store: LakeStore, api: FootballApi, season: Season, window: Window | None) -> dict[str, Any]:
    """Request the fixtures of a season, or of a window of it, and store them, while holding the season's lease.

    The request begins before the window if an earlier match has no result yet, because no run saw its end. The raw
    response is written even if it has not changed: its time is that of the last request, and its arrival starts the
    ingestion of statistics.

    Returns the number of `fixtures`, of `played` ones and of `changed` objects; `broken`, an error for each item that
    could not be parsed; `missing`, the lake's fixtures that a response with the whole season does not have; and
    `stopped`, the name of the exception if nothing was fetched, with its `reason` and the `pause` to make (seconds).
    """
    key = s3_keys.raw_fixtures(season, window)
    result: dict[str, Any] = {"key": key, "fixtures": 0, "played": 0, "changed": 0, "broken": [], "stopped": ""}
    try:
        with store.lease(s3_keys.season_lease("fixtures", season), LEASE_SECONDS):
            rows = _read_fixture_rows(store, season)
            requested = window and window._replace(first=_first_day_without_result(rows.values(), window))
            response, fixtures, broken = _request_fixtures(api, season, requested)
            lost = _find_lost_fixtures(store, season, rows) if window else []
            changed = store_fixtures(store, [*lost, *fixtures])
            if fixtures or window:  # nothing is stored for a season that the API does not have
                metadata = {} if api.budget is None else {s3_keys.NO_FOLLOW_UP: "yes"}
                store.overwrite(key, json.dumps(response), **metadata)
    except (Busy, QuotaSpent, OutOfTime, Unavailable) as error:
        pause = getattr(error, "pause", 0.0)
        return result | {"stopped": type(error).__name__, "reason": str(error), "pause": pause, "progress": 0}
    complete = fixtures and not window
    return result | {
        "fixtures": len(fixtures),
        "played": sum(fixture.played for fixture in fixtures),
        "changed": changed,
        "broken": broken,
        "missing": sorted(rows.keys() - {fixture.id for fixture in fixtures}) if complete else [],
        "progress": 1,
    }


def _read_fixture_rows(store: LakeStore, season: Season) -> dict[int, dict[str, str]]:
    """Return the rows of the lake's fixtures of a season, by id."""
    keys = [key for key in store.list_objects(f"{s3_keys.FIXTURES}{season}-") if s3_keys.parse_fixtures(key)]
    tables = parallel_map(lambda key: store.get_rows(key, "idFixture", "status", "date"), keys)
    return {int(row["idFixture"]): row for table in tables for row in table}


def _find_lost_fixtures(store: LakeStore, season: Season, stored_ids: Collection[int]) -> list[Fixture]:
    """Return the fixtures of the last response with the whole season whose rows the lake does not have."""
    text = store.get(s3_keys.raw_fixtures(season))
    fixtures, _ = parse_fixtures(json.loads(text)["response"] if text else ())
    return [fixture for fixture in fixtures if fixture.id not in stored_ids]


def _first_day_without_result(rows: Iterable[dict[str, str]], window: Window) -> date:
    """Return the first day of the window, or that of an earlier match whose stored status is not final."""
    days = (row["date"] for row in rows if row["status"] in WITHOUT_RESULT_YET)
    return min([window.first, *map(date.fromisoformat, days)])


def _request_fixtures(
    api: FootballApi, season: Season, window: Window | None
) -> tuple[dict[str, Any], list[Fixture], list[str]]:
    """Return the API's response, its fixtures, and an error for each item that could not be parsed.

    A response with such items is requested again. Raises UnexpectedBody if no item of a season can be parsed.
    """
    parameters: dict[str, str | int] = {"league": season.league, "season": season.year}
    if window:
        parameters |= {"from": str(window.first), "to": str(window.last)}
    for attempt in range(MAX_REQUESTS):
        response = api.fixtures(**parameters)
        fixtures, broken = parse_fixtures(response["response"])
        if not broken or ((fixtures or window) and attempt + 1 == MAX_REQUESTS):
            return response, fixtures, broken
    raise UnexpectedBody(broken[0])


def store_fixtures(store: LakeStore, fixtures: list[Fixture]) -> int:
    """Put the rows of fixtures, and their teams, into the processed data. Return the number of changed objects."""
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    for fixture in fixtures:
        parts[s3_keys.part_of(fixture.season, fixture.id)].append(fixture.row)

    def merge(part: str) -> bool:
        return store.update(s3_keys.fixtures(part), partial(merge_rows, schemas.FIXTURE_COLUMNS, parts[part]))

    changed = sum(parallel_map(merge, parts))
    teams = {team.id: team.name for fixture in fixtures for team in (fixture.home, fixture.away)}
    if teams:
        changed += store.update(s3_keys.TEAMCODES, lambda text: append_new_teams(text, teams))
    return changed
