"""Rows of the CSVs with a season's tables: the tables, their standings, the fixtures they count, and findings.

A finding is one of: `difference` (a figure of a team for which table and fixtures differ), `omitted` (a fixture with a
result that no table counts), `duplicate` (a second id of a match), `withdrawn` (a fixture that the API no longer has),
`unknown status`, `problem` (something in a response that was not used), and `not understood` (points that no rule
gives).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from footlake.football.competitions import Competition
from footlake.football.league_tables import LeagueTable, SeasonTables, TeamStanding
from footlake.lake import schemas

Row = dict[str, str]
Kind = Literal["difference", "omitted", "duplicate", "withdrawn", "problem", "unknown status", "not understood"]


class TableRows(NamedTuple):
    """The rows of the four CSVs of a season, with the columns of `schemas`."""

    league_tables: list[Row]
    standings: list[Row]
    table_fixtures: list[Row]
    table_findings: list[Row]


@dataclass(frozen=True)
class SeasonFindings:
    """Problems of a season's responses, apart from its tables.

    `withdrawn` maps the ids of fixtures that the API no longer has to a description, `unknown_statuses` a status to the
    number of its fixtures; `problems` are texts about items that were not used.
    """

    withdrawn: Mapping[int, str] = field(default_factory=dict)
    unknown_statuses: Mapping[str, int] = field(default_factory=dict)
    problems: Sequence[str] = ()


def build_table_rows(
    tables: SeasonTables, competition: Competition, season_label: str, findings: SeasonFindings | None = None
) -> TableRows:
    """Return the rows of a season's tables, see `reconciliation.reconcile_season`.

    A team without any id gets no row, because the tables are keyed by it, but a finding.
    """
    named = {"competition": competition.name, "country": competition.country, "seasonLabel": season_label}
    return TableRows(
        [_cells(schemas.LEAGUE_TABLE_COLUMNS, _league_table(table) | named) for table in tables.tables],
        [
            _cells(schemas.STANDINGS_COLUMNS, _standing(table, standing))
            for table in tables.tables
            for standing in table.rows
            if standing.team_id is not None
        ],
        [
            _cells(schemas.TABLE_FIXTURE_COLUMNS, fixture)
            for table in tables.tables
            for fixture in _table_fixtures(table)
        ],
        [
            _cells(schemas.TABLE_FINDING_COLUMNS, finding)
            for finding in (
                *_season_findings(tables, findings or SeasonFindings()),
                *(finding for table in tables.tables for finding in _table_findings(table)),
            )
        ],
    )


def _league_table(table: LeagueTable) -> dict[str, Any]:
    return {
        "tableNumber": table.number,
        "name": table.name,
        "kind": table.kind,
        "derived": table.derived,
        "superseded": table.superseded,
        "official": table.official,
        "reconciled": table.reconciled,
        "countedUntil": table.counted_until and table.counted_until.date(),
        "carryOver": table.carry_over,
        "pointsExplained": table.points_explained,
    }


def _standing(table: LeagueTable, standing: TeamStanding) -> dict[str, Any]:
    """Return a row of the standings: official figures, or the computed ones of an unofficial table."""
    official, record, points = standing.official, standing.record, standing.split_points
    row: dict[str, Any] = {
        "tableNumber": table.number,
        "rank": standing.rank,
        "idTeam": standing.team_id,
        "team": standing.team,
        "matchedBy": standing.matched_by,
        "points": standing.points,
        "pointsEarned": points.earned,
        "pointsCarried": points.carried,
        "pointsAdjusted": points.adjusted,
        "idTeamStandings": official and official.team_id,
        "played": official.played if official else record.played,
        "goalsFor": official.goals_for if official else record.goals_for,
        "goalsAgainst": official.goals_against if official else record.goals_against,
    }
    figures = official or record
    row |= {"won": figures.won, "drawn": figures.drawn, "lost": figures.lost}
    if official:
        row |= {name: getattr(official, name) for name in ("form", "status", "description")}
        row["updated"] = official.update
    return row


def _table_fixtures(table: LeagueTable) -> Iterator[dict[str, Any]]:
    for match in table.matches:
        record = match.record
        yield {
            "tableNumber": table.number,
            "idFixture": match.fixture_id,
            "side": match.side,
            "idTeam": match.team_id,
            "won": record.won,
            "drawn": record.drawn,
            "lost": record.lost,
            "goalsFor": record.goals_for,
            "goalsAgainst": record.goals_against,
            "reason": match.reason,
        }


def _table_findings(table: LeagueTable) -> Iterator[dict[str, Any]]:
    for difference in table.differences:
        yield _finding("difference", str(difference), table) | {
            "idTeam": difference.team_id,
            "team": difference.team,
            "figure": difference.figure,
            "official": difference.official,
            "computed": difference.computed,
        }
    for fixture_id in table.omitted:
        text = f"Fixture {fixture_id} has a result, but no table counts it."
        yield _finding("omitted", text, table) | {"idFixture": fixture_id}
    if not table.points_explained:
        yield _finding("not understood", "No rule gives the official points of most teams.", table)
    for standing in table.rows:
        if standing.team_id is None:
            text = f"{standing.team}: the standings have no id of this team, and no fixtures match it."
            yield _finding("problem", text, table) | {"team": standing.team}


def _season_findings(tables: SeasonTables, findings: SeasonFindings) -> Iterator[dict[str, Any]]:
    for duplicate in tables.duplicates:
        text = f"Fixture {duplicate.dropped} is the same match as {duplicate.kept}: {duplicate.reason}."
        yield _finding("duplicate", text) | {"idFixture": duplicate.dropped}
    for fixture_id, description in sorted(findings.withdrawn.items()):
        yield _finding("withdrawn", description) | {"idFixture": fixture_id}
    for status, count in sorted(findings.unknown_statuses.items()):
        yield _finding("unknown status", f"{count} fixture{'' if count == 1 else 's'} with status {status}.")
    for problem in _unique((*findings.problems, *tables.problems)):
        yield _finding("problem", problem)


def _finding(kind: Kind, text: str, table: LeagueTable | None = None) -> dict[str, Any]:
    return {"tableNumber": table and table.number, "finding": kind, "text": text}


def _unique(texts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(texts)


def _cells(columns: Iterable[str], values: Mapping[str, Any]) -> Row:
    """Return the values as text in the order of the columns; None and missing ones are empty."""
    return {column: _cell(values.get(column)) for column in columns}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
