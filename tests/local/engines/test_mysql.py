"""Find, start, stop and kill a real database server."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection

from footlake.errors import FootlakeError
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.local.engines.mysql_program import DatabaseProgram, find_database_program, installed_programs

PARENT_PROGRAM = """
import sys
from pathlib import Path
from footlake.local.engines.mysql import DatabaseServer
server = DatabaseServer(Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    server.set_master("admin", "first'pass%word")
    server.create_database("lake")
    yield server
    server.stop()


def as_master(server: DatabaseServer, password: str = "first'pass%word", **options: Any) -> Connection:
    connection: Connection = pymysql.connect(
        host=HOST, port=server.port, user="admin", password=password, ssl_ca=str(server.certificate), **options
    )
    return connection


def query(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_master_creates_fills_and_reads_tables(server: DatabaseServer) -> None:
    with as_master(server, database="lake") as connection:
        query(connection, "CREATE TABLE teams (idteam INT PRIMARY KEY, name VARCHAR(40))")
        query(connection, "INSERT INTO teams VALUES (40, 'Liverpool'), (157, 'Bayern München')")
        connection.commit()
    with as_master(server, database="lake") as connection:
        assert query(connection, "SELECT name FROM teams ORDER BY idteam") == [("Liverpool",), ("Bayern München",)]


def test_connections_are_encrypted_with_a_certificate_that_verifies(server: DatabaseServer) -> None:
    with as_master(server, ssl_verify_identity=True) as connection:
        [(_, cipher)] = query(connection, "SHOW STATUS LIKE 'Ssl_cipher'")
        assert cipher


def test_the_master_has_rds_privileges_and_no_more(server: DatabaseServer) -> None:
    with as_master(server) as connection:
        [(grants,)] = query(connection, "SHOW GRANTS")
    assert "CREATE USER" in grants and "WITH GRANT OPTION" in grants
    assert "SUPER" not in grants and "FILE" not in grants and "ALL PRIVILEGES" not in grants


@pytest.mark.parametrize("user", ["root", "", "nobody"])
def test_no_account_works_without_a_password(server: DatabaseServer, user: str) -> None:
    with pytest.raises(pymysql.OperationalError) as refused:
        pymysql.connect(host=HOST, port=server.port, user=user or "''", password="")
    assert refused.value.args[0] == 1045


def test_a_value_out_of_range_is_stored_clipped_as_on_rds(server: DatabaseServer) -> None:
    with as_master(server, database="lake") as connection:
        query(connection, "CREATE TABLE clipped (n TINYINT)")
        query(connection, "INSERT INTO clipped VALUES (1000)")
        assert query(connection, "SELECT n FROM clipped") == [(127,)]


def test_server_listens_on_the_loopback_address_only(server: DatabaseServer) -> None:
    with server.connect() as connection:
        [(_, address)] = query(connection, "SHOW VARIABLES LIKE 'bind_address'")
    assert address == HOST


def test_rows_port_and_accounts_survive_a_restart(tmp_path: Path) -> None:
    server = DatabaseServer(tmp_path / "a folder whose name is long and has spaces" / ("x" * 100))
    server.start()
    server.set_master("admin", "password1")
    server.create_database("lake")
    with as_master(server, "password1", database="lake") as connection:
        query(connection, "CREATE TABLE kept (n INT)")
        query(connection, "INSERT INTO kept VALUES (7)")
        connection.commit()
    port = server.port
    server.stop()
    assert not server.running

    restarted = DatabaseServer(server.dir, port)
    restarted.start()
    try:
        assert restarted.port == port
        with as_master(restarted, "password1", database="lake") as connection:
            assert query(connection, "SELECT n FROM kept") == [(7,)]
    finally:
        restarted.stop()


def test_a_new_password_replaces_the_old_one(tmp_path: Path) -> None:
    server = DatabaseServer(tmp_path)
    server.start()
    try:
        server.set_master("admin", "password1")
        server.set_master("admin", "password2")
        as_master(server, "password2").close()
        with pytest.raises(pymysql.OperationalError, match="Access denied"):
            as_master(server, "password1")
    finally:
        server.stop()


def test_another_port_is_used_when_the_preferred_one_is_taken(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as listener:
        taken = listener.getsockname()[1]
        server = DatabaseServer(tmp_path, taken)
        server.start()
        try:
            assert server.port != taken
            server.connect().close()
        finally:
            server.stop()


def test_a_folder_is_served_by_one_process_only(server: DatabaseServer) -> None:
    with pytest.raises(FootlakeError, match="already in use by another process"):
        DatabaseServer(server.dir).start(lock_timeout=0)
    server.connect().close()


def test_server_ends_with_its_killed_parent_and_keeps_committed_rows(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT_PROGRAM, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        port = int(parent.stdout.readline())
        orphaned = DatabaseServer(tmp_path, port)
        orphaned.set_master("admin", "password1")
        orphaned.create_database("lake")
        with as_master(orphaned, "password1", database="lake") as connection:
            query(connection, "CREATE TABLE kept (n INT)")
            query(connection, "INSERT INTO kept VALUES (7)")
            connection.commit()
        parent.kill()

    server = DatabaseServer(tmp_path, port)
    server.start()  # waits until the orphaned server releases the lock of the folder
    try:
        assert server.port == port
        with as_master(server, "password1", database="lake") as connection:
            assert query(connection, "SELECT n FROM kept") == [(7,)]
    finally:
        server.stop()


def test_server_starts_again_after_its_process_was_killed(tmp_path: Path) -> None:
    server = DatabaseServer(tmp_path)
    server.start()
    server.set_master("admin", "password1")
    assert server._process
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait()
    assert not server.running
    server.start()
    try:
        as_master(server, "password1").close()
    finally:
        server.stop()


def test_an_unfinished_initialisation_starts_over(tmp_path: Path) -> None:
    half = tmp_path / "data.new"
    half.mkdir()
    (half / "ibdata1").write_bytes(b"half a tablespace")
    server = DatabaseServer(tmp_path)
    server.start()
    server.stop()
    assert not half.exists()


def test_servers_may_start_at_the_same_time(tmp_path: Path) -> None:
    servers = [DatabaseServer(tmp_path / str(number)) for number in range(4)]
    with ThreadPoolExecutor() as threads:
        list(threads.map(DatabaseServer.start, servers))
    try:
        assert all(server.running for server in servers)
        assert len({server.port for server in servers}) == 4
    finally:
        for server in servers:
            server.stop()


def test_a_damaged_data_folder_is_reported_with_the_servers_error(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ibdata1").write_bytes(b"not a tablespace")
    with pytest.raises(FootlakeError, match=r"did not start: .*ERROR") as failure:
        DatabaseServer(tmp_path).start()
    assert str(tmp_path / "server.log") in failure.value.hint


def test_erase_stops_the_server_and_leaves_nothing(tmp_path: Path) -> None:
    server = DatabaseServer(tmp_path / "db")
    server.start()
    server.erase()
    assert not server.running
    assert list(tmp_path.iterdir()) == []


def test_named_program_that_does_not_run_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOOTLAKE_MYSQLD", str(tmp_path / "mysqld"))
    with pytest.raises(FootlakeError, match="which does not run") as error:
        find_database_program()
    assert "apt-get install mariadb-server-core" in error.value.hint


def test_named_program_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = find_database_program()
    named = tmp_path / "my-mysqld"
    libraries = shlex.quote(program.environment.get("LD_LIBRARY_PATH", ""))
    named.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {shlex.quote(str(program.path))} "$@"\n')
    named.chmod(0o755)
    monkeypatch.setenv("FOOTLAKE_MYSQLD", str(named))
    assert find_database_program() == DatabaseProgram(named, program.version)


@pytest.mark.skipif(any(installed_programs()), reason="a server is installed here, so none is fetched")
def test_without_a_server_or_apt_the_hint_names_packages_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FOOTLAKE_MYSQLD", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FootlakeError, match="This machine has no MySQL or MariaDB server") as error:
        find_database_program()
    assert "brew install mariadb" in error.value.hint
    assert "FOOTLAKE_MYSQLD" in error.value.hint


@pytest.mark.thorough
@pytest.mark.skipif(any(installed_programs()) or not shutil.which("apt-get"), reason="nothing is fetched here")
def test_two_concurrent_downloads_share_one_copy(tmp_path: Path) -> None:
    script = "from footlake.local.engines import mysql_program as m; print(m.find_database_program().path)"
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    fetching = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    programs = {process.communicate()[0].strip() for process in fetching}
    assert [process.returncode for process in fetching] == [0, 0]
    assert len(programs) == 1
    assert Path(programs.pop()).is_relative_to(tmp_path)
    assert not list(tmp_path.glob("footlake/mariadb/.unpack-*"))
