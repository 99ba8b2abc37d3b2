"""Request a season's standings, reconcile them with its fixtures, and write the CSVs with the season's tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from footlake.football.api import ApiError, FootballApi, OutOfTime, QuotaSpent
from footlake.football.competitions import parse_competition, season_label
from footlake.football.fixtures import find_item_season
from footlake.football.league_tables import LeagueTable, SeasonTables
from footlake.football.reconciliation import reconcile_season
from footlake.football.season_fixtures import ParsedSeason
from footlake.football.standings import Standings, parse_standings
from footlake.football.table_rows import Row, SeasonFindings, build_table_rows
from footlake.handlers.season_response import read_items
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import MISSING, Season
from footlake.lake.store import LakeStore
from footlake.lake.tables import read_table, write_table

# API-Football updates standings once an hour: https://www.api-football.com/documentation-v3#tag/Standings
UPDATED_EVERY = timedelta(hours=1)
_TEMPORARY = (OutOfTime, QuotaSpent)


class SeasonState(NamedTuple):
    """A season: the items of its fixtures, parsed, and the ids in the newest response."""

    season: Season
    items: Sequence[Any]
    fixtures: ParsedSeason
    newest_ids: Collection[int]
    withdrawn: Mapping[int, str]
    problems: Sequence[str]


class _StandingsAnswer(NamedTuple):
    """A standings response, its items, and why it is not a new one ("" if it is, or need not be).

    `error` is that of the request, if it failed.
    """

    standings: Standings
    items: Sequence[Any]
    problem: str = ""
    error: ApiError | None = None


def update_tables(store: LakeStore, api: FootballApi, state: SeasonState) -> dict[str, Any]:
    """Write the tables of a season. A failure to get standings is no error: older ones are used, or none.

    Returns `tables`, the number of tables; `official`, whether they are official; `unreconciled`, a text for each that
    does not agree with the fixtures; `standings_problem`, why there is no new response (empty if there is), and
    `standings_stopped`, the name of the exception if the same request can succeed later, with the `pause` to make
    (seconds); and `tables_changed`, the number of changed objects.
    """
    answer = _get_standings(store, api, state)
    season, fixtures = state.season, state.fixtures.fixtures
    tables = reconcile_season(answer.standings, fixtures, state.newest_ids, _with_statistics(store, season))
    named = [item.get("league") for item in (*state.items, *answer.items) if isinstance(item, dict)]
    days = (fixture.kickoff.date() for fixture in fixtures if fixture.kickoff)
    label = season_label(season.year, days, (fixture.round for fixture in fixtures))
    findings = SeasonFindings(state.withdrawn, state.fixtures.unknown_statuses, state.problems)
    rows = build_table_rows(tables, parse_competition(season.league, named), label, findings)
    findings_key = s3_keys.table_findings(season)
    earlier = _earlier_withdrawals(store.get(findings_key), {f.id for f in fixtures} | state.withdrawn.keys())
    changed = 0
    for key, columns, table in (
        (s3_keys.league_tables(season), schemas.LEAGUE_TABLE_COLUMNS, rows.league_tables),
        (s3_keys.standings(season), schemas.STANDINGS_COLUMNS, rows.standings),
        (s3_keys.table_fixtures(season), schemas.TABLE_FIXTURE_COLUMNS, rows.table_fixtures),
        (findings_key, schemas.TABLE_FINDING_COLUMNS, [*earlier, *rows.table_findings]),
    ):
        changed += store.put_if_changed(key, write_table(columns, table))
    return {
        "tables": len(tables.tables),
        "official": bool(answer.standings.tables),
        "unreconciled": list(_describe_unreconciled(tables)),
        "duplicates": [duplicate.dropped for duplicate in tables.duplicates],
        "standings_problem": answer.problem,
        "standings_stopped": type(answer.error).__name__ if isinstance(answer.error, _TEMPORARY) else "",
        "pause": getattr(answer.error, "pause", 0.0),
        "tables_changed": changed,
    }


def _get_standings(store: LakeStore, api: FootballApi, state: SeasonState) -> _StandingsAnswer:
    """Return the standings: requested now, or those of the lake if that fails or if nothing can have changed."""
    key = s3_keys.raw_standings(state.season)
    text, stored = store.get(key), store.head(key)
    older = _parse(read_items(text), state.season) if text else _StandingsAnswer(Standings(), ())
    digest = hashlib.sha256(repr(state.fixtures.fixtures).encode()).hexdigest()
    if text and stored and _is_recent(stored.metadata, digest, api.now()):
        return older
    try:
        body = api.standings(state.season.league, state.season.year)
    except ApiError as error:
        return older._replace(problem=str(error), error=error)
    answer = _parse(body["response"], state.season)
    if older.standings.tables and not answer.standings.tables:
        return older._replace(problem=answer.problem)
    store.overwrite(key, json.dumps(body), fixtures=digest, requested=api.now().isoformat())
    return answer


def _parse(response: Sequence[Any], season: Season) -> _StandingsAnswer:
    """Parse the items of a response, without those of another season."""
    items = [item for item in response if find_item_season(item) in (None, season)]
    standings = parse_standings({"response": items})
    if standings.tables:
        return _StandingsAnswer(standings, items)
    others = [str(find_item_season(item)) for item in response if item not in items]
    reason = f"The response is that of season {others[0]}." if others else standings.problems[0]
    return _StandingsAnswer(standings, items, f"API-Football has no standings of this season. {reason}")


def _is_recent(metadata: Mapping[str, str], digest: str, now: datetime) -> bool:
    """Return whether the standings were requested for the same fixtures since API-Football last updated them."""
    if metadata.get("fixtures") != digest or "requested" not in metadata:
        return False
    return timedelta() <= now - datetime.fromisoformat(metadata["requested"]) < UPDATED_EVERY


def _with_statistics(store: LakeStore, season: Season) -> set[int]:
    responses = map(s3_keys.parse_raw_statistics, store.list_objects(s3_keys.raw_statistics_folder(season)))
    return {response[0] for response in responses if response and response[1] != MISSING}


def _earlier_withdrawals(text: str | None, ids: Collection[int]) -> list[Row]:
    """Return the findings about fixtures that were withdrawn before and that the API still does not have."""
    rows = read_table(text or "")
    return [row for row in rows if row["finding"] == "withdrawn" and int(row["idFixture"]) not in ids]


def _describe_unreconciled(tables: SeasonTables) -> Iterable[str]:
    for table in tables.tables:
        if table.reconciled == "stale":
            until = f"the matches up to {table.counted_until:%Y-%m-%d} only" if table.counted_until else "no match yet"
            yield f"{table.name}: counts {until}"
        elif table.reconciled == "different":
            yield f"{table.name}: {_describe_differences(table)}"


def _describe_differences(table: LeagueTable) -> str:
    first, *others = map(str, table.differences)
    return f"{first} and {len(others)} more differences" if others else first
