"""Find a MySQL or MariaDB server program on this machine, or unpack one from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from footlake.config import MYSQLD_VARIABLE
from footlake.errors import FootlakeError
from footlake.local import debian_packages

_PROGRAM_NAMES = ("mariadbd", "mysqld")
_EXTRA_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec", "/opt/homebrew/bin")
_DEBIAN_PACKAGE = "mariadb-server-core"
_INSTALL_HINT = (
    "Install MariaDB (apt-get install mariadb-server-core, dnf install mariadb-server, brew install mariadb) "
    "or set FOOTLAKE_MYSQLD to the path of a server program."
)


@dataclass(frozen=True)
class DatabaseProgram:
    """A server program that runs on this machine."""

    path: Path
    version: str
    unpacked: Path | None = None  # root folder of an unpacked copy; None for an installed program

    @property
    def is_mariadb(self) -> bool:
        """Return whether the program is MariaDB; otherwise it is MySQL."""
        return "MariaDB" in self.version

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which the program finds its libraries."""
        return debian_packages.linker_environment(self.unpacked)

    @property
    def options(self) -> list[str]:
        """Return the options that every run of the program starts with."""
        options = ["--no-defaults"]
        if self.unpacked:
            options.append(f"--basedir={self.unpacked / 'usr'}")
        if os.geteuid() == 0:
            options.append("--user=root")
        return options

    def system_tables(self) -> Path:
        """Return the SQL file that creates MariaDB's system tables. Raises FootlakeError if it is missing."""
        prefix = self.path.resolve().parent.parent
        for share in (prefix / "share", Path("/usr/share")):
            for file in (*share.glob("*/mariadb_system_tables.sql"), *share.glob("*/mysql_system_tables.sql")):
                return file
        raise FootlakeError(f"The SQL file with the system tables of {self.path} is missing.", hint=_INSTALL_HINT)


def find_database_program() -> DatabaseProgram:
    """Return the server program to use.

    Takes the program named in FOOTLAKE_MYSQLD, else an installed program, else a copy that is unpacked into the user's
    cache, which needs apt but not root. Raises FootlakeError if none of them runs.
    """
    configured = os.environ.get(MYSQLD_VARIABLE)
    if configured:
        program = _probe(Path(configured))
        if not program:
            raise FootlakeError(f"{MYSQLD_VARIABLE} is set to {configured}, which does not run.", hint=_INSTALL_HINT)
        return program
    for path in installed_programs():
        program = _probe(path)
        if program:
            return program
    return _unpack_program(debian_packages.cache_folder("mariadb"))


def installed_programs() -> Iterator[Path]:
    """Yield the installed server programs, MariaDB first."""
    search_path = os.pathsep.join((os.environ.get("PATH", ""), *_EXTRA_FOLDERS))
    for name in _PROGRAM_NAMES:
        path = shutil.which(name, path=search_path)
        if path:
            yield Path(path)


def _probe(path: Path, unpacked: Path | None = None) -> DatabaseProgram | None:
    """Return the program if it runs and prints its version, else None."""
    try:
        result = subprocess.run(
            [path, "--no-defaults", "--version"],
            env=debian_packages.linker_environment(unpacked),
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = result.stdout.partition(" Ver ")[2].strip()
    return DatabaseProgram(path, version, unpacked) if result.returncode == 0 and version else None


def _unpack_program(folder: Path) -> DatabaseProgram:
    """Return the program unpacked in `folder`, after unpacking it (about 17 MB) if it is missing."""
    path = folder / "usr" / "sbin" / "mariadbd"
    program = debian_packages.find_or_unpack(
        folder,
        lambda: _probe(path, folder),
        lambda apt: apt.unpack(apt.find_newest(_DEBIAN_PACKAGE)),
        "MySQL or MariaDB server",
        _INSTALL_HINT,
    )
    if not program:
        raise FootlakeError(f"The MariaDB unpacked in {folder} does not run.", hint=_INSTALL_HINT)
    return program
