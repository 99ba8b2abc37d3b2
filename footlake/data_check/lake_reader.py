"""Read what the check needs from S3: one listing per prefix, and only the objects that the listings make necessary."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from footlake.data_check.records import (
    CheckedFixture,
    FetchTimes,
    PendingStatistics,
    Row,
    SeasonRecords,
    TeamKey,
    WorkInProgress,
    part_keys,
)
from footlake.football.competitions import parse_competition, season_label
from footlake.football.fixtures import FixtureTeam, find_item_id
from footlake.football.season_fixtures import SeasonFixture, parse_season_fixtures
from footlake.football.statuses import STATUSES, find_status, normalise_status
from footlake.handlers import scoring
from footlake.handlers.fetch_history import requests_of
from footlake.handlers.pending_queue import PendingQueue
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Quality, Season
from footlake.lake.store import LakeStore, ObjectInfo, key_in_error, parallel_map
from footlake.lake.tables import read_table

_STATUS_BY_TEXT = {status.text: status for status in STATUSES.values()}
_PART_FOLDERS = (s3_keys.FIXTURES, s3_keys.STATISTICS, s3_keys.TEAM_ROWS, s3_keys.PREDICTIONS)


class _Listing(NamedTuple):
    """The keys of a season with the times at which they were written."""

    parts: Mapping[str, datetime]
    responses: Mapping[str, datetime]

    def newest(self, folder: str) -> datetime | None:
        """Return the time of the newest object in a folder."""
        return max((time for key, time in self.parts.items() if key.startswith(folder)), default=None)

    def keys(self, folder: str) -> list[str]:
        """Return the keys in a folder."""
        return [key for key in self.parts if key.startswith(folder)]


def list_seasons(store: LakeStore, fixture_id: int | None = None) -> list[Season]:
    """Return the seasons with fixtures in the lake; those that can have this fixture if an id is given."""
    parts = [parsed for key in store.list_objects(s3_keys.FIXTURES) if (parsed := s3_keys.parse_fixtures(key))]
    size = s3_keys.FIXTURES_PER_PART
    return sorted({season for season, first in parts if fixture_id is None or first <= fixture_id < first + size})


def read_work(store: LakeStore) -> WorkInProgress:
    """Read what the functions have not finished."""
    pending, staged = store.list_objects(s3_keys.PENDING), store.list_objects(s3_keys.TRANSFORM_INPUTS)
    queue = PendingQueue(store, "etlGetStatistics")
    entries = queue.entries() if any(key.startswith(queue.folder) for key in pending) else []
    rejected = {key: time for key, time in pending.items() if key.startswith(s3_keys.REJECTED)}
    texts = parallel_map(store.get, rejected)
    return WorkInProgress(
        tuple(
            PendingStatistics(frozenset(_item_ids(text)), entry.after, entry.tries)
            for entry, text in zip(entries, parallel_map(lambda entry: store.get(entry.file), entries), strict=True)
        ),
        scoring.current_model(store),
        {
            (int(fixture), int(team)): time
            for time, text in zip(rejected.values(), texts, strict=True)
            for fixture, team in (line.split(",") for line in (text or "").splitlines())
        },
        frozenset(key.rpartition("/")[2] for key in staged),
        any(key.startswith(s3_keys.SCORING_MARKS) for key in pending),
    )


def read_season(store: LakeStore, season: Season) -> SeasonRecords:
    """Read a season. One that the lake does not have has no fixtures."""
    raw_key, standings_key = s3_keys.raw_fixtures(season), s3_keys.raw_standings(season)
    listings = parallel_map(
        store.list_objects,
        [f"{folder}{season}-" for folder in _PART_FOLDERS] + [s3_keys.raw_statistics_folder(season)],
    )
    listing = _Listing({key: time for keys in listings[:-1] for key, time in keys.items()}, listings[-1])
    files = [*listing.keys(s3_keys.FIXTURES), *listing.keys(s3_keys.PREDICTIONS)]
    tables = (s3_keys.league_tables, s3_keys.standings, s3_keys.table_fixtures, s3_keys.table_findings)
    keys = [*files, raw_key, s3_keys.TEAMCODES, *(key(season) for key in tables)]
    texts = dict(zip(keys, parallel_map(store.get, keys), strict=True))
    raw, standings = parallel_map(store.head, [raw_key, standings_key])
    rows = {
        int(row["idFixture"]): row
        for key in listing.keys(s3_keys.FIXTURES)
        for row in _parse(key, texts, *schemas.FIXTURE_COLUMNS[:-1])
    }
    items = _items(texts[raw_key])
    names = {int(row["idTeam"]): row["name"] for row in _parse(s3_keys.TEAMCODES, texts, *schemas.TEAMCODE_COLUMNS)}
    league_tables, standings_rows, counted, findings = (_parse(key(season), texts) for key in tables)
    records = SeasonRecords(
        season,
        tuple(_merge_fixtures(items, rows, names)),
        times=FetchTimes(
            raw.modified if raw else _newest_window(store, season),
            standings.modified if standings else None,
            max(listing.responses.values(), default=None),
            listing.newest(s3_keys.TEAM_ROWS),
            listing.newest(s3_keys.PREDICTIONS),
        ),
        as_of=_request_time(raw),
        responses=_responses(listing.responses),
        written=listing.parts,
        xg=frozenset(_prediction_keys(texts[key] or "" for key in listing.keys(s3_keys.PREDICTIONS))),
        tables=tuple(league_tables),
        standings=tuple(standings_rows),
        decisions=tuple(row for row in counted if row["reason"]),
        findings=tuple(findings),
    )
    return _with_name(_with_rows(store, records), items)


def with_requests(store: LakeStore, records: SeasonRecords, fixtures: Collection[CheckedFixture]) -> SeasonRecords:
    """Return the records with the number of requests for the statistics of these fixtures."""
    newest = {
        fixture.id: max(responses, key=lambda quality: (responses[quality], quality))
        for fixture in fixtures
        if (responses := records.responses.get(fixture.id))
    }
    heads = parallel_map(lambda item: store.head(s3_keys.raw_statistics(records.season, *item)), [*newest.items()])
    requests = {fixture_id: requests_of(head) for fixture_id, head in zip(newest, heads, strict=True) if head}
    return replace(records, requests=requests)


def _with_rows(store: LakeStore, records: SeasonRecords) -> SeasonRecords:
    """Return the records with the rows of statistics and teams of the parts that have no complete xG."""
    statistics_keys: set[str] = set()
    team_row_keys: set[str] = set()
    for fixture in records.fixtures:
        if fixture.result == "played" and not records.has_xg(fixture):
            statistics, team_rows, _ = part_keys(records.season, fixture.id)
            statistics_keys.add(statistics)
            team_row_keys.update(team_rows)
    keys = [key for key in (*statistics_keys, *team_row_keys) if key in records.written]
    tables = dict(zip(keys, parallel_map(store.get_rows, keys), strict=True))
    return replace(
        records,
        statistics=frozenset(
            (int(row["idFixture"]), int(row["idHomeTeam"]), int(row["idAwayTeam"]))
            for key in statistics_keys & tables.keys()
            for row in tables[key]
        ),
        team_rows=frozenset(
            (int(row["idfixture"]), int(row["idteam"])) for key in team_row_keys & tables.keys() for row in tables[key]
        ),
    )


def _with_name(records: SeasonRecords, items: Collection[Any]) -> SeasonRecords:
    """Return the records with the name of the competition, from the season's tables or from its fixtures."""
    if records.tables:
        row = records.tables[0]
        return replace(records, competition=row["competition"], country=row["country"], label=row["seasonLabel"])
    season = records.season
    leagues = [item.get("league") for item in items if isinstance(item, dict)]
    named = parse_competition(season.league, leagues)
    days = (fixture.kickoff.date() for fixture in records.fixtures if fixture.kickoff)
    label = season_label(season.year, days, (fixture.round for fixture in records.fixtures))
    return replace(records, competition=named.name, country=named.country, label=label)


def _merge_fixtures(
    items: Iterable[Any], rows: Mapping[int, Row], names: Mapping[int, str]
) -> Iterator[CheckedFixture]:
    """Yield the fixtures of the response, and those that only the lake's table has."""
    parsed = {fixture.id: fixture for fixture in parse_season_fixtures(items).fixtures}
    for fixture in parsed.values():
        yield _of_response(fixture, fixture.id in rows)
    for fixture_id in rows.keys() - parsed.keys():
        yield _of_row(rows[fixture_id], names)


def _of_response(fixture: SeasonFixture, is_stored: bool) -> CheckedFixture:
    status = find_status(fixture.status)
    return CheckedFixture(
        fixture.id,
        fixture.kickoff,
        fixture.round,
        status.text,
        status.result,
        normalise_status(fixture.status) in STATUSES,
        fixture.home,
        fixture.away,
        fixture.goals_home,
        fixture.goals_away,
        is_stored,
    )


def _of_row(row: Row, names: Mapping[int, str]) -> CheckedFixture:
    status = _STATUS_BY_TEXT.get(row["status"])
    home, away = (
        FixtureTeam(team_id, names.get(team_id, f"team {team_id}"))
        for team_id in (int(row["idHomeTeam"]), int(row["idAwayTeam"]))
    )
    goals_home, goals_away = (int(row[name]) if row[name] else None for name in ("goalsHomeTeam", "goalsAwayTeam"))
    return CheckedFixture(
        int(row["idFixture"]),
        datetime.fromisoformat(f"{row['date']}T{row['time'] or '00:00'}+00:00") if row["date"] else None,
        row.get("round") or "",
        row["status"],
        status.result if status else None,
        status is not None,
        home,
        away,
        goals_home,
        goals_away,
    )


def _responses(listed: Mapping[str, datetime]) -> dict[int, dict[Quality, datetime]]:
    responses: dict[int, dict[Quality, datetime]] = {}
    for key, written in listed.items():
        if parsed := s3_keys.parse_raw_statistics(key):
            fixture_id, quality = parsed
            responses.setdefault(fixture_id, {})[quality] = written
    return responses


def _prediction_keys(texts: Iterable[str]) -> Iterator[TeamKey]:
    for text in texts:
        for line in text.splitlines():
            fixture, team, *_ = [*line.split(","), ""]
            if fixture.strip().isdecimal() and team.strip().isdecimal():
                yield int(fixture), int(team)


def _newest_window(store: LakeStore, season: Season) -> datetime | None:
    """Return the time of the newest response with a week, in a lake that never stored the whole season."""
    return max(store.list_objects(f"{s3_keys.RAW_FIXTURES}{season}-").values(), default=None)


def _request_time(raw: ObjectInfo | None) -> datetime | None:
    return datetime.fromisoformat(raw.metadata["requested"]) if raw and "requested" in raw.metadata else None


def _item_ids(text: str | None) -> Iterator[int]:
    return (found for item in _items(text) if (found := find_item_id(item)) is not None)


def _items(text: str | None) -> list[Any]:
    items: list[Any] = json.loads(text)["response"] if text else []
    return items


def _parse(key: str, texts: Mapping[str, str | None], *columns: str) -> list[dict[str, str]]:
    with key_in_error(key):
        return read_table(texts[key] or "", *columns)
