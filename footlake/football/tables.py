"""The lake's CSV tables as text: rows are mappings from column to text, and the same rows give the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from footlake.football.fixtures import FixtureTeam
from footlake.lake.schemas import TEAMCODE_COLUMNS


class BadTable(ValueError):
    """A CSV of the lake is not what the lake writes; the message is a sentence for people."""


def read_table(text: str, *columns: str) -> list[dict[str, str]]:
    """The rows of a CSV with a header. BadTable where it lacks one of these columns, or a row's first is no id.

    Empty lines, and the mark that some editors put before everything, are passed over.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    rows = list(reader)
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if text and missing:
        raise BadTable(f"Its header lacks {', '.join(missing)}: {','.join(reader.fieldnames or ())}")
    for row in rows:
        if columns and not (row[columns[0]] or "").isdecimal():
            raise BadTable(f"{row[columns[0]]!r} is no {columns[0]}")
    return rows


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
    table: dict[int, Mapping[str, str]] = {int(row[key]): row for row in read_table(text or "", key)}
    table.update((int(row[key]), row) for row in rows)
    return write_table(columns, (table[id] for id in sorted(table)))


def append_new_teams(text: str | None, teams: Iterable[FixtureTeam]) -> str:
    """teamcodes.csv with the teams that it lacks appended; what is there is its editor's, names included.

    The API's fixtures carry no code, so that of a new one stays empty.
    """
    rows = read_table(text or "", *TEAMCODE_COLUMNS)
    known = {int(row["idTeam"]) for row in rows}
    missing = {team.id: team.name for team in teams if team.id not in known}
    if text and not missing:
        return text
    rows += [{"idTeam": str(id), "code": "", "name": missing[id]} for id in sorted(missing)]
    return write_table(TEAMCODE_COLUMNS, rows)
