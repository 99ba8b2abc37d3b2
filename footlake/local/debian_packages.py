"""Download and unpack programs from Debian's packages, without root, if a machine lacks them."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from footlake.errors import FootlakeError, TimedOut
from footlake.local.environment import inherited_environment

T = TypeVar("T")


def cache_folder(name: str) -> Path:
    """Return the folder for a program's copy. It names the system because machines can share a home directory."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {"ID": platform.system().lower()}
    system = "-".join(filter(None, (release["ID"], release.get("VERSION_ID"), platform.machine())))
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "footlake" / name / system


def linker_environment(unpacked: Path | None) -> dict[str, str]:
    """Return the environment in which a program unpacked in this folder finds its libraries."""
    variables = inherited_environment()
    if unpacked:
        folders = sorted({str(library.parent) for library in unpacked.glob("**/lib/*/**/*.so*")})
        variables["LD_LIBRARY_PATH"] = os.pathsep.join(folders)
    return variables


def find_or_unpack(
    folder: Path, probe: Callable[[], T | None], fetch: Callable[[Apt], None], description: str, hint: str
) -> T | None:
    """Return what `probe` finds in `folder`, after filling the folder with `fetch` if it finds nothing.

    One process at a time fills the folder, and it appears only when it is complete. `description` names the program in
    error messages, and `hint` describes another way to install it. Raises FootlakeError if apt or a package is missing.
    """
    if found := probe():
        return found
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise FootlakeError(f"This machine has no {description}.", hint=hint)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(folder.with_name(f"{folder.name}.lock"), timeout=600):
        if found := probe():
            return found
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".unpack-") as work:
            apt = Apt(Path(work), hint)
            fetch(apt)
            shutil.rmtree(folder, ignore_errors=True)
            apt.root.rename(folder)
    return probe()


class Apt:
    """apt with private package lists, because the system's lists can be missing, outdated or read-only.

    `root` is the folder into which packages are unpacked; `hint` goes into error messages.
    """

    def __init__(self, work: Path, hint: str) -> None:
        self.root = work / "root"
        self._hint = hint
        self._downloads = work / "downloads"
        for folder in (work / "lists" / "partial", work / "cache" / "archives" / "partial", self._downloads, self.root):
            folder.mkdir(parents=True)
        self._options = [
            f"--option={option}"
            for option in (
                f"Dir::State::lists={work / 'lists'}",
                f"Dir::Cache={work / 'cache'}",
                "APT::Sandbox::User=root",  # as root, apt would otherwise switch to a user without access to `work`
                "Acquire::Languages=none",
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
                "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
                "Acquire::Retries=2",
                "Acquire::http::Timeout=20",
            )
        ]
        self._run("apt-get", "update", check=False)  # a package source that fails is possibly not needed

    def find_newest(self, package: str) -> str:
        """Return the newest package of this name, with or without a version in its name."""
        found = self._run("apt-cache", "search", "--names-only", rf"^{package}(-[0-9.]+)?$").split("\n")
        names = sorted((line.split()[0] for line in found if line), key=lambda name: (name == package, _numbers(name)))
        if not names:
            raise FootlakeError(f"The package sources of this machine do not have {package}.", hint=self._hint)
        return names[-1]

    def unpack(self, *packages: str) -> None:
        """Unpack the packages and those of their libraries that this system lacks."""
        plan = self._run("apt-get", "--simulate", "--no-install-recommends", "install", *packages)
        needed = re.findall(r"^Inst (\S+)", plan, flags=re.MULTILINE)
        # The C library must match the loader, which is the system's.
        libraries = [name for name in needed if name.startswith("lib") and not name.startswith(("libc6", "libc-"))]
        self._run("apt-get", "download", *packages, *libraries)
        for package in sorted(self._downloads.glob("*.deb")):
            self._run("dpkg", "--extract", str(package), str(self.root))

    def _run(self, program: str, *arguments: str, check: bool = True) -> str:
        """Return the output of the program. Raises FootlakeError with the last line of its error output if it fails."""
        options = self._options if program.startswith("apt") else []
        try:
            result = subprocess.run(
                [program, *options, *arguments],
                cwd=self._downloads,
                env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=300,
            )
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{program} {arguments[0]} took longer than 5 minutes.", hint=self._hint) from None
        if check and result.returncode != 0:
            reason = (result.stderr.strip() or result.stdout.strip()).split("\n")[-1]
            raise FootlakeError(f"Cannot download Debian packages: {reason}", hint=self._hint)
        return result.stdout


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


@contextmanager
def file_lock(path: Path, timeout: float) -> Iterator[int]:
    """Hold the lock of a file and yield its descriptor. Raises TimedOut after `timeout` seconds.

    The lock lasts as long as any copy of the descriptor: a child process that inherits it keeps the lock.
    """
    deadline = time.monotonic() + timeout
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimedOut(f"{path} is locked by another process.") from None
                time.sleep(0.05)
        yield descriptor
    finally:
        os.close(descriptor)
