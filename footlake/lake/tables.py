"""The lake's CSV tables as text. Rows map columns to text, and the same rows always give the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from footlake.lake.schemas import TEAMCODE_COLUMNS


class BadTable(ValueError):
    """A CSV of the lake that does not have the form in which footlake writes it; the message is for users."""


def read_table(text: str, *columns: str) -> list[dict[str, str]]:
    """Return the rows of a CSV with a header.

    Raises BadTable if the CSV lacks one of these columns, or if the first of them is not an id in some row. Skips empty
    lines and the byte order mark that some editors write.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    rows = list(reader)
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if text and missing:
        raise BadTable(f"the header lacks {', '.join(missing)}; it is: {','.join(reader.fieldnames or ())}")
    for row in rows:
        if columns and not (row[columns[0]] or "").isdecimal():
            raise BadTable(f"{row[columns[0]]!r} is not a valid {columns[0]}")
    return rows


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows as a CSV with a header and LF line ends."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def merge_rows(columns: Sequence[str], rows: Iterable[Mapping[str, str]], text: str | None) -> str:
    """Return the table `text` (None if it does not exist) with these rows added or replaced, ordered by id.

    The first column is the id.
    """
    id_column = columns[0]
    table: dict[int, Mapping[str, str]] = {int(row[id_column]): row for row in read_table(text or "", id_column)}
    table.update((int(row[id_column]), row) for row in rows)
    return write_table(columns, (table[row_id] for row_id in sorted(table)))


def append_new_teams(text: str | None, names: Mapping[int, str], renamed: Mapping[int, str] | None = None) -> str:
    """Return teamcodes.csv with the teams (name by id) that it lacks, and with the new names of those `renamed`.

    All other rows stay, as users may edit them. The code of a new team is empty because the API's fixtures do not
    contain codes.
    """
    rows = read_table(text or "", *TEAMCODE_COLUMNS)
    existing = {int(row["idTeam"]): row for row in rows}
    new = {team_id: names[team_id] for team_id in sorted(names) if team_id not in existing}
    changed = {team_id: name for team_id, name in (renamed or {}).items() if team_id in existing}
    for team_id, name in changed.items():
        existing[team_id]["name"] = name
    if text and not new and not changed:
        return text
    rows += [{"idTeam": str(team_id), "code": "", "name": name} for team_id, name in new.items()]
    return write_table(TEAMCODE_COLUMNS, rows)
