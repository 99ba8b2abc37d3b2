"""etlGetStatistics: for the fixtures of a raw fixtures file, fetch the statistics that the lake does not have yet."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from footlake import layout
from footlake.football.api import IDS_PER_REQUEST, FootballApi, IdsRefused, OutOfTime, QuotaSpent, UnexpectedBody
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.statistics import MatchStatistics, parse_statistics
from footlake.football.tables import merge_rows
from footlake.handlers import environment
from footlake.handlers.store import Busy, Store

# Longer than the function may run: a lease older than this belongs to an invocation that is gone.
LEASE_SECONDS = 95.0

# A fixture, its statistics or None, and the answer that they were read from.
Fetched = tuple[Fixture, MatchStatistics | None, dict[str, Any]]


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Fetch for the raw fixtures files that the event names: an S3 notification, or `{"keys": […]}`.

    Returns what came of each file; `remaining` fixtures are for the next invocation, `stopped` says why.
    """
    api = environment.football_api(context)
    store = environment.store()
    files = [_fetch_for(store, api, key) for key in _keys(event) if layout.parse_raw_fixtures(key)]
    return {"files": files, "requests": api.requests_made}


def _fetch_for(store: Store, api: FootballApi, key: str) -> dict[str, Any]:
    try:
        with store.lease(layout.LEASES + key, LEASE_SECONDS):
            return {"key": key, **_fetch_missing(store, api, key)}
    except Busy:
        return {"key": key, "busy": True}


def _fetch_missing(store: Store, api: FootballApi, key: str) -> dict[str, Any]:
    text = store.read(key)
    fixtures, _ = parse_fixtures(json.loads(text)["response"]) if text else ([], [])
    played = [fixture for fixture in fixtures if fixture.played]
    missing = _missing(store, played)
    asked, empty, stopped = 0, [], ""
    try:
        for batch in _fetch(api, missing):
            _keep(store, batch)
            asked += len(batch)
            empty += [fixture.id for fixture, statistics, _ in batch if statistics is None]
    except (QuotaSpent, OutOfTime) as error:
        stopped = type(error).__name__
    return {
        "played": len(played),
        "fetched": asked - len(empty),
        "without": empty,
        "remaining": len(missing) - asked,
        "stopped": stopped,
    }


def _missing(store: Store, played: list[Fixture]) -> list[Fixture]:
    """Those without raw statistics in the lake, which is its own ledger."""
    have: set[str] = set()
    for season in {fixture.season for fixture in played}:
        have |= store.listing(layout.raw_statistics_folder(season)).keys()
    return sorted((f for f in played if layout.raw_statistics(f.season, f.id) not in have), key=lambda f: f.id)


def _fetch(api: FootballApi, fixtures: list[Fixture]) -> Iterator[list[Fetched]]:
    """Twenty fixtures a request, or one where the plan does not allow that."""
    for start in range(0, len(fixtures), IDS_PER_REQUEST):
        batch = fixtures[start : start + IDS_PER_REQUEST]
        try:
            answer = api.fixtures(ids="-".join(str(fixture.id) for fixture in batch))
        except IdsRefused:
            yield from ([_fetch_one(api, fixture)] for fixture in fixtures[start:])
            return
        found = {}
        for item in answer["response"]:
            with suppress(KeyError, TypeError):
                found[item["fixture"]["id"]] = item
        yield [
            (
                fixture,
                _understood(fixture, item.get("statistics")),
                {**answer, "results": 1, "response": [item]},
            )
            for fixture in batch
            if (item := found.get(fixture.id))
        ]


def _fetch_one(api: FootballApi, fixture: Fixture) -> Fetched:
    answer = api.statistics(fixture.id)
    return fixture, _understood(fixture, answer["response"]), answer


def _understood(fixture: Fixture, items: Any) -> MatchStatistics | None:
    """The statistics, or None where there are none or they make no sense: asked for again next time, never guessed."""
    try:
        return parse_statistics(fixture, items)
    except UnexpectedBody as error:
        print(f"[WARNING] {error}")
        return None


def _keep(store: Store, batch: list[Fetched]) -> None:
    """Rows first, raw answers last: the raw answer is what says that a fixture needs no more fetching."""
    parts: dict[str, list[MatchStatistics]] = defaultdict(list)
    for fixture, statistics, _ in batch:
        if statistics:
            parts[layout.part(fixture.season, fixture.id)].append(statistics)
    for part, known in parts.items():
        further, rows = [one.extended_row for one in known], [one.row for one in known]
        store.update(layout.extended(part), partial(merge_rows, layout.EXTENDED_COLUMNS, further))
        store.update(layout.statistics(part), partial(merge_rows, layout.STATISTICS_COLUMNS, rows))
    for fixture, statistics, answer in batch:
        if statistics:
            store.put(layout.raw_statistics(fixture.season, fixture.id), json.dumps(answer))


def _keys(event: dict[str, Any]) -> list[str]:
    if "Records" in event:
        return [unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]]
    return list(event["keys"])
