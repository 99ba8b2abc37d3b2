"""Read the records of a season from the lake's objects in S3: the same ones that `mysql_reader` reads from MySQL."""

from __future__ import annotations

import csv
import html
import io
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain
from typing import Any, TypeVar, get_type_hints

from footlake.errors import FootlakeCommand, Hint, NotReady
from footlake.football.statuses import status_texts
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season
from footlake.lake.store import LakeStore, parallel_map
from footlake.report.matches import API_FOOTBALL, Match, Team
from footlake.report.season_records import CountedRecord, FindingRecord, ReportRecords, StandingRecord, TableRecord

SIDES: tuple[s3_keys.Side, ...] = ("home", "away")
# Type and digits of the MySQL column, so that both sources give the same figures.
XG_DIGITS, MOST_XG = Decimal("0.001"), Decimal("99.999")

Record = TypeVar("Record", TableRecord, StandingRecord, CountedRecord, FindingRecord)
Row = Mapping[str, str]
Xg = dict[tuple[str, str], float]
"""Expected goals by the ids of fixture and team."""


def list_seasons(store: LakeStore, league: int) -> list[int]:
    """Return the seasons of the league with finished matches, in order. Raises NotReady if the lake has no fixtures."""
    parts = _list_parts(store, f"{s3_keys.FIXTURES}{league}-")
    if not parts and not store.list_objects(s3_keys.FIXTURES):
        raise NotReady(
            "The lake has no fixtures yet.", hint=Hint("Run ", FootlakeCommand("ingest-fixtures"), " first.")
        )

    def has_result(season: Season) -> bool:
        return any(any(_finished(_fixture_rows(store, key))) for key in parts[season])

    seasons = sorted(parts)
    return [season.year for season, found in zip(seasons, parallel_map(has_result, seasons), strict=True) if found]


def read_season(store: LakeStore, league: int, season: int, seasons: Collection[int]) -> ReportRecords:
    """Return the records of a season; `seasons` are those of `list_seasons`.

    A lake that an earlier version of footlake filled has no records of tables.
    """
    key = Season(league, season)
    parts = _list_parts(store, f"{s3_keys.FIXTURES}{key}-")[key]
    predictions = list(store.list_objects(f"{s3_keys.PREDICTIONS}{key}-"))
    rows = list(chain.from_iterable(parallel_map(lambda part: list(_finished(_fixture_rows(store, part))), parts)))
    xg: Xg = {}
    for text in parallel_map(store.get, predictions):
        xg.update(_read_xg(text or ""))
    csv_keys = (s3_keys.league_tables, s3_keys.standings, s3_keys.table_fixtures, s3_keys.table_findings)
    tables, standings, counted, findings = parallel_map(lambda csv_key: store.get_rows(csv_key(key)), csv_keys)
    return ReportRecords(
        league,
        season,
        sorted((_to_match(key, row, xg) for row in rows), key=_order),
        list(_read_teams(store)),
        sorted(seasons),
        [to_record(TableRecord, row) for row in tables],
        sorted((to_record(StandingRecord, row) for row in standings), key=lambda row: (row.table_number, row.team_id)),
        sorted(
            (to_record(CountedRecord, row) for row in counted),
            key=lambda row: (row.table_number, row.fixture_id, row.side),
        ),
        [to_record(FindingRecord, row) for row in findings],
    )


def to_record(kind: type[Record], row: Row) -> Record:
    """Return the record of a row of a CSV with a season's tables."""
    hints = get_type_hints(kind)
    return kind(*(_to_value(row[_column(field)], str(hint)) for field, hint in hints.items()))


def _column(field: str) -> str:
    """Return the column of a CSV for a field of its record: `team_id` is `idTeam`, `number` is `tableNumber`."""
    if field == "number":
        return "tableNumber"
    first, *others = field.split("_")
    if others == ["id"]:
        return f"id{first.capitalize()}"
    return first + "".join(word.capitalize() for word in others)


def _to_value(cell: str, hint: str) -> Any:
    if "bool" in hint:
        return cell == "1"
    if cell == "":
        return None
    return date.fromisoformat(cell) if "date" in hint else int(cell) if "int" in hint else cell


def _list_parts(store: LakeStore, prefix: str) -> dict[Season, list[str]]:
    """Return the keys of the fixtures by season."""
    parts: dict[Season, list[str]] = defaultdict(list)
    for key in store.list_objects(prefix):
        if parsed := s3_keys.parse_fixtures(key):
            parts[parsed[0]].append(key)
    return parts


def _fixture_rows(store: LakeStore, key: str) -> list[dict[str, str]]:
    return store.get_rows(key, *schemas.FIXTURE_COLUMNS[:-1])  # an earlier version had no column `round`


def _finished(rows: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Yield the rows of fixtures with a result."""
    finished = (*status_texts("played"), *status_texts("awarded"))
    return (row for row in rows if row["status"] in finished and row["goalsHomeTeam"] and row["goalsAwayTeam"])


def _read_xg(text: str) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield the valid predictions of an object: `idfixture,idteam,xG` without a header."""
    for line in csv.reader(io.StringIO(text)):
        try:
            fixture, team, xg = (cell.strip() for cell in line)
            value = float(xg)
        except ValueError:
            continue
        if math.isfinite(value):
            in_range = max(Decimal(), min(MOST_XG, Decimal(repr(value))))
            yield (fixture, team), float(in_range.quantize(XG_DIGITS, ROUND_HALF_UP))


def _to_match(season: Season, row: Row, xg: Xg) -> Match:
    fixture_id, home, away = row["idFixture"], row["idHomeTeam"], row["idAwayTeam"]
    # A match that was played and then awarded has a result that its statistics did not lead to.
    known = xg if row["status"] in status_texts("played") else {}
    clock = time.fromisoformat(row["time"]) if row["time"] else time()
    return Match(
        int(fixture_id),
        datetime.combine(date.fromisoformat(row["date"]), clock) if row["date"] else None,
        int(home),
        int(away),
        int(row["goalsHomeTeam"]),
        int(row["goalsAwayTeam"]),
        known.get((fixture_id, home)),
        known.get((fixture_id, away)),
        row.get("round") or None,
        _source(season, int(fixture_id)),
    )


def _source(season: Season, fixture_id: int) -> str:
    """Return what sql/fixtures.sql computes from the id of a fixture."""
    is_simulated = fixture_id >= 39_000_000 and fixture_id // 1000 == season.league * 1000 + season.year - 2000
    return "simulated" if is_simulated else API_FOOTBALL


def _order(match: Match) -> tuple[datetime, int]:
    return match.kickoff or datetime.min, match.id


def _read_teams(store: LakeStore) -> Iterator[Team]:
    rows = store.get_rows(s3_keys.TEAMCODES, *schemas.TEAMCODE_COLUMNS)
    for row in sorted(rows, key=lambda row: int(row["idTeam"])):
        if row["name"]:
            yield Team(int(row["idTeam"]), row["code"] or None, html.unescape(row["name"]))
