"""Start, stop and look at the local AWS of a directory. Light: the server itself is another process."""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from footlake.errors import FootlakeError, NotReady
from footlake.local.football.faults import FaultSettings

TLS = "mysql-tls"  # the folder of the certificate that all database servers show
LOOPBACK = "127.0.0.1,localhost"  # as a proxy's exceptions
START_SECONDS = 60.0
STOP_SECONDS = 60.0
STATE = "/_footlake/state"  # where a local AWS answers why its state is not saved; no bucket can be called that
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Running:
    """A local AWS that answers."""

    dir: Path
    pid: int
    port: int
    football_port: int

    @property
    def endpoint(self) -> str:
        """The AWS endpoint URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def mysql_ca(self) -> Path:
        """The certificate by which its database servers are known."""
        return self.dir / TLS / "certificate.pem"

    @property
    def football_api(self) -> str:
        """The football API's base URL."""
        return f"http://127.0.0.1:{self.football_port}"

    def unsaved(self, save: bool = False) -> str:
        """Why its state could not be saved when that was last tried, "" if it could; `save` has it tried now."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=STOP_SECONDS)) as server:
            try:
                server.request("POST" if save else "GET", STATE)
                answer = server.getresponse()
                return answer.read().decode() if answer.status == 200 else ""
            except (OSError, http.client.HTTPException):  # it is ending, or hangs
                return ""


@dataclass(frozen=True)
class Football:
    """What the local football API answers from: a folder of recordings or the simulator, as of `clock` or now.

    `behaviour` is how: on which plan, how fast, and how well.
    """

    recordings: Path | None = None
    clock: datetime | None = None
    behaviour: FaultSettings = field(default_factory=FaultSettings)

    @classmethod
    def read(cls, dir: Path) -> Football:
        """The settings of a directory; the defaults where nothing was set."""
        with usable(dir):
            try:
                saved = json.loads((dir / "football.json").read_text())
            except FileNotFoundError:
                return cls()
            return cls(
                Path(saved["recordings"]) if saved["recordings"] else None,
                datetime.fromisoformat(saved["clock"]) if saved["clock"] else None,
                FaultSettings(**saved.get("behaviour", {})),
            )

    def write(self, dir: Path) -> None:
        """Keep these settings; the running server notices."""
        saved = {
            "recordings": str(self.recordings) if self.recordings else None,
            "clock": self.clock.isoformat() if self.clock else None,
            "behaviour": asdict(self.behaviour),
        }
        with usable(dir):
            dir.mkdir(parents=True, exist_ok=True)
            replace_text(dir / "football.json", json.dumps(saved))

    def now(self) -> datetime:
        """The football API's time."""
        return self.clock or datetime.now(UTC)


def running(dir: Path) -> Running | None:
    """The local AWS of this directory, if one is up."""
    with usable(dir):
        if not _held(dir / "lock"):
            return None
        said = _announced(dir)
        return Running(dir, said["pid"], said["port"], said["football_port"]) if said and said["pid"] else None


def start(dir: Path, port: int | None = None, recordings: Path | None = None) -> Running:
    """The local AWS of this directory, started if it is not up.

    Ports are kept from one start to the next, because what was set up there knows them.
    """
    dir = dir.expanduser().absolute()
    with usable(dir):
        dir.mkdir(parents=True, exist_ok=True)
    if recordings is not None:
        if not recordings.is_dir():
            raise FootlakeError(
                f"There is no folder of recordings at {recordings}.", "Check --recordings or FOOTLAKE_RECORDINGS."
            )
        replace(Football.read(dir), recordings=recordings.absolute()).write(dir)
    with _only_one(dir):
        up = running(dir)
        if up:
            if port is not None and port != up.port:
                raise FootlakeError(
                    f"The local AWS in {dir} already runs on port {up.port}.", "Stop it first: footlake local stop"
                )
            return up
        return _spawn(dir, port)


def stop(dir: Path) -> Running | None:
    """Stop the local AWS of this directory, its state kept; None if it was not up.

    One that cannot save its state is left running: FootlakeError tells why.
    """
    up = running(dir)
    if up is None:
        return None
    if reason := up.unsaved(save=True):
        raise FootlakeError(
            f"The local AWS in {dir} cannot save its state, and runs on as nothing else has it: {reason}.",
            f"Make that possible, then stop it again; kill {up.pid} ends it without what it could not save.",
        )
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(up.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _held(dir / "lock"):
        if time.monotonic() > deadline:
            raise FootlakeError(
                f"The local AWS (process {up.pid}) does not stop.", f"Its log is {dir / 'logs' / 'server.log'}."
            )
        time.sleep(0.05)
    with usable(dir):
        if _announced(dir).get("pid") == up.pid:  # what it says last is that it does not run
            raise FootlakeError(
                f"The local AWS in {dir} has ended without saving its state: what is kept is an older one.",
                f"Its log is {dir / 'logs' / 'server.log'}.",
            )
    return up


def require(dir: Path) -> Running:
    """The local AWS of this directory, or NotReady."""
    up = running(dir)
    if up is None:
        raise NotReady(f"No local AWS runs in {dir}.", "Start it: footlake local start")
    return up


def _spawn(dir: Path, port: int | None) -> Running:
    try:
        import moto  # noqa: F401  # type: ignore[import-not-found]
    except ImportError:
        raise FootlakeError(
            "The local AWS is not installed.", "Install it beside footlake: pip install 'footlake[local]'"
        ) from None
    with usable(dir):
        said = _announced(dir)
        chosen = port or _free(said.get("port"))
        football = _free(said.get("football_port"))
        announce(dir, None, chosen, football)  # on a full disk it is this that fails, while somebody hears of it
        (dir / "logs").mkdir(exist_ok=True)
        log = dir / "logs" / "server.log"
        if log.exists():
            log.replace(log.with_suffix(".log.old"))
        output = log.open("wb")
    command = [sys.executable, "-m", "footlake.local.server"]
    command += ["--dir", str(dir), "--port", str(chosen), "--football-port", str(football)]
    with output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=dir,
            env=_environment(),
        )
    deadline = time.monotonic() + START_SECONDS
    while True:
        up = running(dir)
        if up and up.pid == process.pid:
            return up
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            last = log.read_text(errors="replace").strip().splitlines()
            if not last:
                with usable(dir):
                    replace_text(log, "no message")  # unless that cannot be written either
            raise FootlakeError(
                f"The local AWS did not start: {last[-1] if last else 'no message'}", f"Its log is {log}."
            )
        time.sleep(0.02)


def announce(dir: Path, pid: int | None, port: int, football_port: int) -> None:
    """Tell others where a local AWS answers; without `pid`, where it will or did."""
    replace_text(dir / "local.json", json.dumps({"pid": pid, "port": port, "football_port": football_port}))


def _announced(dir: Path) -> dict[str, Any]:
    """What was announced last, if anything was."""
    try:
        said: dict[str, Any] = json.loads((dir / "local.json").read_text())
    except FileNotFoundError:
        return {}
    return said


def _environment() -> dict[str, str]:
    """This process's environment without the user's AWS, and without a proxy on the way to this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}


def _free(preferred: int | None) -> int:
    """The preferred port if nobody listens there, else a free one."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise FootlakeError("No free port on 127.0.0.1.")


def _held(lock: Path) -> bool:
    """Whether a server holds this lock; the kernel lets go of it when the server ends, however it ends."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def _only_one(dir: Path) -> Iterator[None]:
    with usable(dir):
        file = (dir / "starting").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def usable(dir: Path) -> Iterator[None]:
    """What goes wrong with a directory's files, as a FootlakeError."""
    try:
        yield
    except OSError as error:
        hint = "Make room there, or choose another --dir." if error.errno in FULL else "Choose another --dir."
        raise FootlakeError(f"Cannot use {dir} for the local AWS: {error.strerror}.", hint) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FootlakeError(
            f"A file of the local AWS in {dir} is damaged: {error}.", "Remove football.json and local.json there."
        ) from None


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new, never half of it."""
    replace_bytes(path, text.encode(), path.with_name(f"{path.name}.{os.getpid()}"))


def replace_bytes(path: Path, content: bytes, partial: Path) -> None:
    """Write a file by way of another, of which nothing is left if it cannot be written."""
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
