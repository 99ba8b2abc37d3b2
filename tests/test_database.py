"""Connecting to the MySQL database of the lake, and creating its tables."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymysql import DataError
from pymysql.connections import Connection

from footlake.config import Config
from footlake.data.package_files import package_folder
from footlake.database import apply_schema, certificate_authorities, connect, split_statements
from footlake.errors import FootlakeError, NotReady
from footlake.lake.mysql import run_transaction
from footlake.local.engines.mysql import HOST, DatabaseServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    server.set_master("admin", "a-password")
    server.create_database("lake")
    yield server
    server.stop()


@pytest.fixture
def connection(server: DatabaseServer) -> Iterator[Connection]:
    with connect(HOST, server.port, "admin", "a-password", "lake", server.certificate.read_text()) as connection:
        yield connection


def query(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def test_connection_is_encrypted(connection: Connection) -> None:
    [(_, cipher)] = query(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    assert cipher


def test_a_server_without_tls_gets_no_password() -> None:
    # The handshake of MySQL 8, without the bit that offers TLS.
    capabilities = 0xFFFFF7FF
    greeting = (b"\x0a8.4.0\0" + bytes(4) + b"saltsalt" + b"\0" + (capabilities & 0xFFFF).to_bytes(2, "little")) + (
        b"\xff\x02\0" + (capabilities >> 16).to_bytes(2, "little") + b"\x15" + bytes(10) + b"saltsaltsalt\0"
    )
    greeting += b"mysql_native_password\0"
    received = []

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
            received.append(client.recv(1024))

    with socket.create_server((HOST, 0)) as listener:
        serving = threading.Thread(target=serve, args=(listener,))
        serving.start()
        with pytest.raises(FootlakeError, match="does not support TLS"):
            connect(HOST, listener.getsockname()[1], "admin", "a-password", "lake", certificate_authorities(Config()))
        serving.join()
    assert received == [b""]


def test_a_server_with_an_unknown_certificate_gets_no_password(server: DatabaseServer) -> None:
    with pytest.raises(FootlakeError, match=r"The certificate of the database at .* is not trusted") as refused:
        connect(HOST, server.port, "admin", "a-password", "lake", certificate_authorities(Config()))
    assert "FOOTLAKE_MYSQL_CA" in refused.value.hint


def test_the_default_authorities_are_those_of_rds_and_a_setting_replaces_them(tmp_path: Path) -> None:
    context = ssl.create_default_context(cadata=certificate_authorities(Config()))
    certificates: list[dict[str, Any]] = context.get_ca_certs()
    names = {dict(pair[0] for pair in certificate["subject"])["commonName"] for certificate in certificates}
    assert {f"Amazon RDS {region} Root CA RSA2048 G1" for region in ("us-east-1", "eu-west-3")} <= names
    (tmp_path / "ca.pem").write_text("another")
    assert certificate_authorities(Config(mysql_ca=str(tmp_path / "ca.pem"))) == "another"


def test_a_wrong_password_and_a_closed_port_are_different_errors(server: DatabaseServer) -> None:
    with pytest.raises(FootlakeError, match="denied access to the user admin") as denied:
        connect(HOST, server.port, "admin", "wrong", "lake", server.certificate.read_text())
    assert "a-password" not in str(denied.value) and "bootstrap" in denied.value.hint
    with socket.create_server((HOST, 0)) as listener:
        closed = listener.getsockname()[1]
    with pytest.raises(FootlakeError, match=f"Cannot connect to the database at {HOST}:{closed}") as unreachable:
        connect(HOST, closed, "admin", "a-password", "lake", server.certificate.read_text())
    assert "your IP address may have changed" in unreachable.value.hint


def test_an_unknown_host_cannot_be_connected_to() -> None:
    with pytest.raises(FootlakeError, match=r"Cannot connect to the database at nowhere\.invalid:3306"):
        connect("nowhere.invalid", 3306, "admin", "a-password", "lake", certificate_authorities(Config()))


def test_a_missing_database_requires_bootstrap(server: DatabaseServer) -> None:
    with pytest.raises(NotReady, match="Database pond does not exist"):
        connect(HOST, server.port, "admin", "a-password", "pond", server.certificate.read_text())


def test_schema_is_created_and_applying_it_again_keeps_the_rows(connection: Connection) -> None:
    apply_schema(connection)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO teams (idteam, code, name) VALUES (40, 'LIV', 'Liverpool')")
    connection.commit()
    apply_schema(connection)
    assert query(connection, "SELECT name FROM teams") == [("Liverpool",)]
    assert {"fixtures", "teams"} <= {name for (name,) in query(connection, "SHOW TABLES")}


def test_expected_goals_have_three_decimals(connection: Connection) -> None:
    apply_schema(connection)
    types = dict(
        query(
            connection,
            "SELECT column_name, column_type FROM information_schema.columns"
            " WHERE table_schema = 'lake' AND table_name = 'fixtures' AND column_name LIKE 'xgoals%'",
        )
    )
    assert types == {"xgoalshometeam": "decimal(5,3)", "xgoalsawayteam": "decimal(5,3)"}


def test_values_that_do_not_fit_are_refused(connection: Connection) -> None:
    apply_schema(connection)
    with pytest.raises(DataError, match="Out of range value"):
        query(
            connection,
            "INSERT INTO fixtures (idfixture, idhometeam, idawayteam, idleague, season, goalshometeam)"
            " VALUES (1, 2, 3, 39, 2020, 99999)",
        )


def test_a_transaction_that_ends_in_a_deadlock_is_repeated(server: DatabaseServer, connection: Connection) -> None:
    query(connection, "CREATE TABLE counters (id INT PRIMARY KEY, n INT) ENGINE = InnoDB")
    query(connection, "INSERT INTO counters VALUES (1, 0), (2, 0)")
    connection.commit()
    both_locked = threading.Barrier(2)
    attempts = []

    def increment(first: int, second: int) -> None:
        first_attempt = True

        def change(cursor: Any) -> None:
            nonlocal first_attempt
            attempts.append(first)
            cursor.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (first,))
            if first_attempt:
                first_attempt = False
                both_locked.wait(30)
            cursor.execute("UPDATE counters SET n = n + 1 WHERE id = %s", (second,))

        authorities = server.certificate.read_text()
        with connect(HOST, server.port, "admin", "a-password", "lake", authorities) as own:
            run_transaction(own, change)

    with ThreadPoolExecutor(2) as pool:
        for transaction in [pool.submit(increment, 1, 2), pool.submit(increment, 2, 1)]:
            transaction.result()
    assert len(attempts) == 3
    assert query(connection, "SELECT n FROM counters") == [(2,), (2,)]


def test_a_schema_change_reports_a_table_that_stays_locked(
    server: DatabaseServer, connection: Connection, tmp_path: Path
) -> None:
    query(connection, "CREATE TABLE held (n INT)")
    query(connection, "SET SESSION lock_wait_timeout = 1")
    (tmp_path / "held.sql").write_text("ALTER TABLE held ADD COLUMN more INT;\n")
    with server.connect() as other:
        other.begin()
        query(other, "SELECT * FROM lake.held")
        with pytest.raises(FootlakeError, match="another transaction has locked them"):
            apply_schema(connection, tmp_path)
    apply_schema(connection, tmp_path)
    assert query(connection, "SELECT more FROM held") == []


def test_files_are_applied_in_name_order(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "b.sql").write_text("CREATE OR REPLACE VIEW ordered AS SELECT n FROM base;\n")
    (tmp_path / "a.sql").write_text("-- first;\nCREATE TABLE IF NOT EXISTS base (\n    n INT\n);\n")
    apply_schema(connection, tmp_path)
    assert query(connection, "SELECT n FROM ordered") == []


def test_a_statement_ends_with_a_semicolon_at_the_end_of_a_line() -> None:
    sql = "-- a comment; with a semicolon\nSELECT ';' AS mark;\n\nSELECT 2 -- two\n    AS two; \n  -- the end\n"
    assert list(split_statements(sql)) == ["SELECT ';' AS mark", "SELECT 2 -- two\n    AS two"]


def test_the_package_has_sql_files_and_glue_scripts() -> None:
    assert {"fixtures.sql", "teams.sql"} <= {path.name for path in package_folder("sql").iterdir()}
    assert "mysqldbingestion.py" in {path.name for path in package_folder("glue").iterdir()}
