"""Connect to the MySQL database of the lake, always with TLS, and create its tables and views."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footlake.config import Config
from footlake.data.package_files import package_folder
from footlake.errors import BOOTSTRAP_FIRST, FootlakeCommand, FootlakeError, Hint, NotReady
from footlake.lake.mysql import SQL_MODE, LockConflict, run_transaction

if TYPE_CHECKING:
    from pymysql import OperationalError
    from pymysql.connections import Connection as Connection

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60
TABLE_LOCK_SECONDS = 5

# https://dev.mysql.com/doc/mysql-errors/8.4/en/
_ACCESS_DENIED = (1044, 1045)
_UNKNOWN_DATABASE = 1049
_CANNOT_CONNECT = 2003
_NO_TLS = 2026


def certificate_authorities(config: Config) -> str:
    """Return the CA certificates (PEM) of the database: those of RDS, or those of the setting `mysql_ca`."""
    file = Path(config.mysql_ca).expanduser() if config.mysql_ca else Path(__file__).parent / "data/rds-ca.pem"
    return file.read_text(encoding="utf-8-sig")


def check_authorities(config: Config) -> None:
    """Raise FootlakeError if footlake has no CA certificates for the region's databases and no setting names a file.

    AWS publishes the certificates of each region: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
    """
    import ssl

    if config.mysql_ca:
        return
    certificates: list[dict[str, Any]] = ssl.create_default_context(
        cadata=certificate_authorities(config)
    ).get_ca_certs()
    names = [value for certificate in certificates for ((_, value), *_) in certificate["subject"]]
    if any(name.startswith(f"Amazon RDS {config.region} ") for name in names):
        return
    raise FootlakeError(
        f"footlake has no CA certificates for databases in {config.region}.",
        f"Download https://truststore.pki.rds.amazonaws.com/{config.region}/{config.region}-bundle.pem and set "
        "FOOTLAKE_MYSQL_CA to the file. Then run the same command again.",
    )


def connect(host: str, port: int, user: str, password: str, database: str, authorities: str) -> Connection:
    """Connect over TLS to a server whose certificate one of `authorities` (PEM) has signed.

    Raises FootlakeError with the reason, and NotReady when the database does not exist.
    """
    import ssl

    import pymysql

    try:
        return pymysql.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            database=database,
            charset="utf8mb4",
            ssl=ssl.create_default_context(cadata=authorities),
            sql_mode=SQL_MODE,
            # By default, a statement waits for a year until no other transaction uses a table that it changes.
            init_command=f"SET SESSION lock_wait_timeout = {TABLE_LOCK_SECONDS}",
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            write_timeout=ANSWER_SECONDS,
        )
    except pymysql.OperationalError as error:
        raise _connection_error(error, f"{host}:{port}", user, database) from error


def apply_schema(connection: Connection, folder: Path | None = None) -> None:
    """Create missing tables and views with the SQL files of footlake, or of `folder`, in the order of their names.

    Raises FootlakeError if another transaction keeps the locks on them.
    """
    for path in sorted((folder or package_folder("sql")).glob("*.sql")):
        for statement in split_statements(path.read_text(encoding="utf-8")):
            _execute(connection, statement)


def _execute(connection: Connection, statement: str) -> None:
    """Execute a statement. Raises FootlakeError if another transaction keeps the locks on its tables."""
    try:
        run_transaction(connection, lambda cursor: cursor.execute(statement))
    except LockConflict as error:
        raise FootlakeError(
            "Cannot update the tables of the database: another transaction has locked them.",
            "End the transaction (SHOW PROCESSLIST lists the connections), then run the same command again.",
        ) from error


def split_statements(sql: str) -> Iterator[str]:
    """Yield the statements of an SQL file.

    A statement ends with `;` at the end of a line. A comment takes a whole line.
    """
    code = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    for statement in re.split(r";[ \t]*$", code, flags=re.MULTILINE):
        if statement.strip():
            yield statement.strip()


def _connection_error(error: OperationalError, server: str, user: str, database: str) -> FootlakeError:
    code, reason = error.args[0], str(error.args[-1])
    if code in _ACCESS_DENIED:
        return FootlakeError(
            f"The database at {server} denied access to the user {user}: {reason}.",
            hint=Hint(
                "Run ",
                FootlakeCommand("bootstrap"),
                " again. If that does not help, reset the master password of the instance.",
            ),
        )
    if code == _UNKNOWN_DATABASE:
        return NotReady(f"Database {database} does not exist at {server}.", hint=BOOTSTRAP_FIRST)
    if code == _NO_TLS:
        return FootlakeError(
            f"The database at {server} does not support TLS.",
            hint="footlake sends passwords over TLS only. Use a database server that supports it.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return FootlakeError(
            f"The certificate of the database at {server} is not trusted: {reason}.",
            hint=Hint(
                "If footlake lacks the CA certificates of your region, download "
                "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem and set FOOTLAKE_MYSQL_CA to "
                "the file. Then run ",
                FootlakeCommand("bootstrap"),
                ", which also updates the Glue connection.",
            ),
        )
    if code == _CANNOT_CONNECT:
        return FootlakeError(
            f"Cannot connect to the database at {server}: {getattr(error, 'original_exception', reason)}.",
            hint=Hint(
                "The database may be stopped, or your IP address may have changed. Run ",
                FootlakeCommand("bootstrap"),
                " to allow your current address.",
            ),
        )
    return FootlakeError(f"The database at {server} rejected the connection: {reason}.")
