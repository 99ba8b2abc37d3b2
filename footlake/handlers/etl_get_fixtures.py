"""etlGetFixtures: ask for fixtures, keep the answer, and put each fixture's row into its part."""

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
from footlake.football.tables import append_new_teams, merge_rows
from footlake.handlers import environment
from footlake.handlers.pending_queue import PendingQueue
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season, Window
from footlake.lake.store import Busy, LakeStore, parallel_map

# Longer than the function may run: a lease older than this belongs to an invocation that is gone.
LEASE_SECONDS = 15.0
ATTEMPTS = 3


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch what the event asks for.

    `{"league", "season"}` is a whole season, with `"first"` and `"last"` (dates) the days between them; with
    `"max_requests"` nothing follows the fixtures by itself, as that would make more. A scheduled event, which has a
    `"time"`, is its week in every league and season of the settings, and `{"left": true}` what earlier scheduled
    events left undone. Returns one entry per season asked for; its `stopped` tells why it was not fetched.
    """
    store = environment.lake_store()
    api = environment.football_api(context, event.get("max_requests"))
    if "league" in event:
        season = Season(int(event["league"]), int(event["season"]))
        days = Window(*(date.fromisoformat(event[day]) for day in ("first", "last"))) if "first" in event else None
        done = [fetch_fixtures(store, api, season, days)]
    else:
        done = _by_agenda(PendingQueue(store, "etlGetFixtures"), event, store, api)
    return {"seasons": done, "requests": api.requests_made}


def _by_agenda(agenda: PendingQueue, event: dict[str, Any], store: LakeStore, api: FootballApi) -> list[dict[str, Any]]:
    if "time" in event:
        wanted = environment.weekly_windows(datetime.fromisoformat(event["time"]).date())
        files = [s3_keys.raw_fixtures(season, window) for season, window in wanted]
        for file in files:
            agenda.add(file)
    else:
        files = agenda.due()

    def work(file: str) -> dict[str, Any]:
        parsed = s3_keys.parse_raw_fixtures(file)
        if parsed is None:
            return {"key": file, "stopped": "", "progress": 0}
        return fetch_fixtures(store, api, *parsed)

    return agenda.process(files, work)


def fetch_fixtures(store: LakeStore, api: FootballApi, season: Season, window: Window | None) -> dict[str, Any]:
    """Ask for a season, or a window of it, and keep what comes. Two invocations never do so side by side.

    A window begins earlier where a match before it has no result yet: nobody asked when it was over. `missing` are the
    fixtures of the lake that an answer with the whole season does not have (any more).

    The raw answer is written even if it is the same as the last one: its time is when the API was last asked, and
    its arrival lets the statistics follow.
    """
    key = s3_keys.raw_fixtures(season, window)
    done: dict[str, Any] = {"key": key, "fixtures": 0, "played": 0, "changed": 0, "broken": [], "stopped": ""}
    try:
        with store.lease(s3_keys.season_lease("fixtures", season), LEASE_SECONDS):
            known = _known(store, season)
            asked = window and window._replace(first=_first_open(known.values(), window))
            answer, fixtures, broken = _ask(api, season, asked)
            changed = store_fixtures(store, [*_lost(store, season, known), *fixtures] if window else fixtures)
            if fixtures or window:  # a season that the API does not know leaves nothing behind
                store.overwrite(
                    key, json.dumps(answer), **({} if api.budget is None else {s3_keys.NO_FOLLOW_UP: "yes"})
                )
    except (Busy, QuotaSpent, OutOfTime, Unavailable) as error:
        pause = getattr(error, "pause", 0.0)
        return done | {"stopped": type(error).__name__, "reason": str(error), "pause": pause, "progress": 0}
    played = sum(fixture.played for fixture in fixtures)
    missing = sorted(known.keys() - {fixture.id for fixture in fixtures}) if fixtures and not window else []
    return done | {
        "fixtures": len(fixtures),
        "played": played,
        "changed": changed,
        "broken": broken,
        "missing": missing,
        "progress": 1,
    }


def _known(store: LakeStore, season: Season) -> dict[int, dict[str, str]]:
    """The rows of the lake's fixtures of a season, by id."""
    keys = [key for key in store.list_objects(f"{s3_keys.FIXTURES}{season}-") if s3_keys.parse_fixtures(key)]
    tables = parallel_map(lambda key: store.get_rows(key, "idFixture", "status", "date"), keys)
    return {int(row["idFixture"]): row for table in tables for row in table}


def _lost(store: LakeStore, season: Season, known: Collection[int]) -> list[Fixture]:
    """The fixtures of which the rows are gone, as the last answer with the whole season had them, if there was one."""
    text = store.get(s3_keys.raw_fixtures(season))
    fixtures, _ = parse_fixtures(json.loads(text)["response"] if text else ())
    return [fixture for fixture in fixtures if fixture.id not in known]


def _first_open(rows: Iterable[dict[str, str]], window: Window) -> date:
    """The first day of the window, or that of the first match before it that was under way when it was last seen."""
    open = (row["date"] for row in rows if row["status"] in WITHOUT_RESULT_YET)
    return min([window.first, *map(date.fromisoformat, open)])


def _ask(api: FootballApi, season: Season, window: Window | None) -> tuple[dict[str, Any], list[Fixture], list[str]]:
    """The answer, its fixtures, and a sentence for each that was not understood, once more if there are some."""
    parameters: dict[str, str | int] = {"league": season.league, "season": season.year}
    if window:
        parameters |= {"from": str(window.first), "to": str(window.last)}
    for attempt in range(ATTEMPTS):
        answer = api.fixtures(**parameters)
        fixtures, broken = parse_fixtures(answer["response"])
        if not broken or ((fixtures or window) and attempt + 1 == ATTEMPTS):
            return answer, fixtures, broken
    raise UnexpectedBody(broken[0])


def store_fixtures(store: LakeStore, fixtures: list[Fixture]) -> int:
    """Put the rows of these fixtures, and teams not known so far, into the processed data. How many objects changed."""
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    for fixture in fixtures:
        parts[s3_keys.part_of(fixture.season, fixture.id)].append(fixture.row)

    def merge(part: str) -> bool:
        return store.update(s3_keys.fixtures(part), partial(merge_rows, schemas.FIXTURE_COLUMNS, parts[part]))

    changed = sum(parallel_map(merge, parts))
    teams = [team for fixture in fixtures for team in (fixture.home, fixture.away)]
    if teams:
        changed += store.update(s3_keys.TEAMCODES, lambda text: append_new_teams(text, teams))
    return changed
