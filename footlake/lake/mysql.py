"""Session settings of MySQL, and transactions that are repeated after a lock conflict.

Shared by the commands and the Glue jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

# The default of MySQL 8.4. RDS's own default is not strict: it stores a value that does not fit in its column changed.
SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION"
)
# Lock wait timeout and deadlock: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
LOCK_CONFLICTS = (1205, 1213)
NO_SUCH_TABLE = 1146
ATTEMPTS = 5

T = TypeVar("T")


class MissingTable(Exception):
    """A table is missing because an earlier version of footlake created the database's tables."""


class LockConflict(Exception):
    """Other transactions kept the locks that a transaction needs."""


def run_transaction(connection: Any, change: Callable[[Any], T]) -> T:
    """Return the result of `change(cursor)`, committed, or rolled back if it raises.

    MySQL asks to repeat a transaction that ended in a deadlock or waited too long for a lock, so `change` can be called
    up to ATTEMPTS times. Raises LockConflict after the last one, and MissingTable if a table does not exist.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            connection.begin()
            with connection.cursor() as cursor:
                result = change(cursor)
            connection.commit()
            return result
        except Exception as error:
            with suppress(Exception):  # if the connection is lost, the server rolls back
                connection.rollback()
            if error.args[:1] == (NO_SUCH_TABLE,):
                raise MissingTable(
                    f"{error.args[-1]}. Run the command load-mysql, which creates missing tables."
                ) from error
            if not is_lock_conflict(error):
                raise
            if attempt == ATTEMPTS:
                raise LockConflict(
                    f"MySQL did not get its locks in {ATTEMPTS} attempts: {error.args[-1]}. Another transaction holds "
                    "them: end it (SHOW PROCESSLIST lists the connections), then load again."
                ) from error
    raise AssertionError("unreachable")


def cut_texts(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return rows with these columns, texts cut to the lengths of the table's columns.

    A strict MySQL rejects a row with a longer text. A character takes up to four bytes.
    """
    cursor.execute(
        "SELECT column_name, character_octet_length DIV 4 FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = %s AND character_octet_length IS NOT NULL",
        (table,),
    )
    by_column = dict(cursor.fetchall())
    lengths = [by_column.get(column) for column in columns]
    return [
        tuple(cell[:length] if isinstance(cell, str) else cell for cell, length in zip(row, lengths, strict=True))
        for row in rows
    ]


def is_lock_conflict(error: Exception) -> bool:
    """Return whether an exception of the MySQL client is a deadlock or a lock wait timeout."""
    return bool(error.args) and error.args[0] in LOCK_CONFLICTS
