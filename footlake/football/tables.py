"""The lake's CSV tables as text: rows are mappings from column to text, and the same rows give the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from footlake.football.fixtures import Team
from footlake.layout import TEAMCODE_COLUMNS


def read_table(text: str) -> list[dict[str, str]]:
    """The rows of a CSV with a header."""
    return list(csv.DictReader(io.StringIO(text)))


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """A CSV with a header, lines ended by a newline."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def merge_rows(columns: Sequence[str], rows: Iterable[Mapping[str, str]], text: str | None) -> str:
    """The table `text` (None where there is none) with these rows put in, each for the one of the same id.

    The first column is the id, and gives the order.
    """
    key = columns[0]
    table: dict[int, Mapping[str, str]] = {int(row[key]): row for row in read_table(text or "")}
    table.update((int(row[key]), row) for row in rows)
    return write_table(columns, (table[id] for id in sorted(table)))


def add_teams(text: str | None, teams: Iterable[Team]) -> str:
    """teamcodes.csv with the teams that it lacks appended; the API's fixtures carry no code, so theirs stays empty."""
    rows = read_table(text or "")
    known = {int(row["idTeam"]) for row in rows}
    missing = {team.id: team.name for team in teams if team.id not in known}
    if text and not missing:
        return text
    rows += [{"idTeam": str(id), "code": "", "name": missing[id]} for id in sorted(missing)]
    return write_table(TEAMCODE_COLUMNS, rows)
