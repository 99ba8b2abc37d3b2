"""etlGetFixtures: request a season's fixtures and standings, store them, and put each fixture's row into its part."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from footlake.football.api import FootballApi, OutOfTime, QuotaSpent, Unavailable, UnexpectedBody
from footlake.football.fixtures import Fixture, find_item_id, is_undecided, parse_fixtures
from footlake.football.names import decode_name, newest_names
from footlake.football.season_fixtures import parse_season_fixtures
from footlake.football.statuses import status_texts
from footlake.handlers import environment
from footlake.handlers.log_lines import fixtures_line, idle_line
from footlake.handlers.pending_queue import PendingQueue
from footlake.handlers.season_response import find_withdrawn, read_items, request_season
from footlake.handlers.season_tables import SeasonState, update_tables
from footlake.handlers.withdrawal import withdraw_fixtures
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season, Window
from footlake.lake.store import Busy, LakeStore, parallel_map
from footlake.lake.tables import append_new_teams, merge_rows

# Longer than the function may run: an older lease belongs to an invocation that ended.
LEASE_SECONDS = 35.0
# For the tables and objects of a season with 1,100 fixtures, at the speed of a function with 256 MB.
RESERVE_SECONDS = 10.0
# In a larger lake only the seasons requested last are compared for names of clubs: each takes Lambda 0.1 seconds.
MOST_SEASONS_COMPARED = 40
_FINISHED = frozenset((*status_texts("played"), *status_texts("awarded")))

FixtureRows = dict[int, dict[str, str]]
"""Rows of the lake's fixtures of a season, by id."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch the fixtures that the event names.

    The event is `{"league", "season"}` with optional `"first"` and `"last"` (ISO dates) and `"max_requests"` (the
    statistics then do not follow automatically, as they would take more requests); or a scheduled event with its
    `"time"`, which means the week's window of each season in the settings; or `{"left": true}`, which continues what
    earlier scheduled events could not finish. Returns one entry per season, see `fetch_fixtures`, and the number of
    requests.
    """
    store = environment.lake_store()
    api = environment.football_api(context, event.get("max_requests"), RESERVE_SECONDS)
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
    if not files:
        print(idle_line(event))

    def fetch_file(file: str) -> dict[str, Any]:
        parsed = s3_keys.parse_raw_fixtures(file)
        if parsed is None:
            return {"key": file, "stopped": "", "progress": 0}
        result = _fetch_and_log(store, api, *parsed)
        if result["standings_stopped"] and not result["stopped"]:  # the entry stays until there are standings
            return result | {"stopped": result["standings_stopped"], "progress": 0}
        return result

    return queue.process(files, fetch_file)


def _fetch_and_log(store: LakeStore, api: FootballApi, season: Season, window: Window | None) -> dict[str, Any]:
    result = fetch_fixtures(store, api, season, window)
    print(fixtures_line(result))
    return result


def fetch_fixtures(store: LakeStore, api: FootballApi, season: Season, window: Window | None) -> dict[str, Any]:
    """Request the fixtures and the standings of a season and store them, while holding the season's lease.

    With a window, the response with the whole season is stored as well, but only the window's fixtures are followed by
    statistics: those of its days, and earlier ones that the lake has without a result, because no run saw their end.
    The raw responses are written even if they have not changed: their time is that of the last request, and their
    arrival starts the ingestion of statistics.

    Returns the number of `fixtures` (of the window, if any), of `played` ones, of `undecided` ones whose teams are not
    known yet, and of `changed` objects; how many finished matches before the window were `caught_up`, and the day of
    the first of them, `caught_up_since`; `broken`, an error for each item that could not be parsed; `missing`, the
    lake's fixtures that the response does not have, and which of them are `withdrawn`; `unknown_statuses` with the
    number of their fixtures; the results of `update_tables`; and `stopped`, the name of the exception if nothing was
    fetched, with its `reason` and the `pause` to make (seconds).
    """
    key = s3_keys.raw_fixtures(season, window)
    result = _NO_RESULT | {"key": key, "broken": [], "missing": [], "withdrawn": []}
    try:
        with store.lease(s3_keys.season_lease("fixtures", season), LEASE_SECONDS):
            return result | _fetch_season(store, api, season, window)
    except (Busy, QuotaSpent, OutOfTime, Unavailable) as error:
        pause = getattr(error, "pause", 0.0)
        return result | {"stopped": type(error).__name__, "reason": str(error), "pause": pause, "progress": 0}


_NO_RESULT = {
    **dict.fromkeys(("fixtures", "played", "undecided", "changed", "tables", "tables_changed", "caught_up"), 0),
    **{"official": False, "unreconciled": [], "duplicates": [], "standings_problem": "", "unknown_statuses": {}},
    **{"stopped": "", "standings_stopped": "", "pause": 0.0, "caught_up_since": ""},
}


def _fetch_season(store: LakeStore, api: FootballApi, season: Season, window: Window | None) -> dict[str, Any]:
    rows = _read_fixture_rows(store, season)
    previous_items = read_items(store.get(s3_keys.raw_fixtures(season)))
    request = partial(request_season, api, season, previous_items)
    response, withdrawn = find_withdrawn(rows, request(), request)
    if response.broken and not response.fixtures and not window:
        raise UnexpectedBody(response.broken[0])
    missing = rows.keys() - response.ids
    kept = [item for item in previous_items if find_item_id(item) in missing - withdrawn.keys()]
    items = [*response.items, *kept]
    followed = _select_window(store, response.fixtures, season, window, rows) if window else response.fixtures
    # Before the responses: what the API has renamed is found by comparing them.
    changed = update_teamcodes(store, season, response.fixtures, previous_items)
    # Before the rows: after a crash in between, the next run still finds earlier matches without a result.
    _store_responses(store, api, season, window, response.with_items(items), followed)
    changed += store_fixtures(store, response.fixtures, rows)
    changed += withdraw_fixtures(store, season, withdrawn)
    parsed = parse_season_fixtures(items)
    result: dict[str, Any] = {
        "fixtures": len(followed),
        "played": sum(fixture.played for fixture in followed),
        "changed": changed,
        "undecided": sum(map(is_undecided, response.items)),
        **(_describe_catch_up(followed, window, rows) if window else {}),
        "broken": response.broken,
        "missing": sorted(missing),
        "withdrawn": sorted(withdrawn),
        "unknown_statuses": dict(parsed.unknown_statuses),
        "progress": 1,
    }
    if items:
        described = {fixture_id: _describe_withdrawn(rows[fixture_id], new) for fixture_id, new in withdrawn.items()}
        problems = [*response.broken, *map(_describe_kept, sorted(missing - withdrawn.keys()))]
        result |= update_tables(store, api, SeasonState(season, items, parsed, response.ids, described, problems))
    return result


def _store_responses(
    store: LakeStore,
    api: FootballApi,
    season: Season,
    window: Window | None,
    envelope: dict[str, Any],
    followed: Iterable[Fixture],
) -> None:
    """Write the season's response, and that of the window with the fixtures that are `followed` by statistics.

    Nothing is written for a season that the API does not have.
    """
    limited = {} if api.budget is None else {s3_keys.NO_FOLLOW_UP: "yes"}
    items = envelope["response"]
    if items:
        metadata = {s3_keys.NO_FOLLOW_UP: "yes"} if window else limited
        store.overwrite(s3_keys.raw_fixtures(season), json.dumps(envelope), **metadata, requested=api.now().isoformat())
    if window:
        ids = {fixture.id for fixture in followed}
        in_window = [item for item in items if find_item_id(item) in ids]
        envelope = {**envelope, "results": len(in_window), "response": in_window}
        store.overwrite(s3_keys.raw_fixtures(season, window), json.dumps(envelope), **limited)


def _describe_catch_up(followed: Iterable[Fixture], window: Window, rows: FixtureRows) -> dict[str, Any]:
    """Return how many matches before the window are finished now and were not, and the day of the first one.

    The day is in ISO format, and empty without such a match. `rows` are those that the lake had before.
    """
    days = [
        fixture.kickoff.date()
        for fixture in followed
        if fixture.row["status"] in _FINISHED
        and ((row := rows.get(fixture.id)) is None or row["status"] not in _FINISHED)
    ]
    earlier = [day for day in days if day < window.first]
    return {"caught_up": len(earlier), "caught_up_since": str(min(earlier)) if earlier else ""}


def _describe_withdrawn(row: Mapping[str, str], new_id: int | None) -> str:
    match = f"Fixture {row['idFixture']} (teams {row['idHomeTeam']} and {row['idAwayTeam']}, {row['date']})"
    if new_id:
        return f"{match} now has the id {new_id}."
    return f"{match} is no longer in API-Football's season."


def _describe_kept(fixture_id: int) -> str:
    return f"Fixture {fixture_id} is not in API-Football's last response, which was incomplete; it is kept."


def _read_fixture_rows(store: LakeStore, season: Season) -> FixtureRows:
    keys = [key for key in store.list_objects(f"{s3_keys.FIXTURES}{season}-") if s3_keys.parse_fixtures(key)]
    columns = ("idFixture", "status", "date", "idHomeTeam", "idAwayTeam")
    tables = parallel_map(lambda key: store.get_rows(key, *columns), keys)
    return {int(row["idFixture"]): row for table in tables for row in table}


def _select_window(
    store: LakeStore, fixtures: Iterable[Fixture], season: Season, window: Window, rows: FixtureRows
) -> list[Fixture]:
    """Return the fixtures of the window, and earlier ones with news that the lake has without a result.

    An earlier one that was selected by the last request for this window stays selected, because its statistics may
    still be pending.
    """
    selected = set(map(find_item_id, read_items(store.get(s3_keys.raw_fixtures(season, window)))))

    def is_selected(fixture: Fixture) -> bool:
        day = fixture.kickoff.date()
        row = rows.get(fixture.id)
        has_news = row is not None and row["status"] not in _FINISHED and row != fixture.row
        return window.first <= day <= window.last or (day < window.first and (has_news or fixture.id in selected))

    return [fixture for fixture in fixtures if is_selected(fixture)]


def store_fixtures(store: LakeStore, fixtures: Iterable[Fixture], rows: FixtureRows) -> int:
    """Put those of these fixtures that differ from the lake's `rows` into their parts.

    Returns the number of changed objects.
    """
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    for fixture in fixtures:
        if fixture.row != rows.get(fixture.id):
            parts[s3_keys.part_of(fixture.season, fixture.id)].append(fixture.row)

    def merge(part: str) -> bool:
        return store.update(s3_keys.fixtures(part), partial(merge_rows, schemas.FIXTURE_COLUMNS, parts[part]))

    return sum(parallel_map(merge, parts))


def update_teamcodes(
    store: LakeStore, season: Season, fixtures: Iterable[Fixture], previous_items: Collection[Any]
) -> int:
    """Add new teams to teamcodes.csv, and rename those whose name the API has changed. Return 1 if it was changed.

    The newest name is that of the latest kick-off in any season. A name that the API never had is a user's and stays.
    """
    history = list(_names(fixtures))
    names = newest_names(history)
    if not names:
        return 0
    rows = store.get_rows(s3_keys.TEAMCODES, *schemas.TEAMCODE_COLUMNS)
    stored = {int(row["idTeam"]): row["name"] for row in rows if int(row["idTeam"]) in names}
    previous = list(_names(parse_fixtures(previous_items)[0]))
    before = newest_names(previous)
    # An earlier version stored names with HTML entities.
    renamed = {
        team_id: names[team_id]
        for team_id, name in stored.items()
        if decode_name(name or "-") == names[team_id] != name
    }
    others = {
        team_id for team_id, name in stored.items() if name != names[team_id] != before.get(team_id)
    } - renamed.keys()
    if others:
        history = [*_names_of_other_seasons(store, season), *previous, *history]
        newest = newest_names(history)
        known = {(team_id, name) for team_id, name, _ in history}
        renamed |= {
            team_id: newest[team_id] for team_id in others if (team_id, decode_name(stored[team_id] or "-")) in known
        }
    return store.update(s3_keys.TEAMCODES, lambda text: append_new_teams(text, names, renamed))


def _names(fixtures: Iterable[Fixture]) -> Iterable[tuple[int, str, datetime]]:
    """Yield id, name and kick-off of the teams."""
    for fixture in fixtures:
        for team in (fixture.home, fixture.away):
            yield team.id, team.name, fixture.kickoff


def _names_of_other_seasons(store: LakeStore, season: Season) -> Iterable[tuple[int, str, datetime]]:
    """Yield id, name and kick-off of the teams in the responses with whole seasons that were requested last."""
    written = store.list_objects(s3_keys.RAW_FIXTURES)
    parsed = {key: s3_keys.parse_raw_fixtures(key) for key in sorted(written, key=lambda key: written[key])}
    keys = [key for key, of in parsed.items() if of and of[1] is None and of[0] != season]
    for text in parallel_map(store.get, keys[-MOST_SEASONS_COMPARED:]):
        yield from _names(parse_fixtures(read_items(text))[0])
