"""Parse `/standings` responses into the official tables of a league's season.

A response has one list per table, or all rows in one list. The parser accepts every form that was seen and returns a
problem for everything that it cannot use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from footlake.football import values
from footlake.football.names import decode_name

# Goals of a table that sums several seasons, and points and goal differences of either sign.
MOST_GOALS = 99_999
# Beginnings of problems that lose nothing.
NO_TABLES, REPEATED_TABLE = "The response has no tables.", "A table repeats table"
_T = TypeVar("_T")


@dataclass(frozen=True)
class StandingsRow:
    """A team's official row. A number is None if the response has none; a text is then empty.

    `team_id` can differ from the id in the fixtures, see `reconciliation`. `update` is the API's time, as text.
    """

    team_id: int | None
    team: str
    rank: int | None = None
    points: int | None = None
    played: int | None = None
    won: int | None = None
    drawn: int | None = None
    lost: int | None = None
    goals_for: int | None = None
    goals_against: int | None = None
    goal_difference: int | None = None
    group: str = ""
    form: str = ""
    status: str = ""
    description: str = ""
    logo: str = ""
    update: str = ""


@dataclass(frozen=True)
class StandingsTable:
    """An official table. `number` is its position in the response, from 1; `name` is unique within the response."""

    number: int
    name: str
    rows: tuple[StandingsRow, ...]


@dataclass(frozen=True)
class Standings:
    """The official tables of a league's season. `problems` name everything in the response that was not used."""

    tables: tuple[StandingsTable, ...] = ()
    problems: tuple[str, ...] = ()


def parse_standings(body: Any) -> Standings:
    """Parse the body of a v3 `/standings` response. Without usable tables, `tables` is empty and `problems` says why.

    The rows of one list are split into tables by their `group`, and where the ranks begin again or a team is repeated.
    """
    problems: list[str] = []
    tables: list[StandingsTable] = []
    for league in _leagues(body, problems):
        name = _text(league.get("name")) or "Table"
        for rows in _row_lists(league.get("standings"), problems):
            parsed = [row for row in (_parse_row(item, problems) for item in rows) if row]
            for table_rows in _split_list(parsed):
                earlier = next((table for table in tables if table.rows == tuple(table_rows)), None)
                if earlier:
                    problems.append(f"{REPEATED_TABLE} {earlier.number} ({earlier.name}).")
                else:
                    table_name = table_rows[0].group or name
                    tables.append(StandingsTable(len(tables) + 1, table_name, tuple(table_rows)))
    if not tables and not problems:
        problems.append(NO_TABLES)
    return Standings(tuple(_with_unique_names(tables)), tuple(problems))


def _leagues(body: Any, problems: list[str]) -> Iterator[dict[str, Any]]:
    response = body.get("response") if isinstance(body, dict) else None
    if not isinstance(response, list):
        problems.append("The body has no list `response`.")
        return
    for item in response:
        league = item.get("league") if isinstance(item, dict) else None
        if isinstance(league, dict):
            yield league
        else:
            problems.append(f"An item of the response has no league: {ascii(item)[:60]}.")


def _row_lists(standings: Any, problems: list[str]) -> Iterator[list[Any]]:
    """Return the lists of rows: one per table, or a single one if `standings` is itself a list of rows."""
    if isinstance(standings, dict):  # an object of lists instead of a list of lists
        standings = list(standings.values())
    if not isinstance(standings, list):
        problems.append(f"The standings are not a list: {ascii(standings)[:60]}.")
        return
    flat = [item for item in standings if isinstance(item, dict)]
    if flat:
        yield flat
    for item in standings:
        if isinstance(item, list):
            yield item
        elif not isinstance(item, dict):
            problems.append(f"A table is not a list: {ascii(item)[:60]}.")


def _parse_row(item: Any, problems: list[str]) -> StandingsRow | None:
    """Return the row, or None with a problem if its team is unknown. Invalid numbers become None, with a problem."""
    team = item.get("team") if isinstance(item, dict) else None
    if not isinstance(team, dict):
        problems.append(f"A row has no team: {ascii(item)[:60]}.")
        return None
    team_id, name = _optional(values.parse_id, team.get("id")), _text(team.get("name"))
    if team_id is None and not name:
        problems.append(f"A row has neither the id nor the name of its team: {ascii(team)[:60]}.")
        return None
    label = name or f"team {team_id}"

    def number(source: Any, key: str, least: int = 0, most: int = values.MAX_COUNT) -> int | None:
        value = source.get(key) if isinstance(source, dict) else None
        parsed = _optional(lambda text: values.parse_integer(text, least, most), value)
        if parsed is None and value not in (None, "", "None"):
            problems.append(f"{label}: {key} is not a number from {least} to {most}: {ascii(value)[:40]}.")
        return parsed

    figures = item.get("all")
    if not isinstance(figures, dict):
        problems.append(f"{label}: the row has no figures (`all`).")
    goals = figures.get("goals") if isinstance(figures, dict) else None
    return StandingsRow(
        team_id,
        label,
        rank=number(item, "rank", 1),
        points=number(item, "points", -MOST_GOALS, MOST_GOALS),
        played=number(figures, "played"),
        won=number(figures, "win"),
        drawn=number(figures, "draw"),
        lost=number(figures, "lose"),
        goals_for=number(goals, "for", 0, MOST_GOALS),
        goals_against=number(goals, "against", 0, MOST_GOALS),
        goal_difference=number(item, "goalsDiff", -MOST_GOALS, MOST_GOALS),
        **{key: _text(item.get(key)) for key in ("group", "form", "status", "description", "update")},
        logo=_text(team.get("logo")),
    )


def _split_list(rows: Sequence[StandingsRow]) -> list[list[StandingsRow]]:
    """Split the rows of one list into tables."""
    by_group: dict[str, list[StandingsRow]] = {}
    for row in rows:
        by_group.setdefault(row.group, []).append(row)
    return [table for group in by_group.values() for table in _split_at_restarts(group)]


def _split_at_restarts(rows: Sequence[StandingsRow]) -> Iterator[list[StandingsRow]]:
    """Split rows of one group if its list has several tables: rank 1 stands after higher ranks, or a team twice.

    A row that only repeats the one before is left out.
    """
    table: list[StandingsRow] = []
    teams: set[tuple[int | None, str]] = set()
    for row in rows:
        if table and row == table[-1]:
            continue
        key = (row.team_id, "" if row.team_id else row.team)
        previous = table[-1].rank if table else None
        restarts = row.rank == 1 and previous is not None and previous > 1 and any(row.rank == 1 for row in table)
        if key in teams or restarts:
            yield table
            table, teams = [], set()
        table.append(row)
        teams.add(key)
    if table:
        yield table


def _with_unique_names(tables: Iterable[StandingsTable]) -> Iterator[StandingsTable]:
    """Append a number to a name that an earlier table has: "Group A (2)"."""
    seen: set[str] = set()
    for table in tables:
        name, count = table.name, 1
        while name in seen:
            count += 1
            name = f"{table.name} ({count})"
        seen.add(name)
        yield replace(table, name=name)


def _optional(parse: Callable[[Any], _T], value: Any) -> _T | None:
    try:
        return None if value is None else parse(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    """Return a text on one line; empty if it is missing or the API's "None"."""
    try:
        text = decode_name(value)
    except (TypeError, ValueError):
        return ""
    return "" if text == "None" else text
