"""A MySQL-protocol server of one's own: found or unpacked, started and stopped, without root or the system's set-up."""

from __future__ import annotations

import ipaddress
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from footlake.config import MYSQLD_VARIABLE
from footlake.errors import FootlakeError, TimedOut
from footlake.local import debian_packages

if TYPE_CHECKING:
    from pymysql.connections import Connection

HOST = "127.0.0.1"
ADMIN = "rdsadmin"  # the account that RDS, too, keeps to itself

_PROGRAMS = ("mariadbd", "mysqld")
_BESIDE_PATH = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec", "/opt/homebrew/bin")
_PACKAGE = "mariadb-server-core"
_INSTALL = (
    "Install MariaDB's server (apt-get install mariadb-server-core, dnf install mariadb-server, brew install mariadb) "
    "or name its program in FOOTLAKE_MYSQLD."
)


@dataclass(frozen=True)
class DatabaseProgram:
    """A server program that runs here."""

    path: Path
    version: str
    unpacked: Path | None = None  # the root of an unpacked copy, None for an installed program

    @property
    def is_mariadb(self) -> bool:
        """Whether it is MariaDB; otherwise it is MySQL."""
        return "MariaDB" in self.version

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which the program finds its libraries."""
        return debian_packages.library_environment(self.unpacked)

    @property
    def options(self) -> list[str]:
        """What every run of the program is given, its first argument first."""
        options = ["--no-defaults"]
        if self.unpacked:
            options.append(f"--basedir={self.unpacked / 'usr'}")
        if os.geteuid() == 0:
            options.append("--user=root")
        return options

    def system_tables(self) -> Path:
        """The SQL with which MariaDB creates its system tables."""
        prefix = self.path.resolve().parent.parent
        for share in (prefix / "share", Path("/usr/share")):
            for found in (*share.glob("*/mariadb_system_tables.sql"), *share.glob("*/mysql_system_tables.sql")):
                return found
        raise FootlakeError(f"{self.path} lacks its system tables' SQL.", hint=_INSTALL)


def find_database_program(say: Callable[[str], None] = lambda line: None) -> DatabaseProgram:
    """The server program to use: the one named in FOOTLAKE_MYSQLD, an installed one, or a copy unpacked into the cache.

    The copy is fetched with apt where there is one, as an ordinary user; `say` is told before that takes a few seconds.
    """
    named = os.environ.get(MYSQLD_VARIABLE)
    if named:
        engine = _probe(Path(named))
        if not engine:
            raise FootlakeError(f"{MYSQLD_VARIABLE} names {named}, which does not run.", hint=_INSTALL)
        return engine
    for program in installed_programs():
        engine = _probe(program)
        if engine:
            return engine
    return _unpacked(debian_packages.cache_folder("mariadb"), say)


def installed_programs() -> Iterator[Path]:
    path = os.pathsep.join((os.environ.get("PATH", ""), *_BESIDE_PATH))
    for name in _PROGRAMS:
        program = shutil.which(name, path=path)
        if program:
            yield Path(program)


def _probe(program: Path, unpacked: Path | None = None) -> DatabaseProgram | None:
    try:
        answer = subprocess.run(
            [program, "--no-defaults", "--version"],
            env=debian_packages.library_environment(unpacked),
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = answer.stdout.partition(" Ver ")[2].strip()
    return DatabaseProgram(program, version, unpacked) if answer.returncode == 0 and version else None


def _unpacked(copy: Path, say: Callable[[str], None]) -> DatabaseProgram:
    """The engine unpacked at `copy`, which is filled first if need be, by one process at a time and all at once."""
    program = copy / "usr" / "sbin" / "mariadbd"

    def fetch(apt: debian_packages.Apt) -> None:
        say("fetching MariaDB's server, once (about 17 MB)")
        apt.unpack(apt.find_newest(_PACKAGE))

    engine = debian_packages.find_or_unpack(
        copy, lambda: _probe(program, copy), fetch, "MySQL or MariaDB server", _INSTALL
    )
    if not engine:
        raise FootlakeError(f"The MariaDB unpacked in {copy} does not run.", hint=_INSTALL)
    return engine


# The server must not outlive the process that started it, however that one dies. A watcher in the server's own process
# group waits for the end of a pipe that only that process holds open. It signals the group, not the process: the
# group's id cannot have passed to a stranger while the watcher itself is in it.
_WATCHED = 'exec 3<&0; { cat; kill -TERM -$$; } <&3 3<&- >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'

# The privileges of the master user as RDS for MySQL lists them:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html
_MASTER_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)

# MySQL 8.4's default, which MariaDB's lacks in part.
_SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION"
)


CERTIFICATE = "certificate.pem"


@dataclass
class DatabaseServer:
    """A database server of its own in the folder `dir`, on 127.0.0.1 and with TLS.

    `tls` is the folder of its key and certificate, made where there is none; by default its own.
    `port` is the one wished for, 0 for any. Where it is taken the server comes up on another, and `port` says which.
    One folder is served by one process only; the server ends with the process that started it.
    """

    dir: Path
    port: int = 0
    program: DatabaseProgram | None = None
    tls: Path | None = None
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _said_before: int = field(default=0, init=False, repr=False)  # the log's length when the last run began

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._child is not None and self._child.poll() is None

    @property
    def exists(self) -> bool:
        """Whether the server has data."""
        return (self.dir / "data").exists()

    @property
    def certificate(self) -> Path:
        """The self-signed certificate by which clients can know the server, in PEM form."""
        return (self.tls or self.dir / "tls") / CERTIFICATE

    @property
    def log(self) -> Path:
        """What the server has to say about itself."""
        return self.dir / "server.log"

    def start(self, timeout: float = 60, lock_timeout: float = 10) -> None:
        """Bring the server up, creating its files first if they are new; return when it answers.

        `limit` is how many seconds that may take, `patience` how many to wait for a predecessor that is still ending.
        """
        if self.running:
            return
        self.stop()
        engine = self.program = self.program or find_database_program()
        with self._lock(lock_timeout) as lock:
            create_tls_files(self.certificate.parent)
            self._initialise(engine)
            # Between the choice of a port and its use somebody else may take it. Twice is bad luck, more often is not.
            for _ in range(3):
                self.port = self.port if _free(self.port) else _any_free()
                self._child = self._spawn(engine, lock)
                if self._answers(timeout):
                    return
                if _free(self.port):
                    break
        raise FootlakeError(f"The database server did not start: {self._error()}", hint=f"See {self.log}.")

    def wait(self) -> None:
        """Return when the process that serves now has ended, whoever ends it."""
        child = self._child
        if child:
            child.wait()

    def stop(self, timeout: float = 30) -> None:
        """Shut the server down cleanly; after `limit` seconds, kill it."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(child.pid, signal.SIGKILL)  # the watcher, at least
        except ProcessLookupError:
            pass
        child.wait()
        assert child.stdin
        child.stdin.close()

    def erase(self, lock_timeout: float = 10) -> None:
        """Stop the server and delete all of its files."""
        self.stop(timeout=0)
        if self.dir.exists():
            with self._lock(lock_timeout):
                shutil.rmtree(self.dir)

    def connect(self) -> Connection:
        """A connection as the server's own administrator, for what the master user must not do."""
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
        """Create the master user, or change the password of the one there is."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, password))
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password))
            cursor.execute(f"GRANT {_MASTER_PRIVILEGES} ON *.* TO %s@'%%' WITH GRANT OPTION", (user,))

    def create_database(self, name: str) -> None:
        """Create a database unless it is there."""
        with self.connect() as connection, connection.cursor() as cursor:
            quoted = name.replace("`", "``")
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{quoted}`")

    @contextmanager
    def _lock(self, patience: float) -> Iterator[int]:
        self.dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with debian_packages.file_lock(self.dir / "lock", patience) as lock:
                yield lock
        except TimedOut:
            raise FootlakeError(
                f"The database in {self.dir} is already served by another process.",
                hint="Stop that one first: footlake local stop.",
            ) from None

    def _initialise(self, engine: DatabaseProgram) -> None:
        """Create the data folder, whole or not at all."""
        if self.exists:
            return
        fresh = self.dir / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        accounts = [
            f"CREATE USER '{ADMIN}'@'{HOST}' IDENTIFIED BY '{self._admin_password()}';",
            f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'{HOST}' WITH GRANT OPTION;",
        ]
        if engine.is_mariadb:
            # The system tables alone: root, anonymous users and the test database come from files that are left out.
            tables = engine.system_tables().read_text()
            sql = "\n".join(["CREATE DATABASE mysql;", "USE mysql;", tables, "FLUSH PRIVILEGES;", *accounts, ""])
            self._run_once(engine, ["--bootstrap", f"--datadir={fresh}"], sql)
        else:
            script = self.dir / "accounts.sql"
            script.write_text("\n".join([*accounts, "ALTER USER 'root'@'localhost' ACCOUNT LOCK;", ""]))
            self._run_once(engine, ["--initialize-insecure", f"--init-file={script}", f"--datadir={fresh}"], "")
            script.unlink()
        fresh.rename(self.dir / "data")

    def _run_once(self, engine: DatabaseProgram, arguments: Sequence[str], sql: str) -> None:
        with self._open_log() as log:
            done = subprocess.run(
                [engine.path, *engine.options, *arguments, *self._settings(engine)],
                env=engine.environment,
                input=sql.encode(),
                stdout=log,
                stderr=log,
                timeout=300,
            )
        if done.returncode != 0:
            raise FootlakeError(f"The database could not be created: {self._error()}", hint=f"See {self.log}.")

    def _spawn(self, engine: DatabaseProgram, lock: int) -> subprocess.Popen[bytes]:
        data = self.dir / "data"
        for stale in ("mysqld.sock", "mysqld.sock.lock", "mysqld.pid"):  # the lock is ours: nobody can be using them
            (data / stale).unlink(missing_ok=True)
        command = [
            str(engine.path),
            *engine.options,
            f"--datadir={data}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--socket=mysqld.sock",  # relative to the data folder: a socket's path is limited to 107 bytes
            "--pid-file=mysqld.pid",
            f"--ssl-cert={self.certificate}",
            f"--ssl-key={self.certificate.with_name('key.pem')}",
            f"--sql-mode={_SQL_MODE}",
            *self._settings(engine),
        ]
        with self._open_log() as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", _WATCHED, "sh", *command],
                env=engine.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )

    def _settings(self, engine: DatabaseProgram) -> list[str]:
        # A temporary folder of its own: a server that starts deletes other servers' temporary tables from a shared one.
        temporary = self.dir / "tmp"
        temporary.mkdir(exist_ok=True)
        return [f"--tmpdir={temporary}", *_OPTIONS, *(_MARIADB_OPTIONS if engine.is_mariadb else _MYSQL_OPTIONS)]

    def _open_log(self) -> BinaryIO:
        log = self.log.open("ab")
        self._said_before = log.tell()
        return log

    def _answers(self, limit: float) -> bool:
        """Whether the server just spawned comes to answer; False once it has died."""
        import pymysql

        assert self._child
        deadline = time.monotonic() + limit
        while True:
            try:
                self.connect().close()
                return True
            except pymysql.OperationalError as error:
                if time.monotonic() > deadline:
                    self.stop(timeout=0)
                    raise TimedOut(
                        f"The database server did not answer within {limit:.0f} seconds: {error}",
                        hint=f"See {self.log}.",
                    ) from None
            try:
                self._child.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            self.stop()
            return False

    def _admin_password(self) -> str:
        path = self.dir / "rdsadmin"
        if not path.exists():
            _write_secret(path, secrets.token_urlsafe(24).encode())
        return path.read_text()

    def _error(self) -> str:
        """The first error of the last run: those that follow are its consequences."""
        lines = self.log.read_bytes()[self._said_before :].decode(errors="replace").splitlines()
        return next((line for line in lines if "ERROR" in line), lines[-1] if lines else "it said nothing")


def create_tls_files(folder: Path) -> None:
    """A key and a self-signed certificate in a folder of their own, both or neither, unless they are there."""
    if folder.exists():
        return
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    key, certificate = _self_signed()
    _write_secret(fresh / "key.pem", key)
    (fresh / CERTIFICATE).write_bytes(certificate)
    fresh.rename(folder)


_OPTIONS = (
    "--character-set-server=utf8mb4",
    "--default-time-zone=+00:00",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--max-connections=100",
    "--performance-schema=OFF",
    "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=2",  # survives a crash of the server, and need not survive one of the machine
    "--innodb-use-native-aio=OFF",  # not to be had in every container
)
_MARIADB_OPTIONS = ("--innodb-log-file-size=16M",)
_MYSQL_OPTIONS = ("--loose-mysqlx=OFF",)


def _free(port: int) -> bool:
    """Whether a server could bind the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return port != 0


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _self_signed() -> tuple[bytes, bytes]:
    """A new private key and its certificate for 127.0.0.1, both PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "footlake local database")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(pem)
