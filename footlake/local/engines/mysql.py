"""Run a private MySQL or MariaDB server in a folder, without root and without the system's configuration."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from footlake.errors import FootlakeError, TimedOut
from footlake.local import debian_packages
from footlake.local.engines.mysql_program import DatabaseProgram, find_database_program
from footlake.local.engines.tls_certificate import (
    CERTIFICATE_FILE,
    KEY_FILE,
    create_tls_files,
    write_secret,
)

if TYPE_CHECKING:
    from pymysql.connections import Connection

HOST = "127.0.0.1"
ADMIN = "rdsadmin"  # RDS reserves the same account for itself

# Another process can take a port between the moment footlake chooses it and the moment the server binds it.
_START_ATTEMPTS = 3

# The server must end when the process that started it ends, even if that process is killed. A watcher in the server's
# process group reads from a pipe that only the starting process keeps open, and terminates the group at end of file. It
# signals the group instead of the process because the group id cannot be reused while the watcher belongs to the group.
_SHELL_WITH_WATCHER = 'exec 3<&0; { cat; kill -TERM -$$; } <&3 3<&- >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

# The privileges of the master user as RDS for MySQL lists them:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html
_MASTER_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)

# The value in RDS's default parameter group. It is not strict: an invalid value is stored changed, with a warning.
_SQL_MODE = "NO_ENGINE_SUBSTITUTION"

_OPTIONS = (
    "--character-set-server=utf8mb4",
    "--default-time-zone=+00:00",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--max-connections=100",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=2",  # survives a crash of the server, though not one of the machine
    "--innodb-use-native-aio=OFF",  # some containers do not offer it
)
_MARIADB_OPTIONS = ("--innodb-log-file-size=16M",)
_MYSQL_OPTIONS = ("--loose-mysqlx=OFF",)


@dataclass
class DatabaseServer:
    """A database server with its files in the folder `dir`, listening on 127.0.0.1 with TLS.

    `port` is the preferred port, 0 for any. If it is in use, the server takes another port and updates `port`.
    `tls` is the folder of the key and certificate, created if missing; the default is a folder in `dir`.
    Only one process at a time can run a server in `dir`, and the server ends when that process ends.
    """

    dir: Path
    port: int = 0
    program: DatabaseProgram | None = None
    tls: Path | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log_start: int = field(default=0, init=False, repr=False)  # length of the log when the last run began

    @property
    def running(self) -> bool:
        """Return whether the server process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def exists(self) -> bool:
        """Return whether the server has a data folder."""
        return self._data.exists()

    @property
    def certificate(self) -> Path:
        """Return the path of the self-signed certificate (PEM) with which clients verify the server."""
        return (self.tls or self.dir / "tls") / CERTIFICATE_FILE

    @property
    def log(self) -> Path:
        """Return the path of the server's error log."""
        return self.dir / "server.log"

    @property
    def _data(self) -> Path:
        return self.dir / "data"

    def start(self, timeout: float = 60, lock_timeout: float = 10) -> None:
        """Start the server, creating its files if they are missing, and return when it accepts connections.

        `timeout` limits the start, `lock_timeout` the wait for another server in the same folder to end; both in
        seconds. Raises FootlakeError or TimedOut, with the path of the log.
        """
        if self.running:
            return
        self.stop()
        program = self.program = self.program or find_database_program()
        with self._lock(lock_timeout) as lock:
            create_tls_files(self.certificate.parent)
            self._create_data(program)
            for _ in range(_START_ATTEMPTS):
                self.port = self.port if _is_port_free(self.port) else _find_free_port()
                self._process = self._spawn(program, lock)
                if self._wait_until_ready(timeout):
                    return
                if _is_port_free(self.port):  # the port was not the reason
                    break
        raise FootlakeError(f"The database server did not start: {self._read_error()}", hint=f"See the log: {self.log}")

    def wait(self) -> None:
        """Wait until the current server process has ended."""
        process = self._process
        if process:
            process.wait()

    def stop(self, timeout: float = 30) -> None:
        """Shut the server down cleanly; kill it after `timeout` seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # at least the watcher is still alive
        process.wait()
        assert process.stdin
        process.stdin.close()

    def erase(self, lock_timeout: float = 10) -> None:
        """Stop the server and delete all its files."""
        self.stop(timeout=0)
        if self.dir.exists():
            with self._lock(lock_timeout):
                shutil.rmtree(self.dir)

    def connect(self) -> Connection:
        """Connect as the server's administrator, for tasks that the master user is not allowed to do."""
        import pymysql

        return pymysql.connect(
            host=HOST,
            port=self.port,
            user=ADMIN,
            password=self._admin_password(),
            ssl_ca=str(self.certificate),
            ssl_verify_identity=True,
            autocommit=True,
            connect_timeout=10,
        )

    def set_master(self, user: str, password: str) -> None:
        """Create the master user, or change its password if it exists."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, password))
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password))
            cursor.execute(f"GRANT {_MASTER_PRIVILEGES} ON *.* TO %s@'%%' WITH GRANT OPTION", (user,))

    def create_database(self, name: str) -> None:
        """Create a database unless it exists."""
        with self.connect() as connection, connection.cursor() as cursor:
            quoted = name.replace("`", "``")
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{quoted}`")

    @contextmanager
    def _lock(self, timeout: float) -> Iterator[int]:
        self.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with debian_packages.file_lock(self.dir / "lock", timeout) as lock:
                yield lock
        except TimedOut:
            raise FootlakeError(
                f"The database in {self.dir} is already in use by another process.",
                hint="Stop that process first: footlake local stop",
            ) from None

    def _create_data(self, program: DatabaseProgram) -> None:
        """Create the data folder with the administrator's account, unless it exists.

        Works in a temporary folder, so that an interrupted run leaves no incomplete data folder.
        """
        if self.exists:
            return
        partial = self.dir / "data.new"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        accounts = [
            f"CREATE USER '{ADMIN}'@'{HOST}' IDENTIFIED BY '{self._admin_password()}';",
            f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'{HOST}' WITH GRANT OPTION;",
        ]
        if program.is_mariadb:
            # Only the system tables: the files with root, the anonymous users and the test database are left out.
            tables = program.system_tables().read_text(encoding="utf-8")
            sql = "\n".join(["CREATE DATABASE mysql;", "USE mysql;", tables, "FLUSH PRIVILEGES;", *accounts, ""])
            self._run_setup(program, ["--bootstrap", f"--datadir={partial}"], sql)
        else:
            script = self.dir / "accounts.sql"
            script.write_text(
                "\n".join([*accounts, "ALTER USER 'root'@'localhost' ACCOUNT LOCK;", ""]), encoding="utf-8"
            )
            self._run_setup(program, ["--initialize-insecure", f"--init-file={script}", f"--datadir={partial}"], "")
            script.unlink()
        partial.rename(self._data)

    def _run_setup(self, program: DatabaseProgram, arguments: Sequence[str], sql: str) -> None:
        """Run the program in one of its set-up modes, with `sql` as its input."""
        with self._open_log() as log:
            result = subprocess.run(
                [program.path, *program.options, *arguments, *self._common_options(program)],
                env=program.environment,
                input=sql.encode(),
                stdout=log,
                stderr=log,
                timeout=300,
            )
        if result.returncode != 0:
            raise FootlakeError(f"Could not create the database: {self._read_error()}", hint=f"See the log: {self.log}")

    def _spawn(self, program: DatabaseProgram, lock: int) -> subprocess.Popen[bytes]:
        # This process holds the folder's lock, so no other server uses these files.
        for leftover in ("mysqld.sock", "mysqld.sock.lock", "mysqld.pid"):
            (self._data / leftover).unlink(missing_ok=True)
        command = [
            str(program.path),
            *program.options,
            f"--datadir={self._data}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--socket=mysqld.sock",  # relative to the data folder: a socket's path is limited to 107 bytes
            "--pid-file=mysqld.pid",
            f"--ssl-cert={self.certificate}",
            f"--ssl-key={self.certificate.with_name(KEY_FILE)}",
            f"--sql-mode={_SQL_MODE}",
            *self._common_options(program),
        ]
        with self._open_log() as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", _SHELL_WITH_WATCHER, "sh", *command],
                env=program.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )

    def _common_options(self, program: DatabaseProgram) -> list[str]:
        # A server that starts deletes temporary tables in its temporary folder, including those of other servers.
        temporary = self.dir / "tmp"
        temporary.mkdir(exist_ok=True)
        return [f"--tmpdir={temporary}", *_OPTIONS, *(_MARIADB_OPTIONS if program.is_mariadb else _MYSQL_OPTIONS)]

    def _open_log(self) -> BinaryIO:
        log = self.log.open("ab")
        self._log_start = log.tell()
        return log

    def _wait_until_ready(self, timeout: float) -> bool:
        """Wait until the spawned server accepts connections; return False if it has ended. Raises TimedOut."""
        import pymysql

        assert self._process
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.connect().close()
                return True
            except pymysql.OperationalError as error:
                if time.monotonic() > deadline:
                    self.stop(timeout=0)
                    raise TimedOut(
                        f"The database server did not answer within {timeout:.0f} seconds: {error}",
                        hint=f"See the log: {self.log}",
                    ) from None
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            self.stop()
            return False

    def _admin_password(self) -> str:
        path = self.dir / "rdsadmin"
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(24).encode())
        return path.read_text(encoding="utf-8")

    def _read_error(self) -> str:
        """Return the first error that the last run logged; later errors are its consequences."""
        lines = self.log.read_bytes()[self._log_start :].decode(errors="replace").splitlines()
        return next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no error message")


def _is_port_free(port: int) -> bool:
    """Return whether a server could bind the port now; False for port 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return port != 0


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
