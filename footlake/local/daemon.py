"""Start, stop and inspect the local AWS of a folder, which runs in a separate process (`server.py`).

The folder holds:

- `lock`: locked by the server while it runs; `starting`: locked while a server is started
- `local.json`: the server's process id (null when it does not run) and ports, which stay the same between starts
- `football.json`: the settings of the local football API
- `state.pickle`, `logs/` and the files of the engines

The command line imports this module, so it must not import moto.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from footlake.errors import FootlakeError, NotReady
from footlake.local.environment import LOCAL_AWS_VARIABLES, inherited_environment
from footlake.local.files import exclusive_lock, is_locked, replace_text, report_file_errors
from footlake.local.football.faults import FaultSettings

TLS_FOLDER = "mysql-tls"  # has the certificate of all database servers
LOOPBACK = "127.0.0.1,localhost"  # value of NO_PROXY
START_SECONDS = 60.0
STOP_SECONDS = 60.0
STATE_PATH = "/_footlake/state"  # URL path for the error of the last save; no valid bucket name begins with `_`
ENGINES_PATH = "/_footlake/engines"  # URL path that starts Spark and AutoGluon


@dataclass(frozen=True)
class LocalServer:
    """A local AWS that is running."""

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
        """The certificate (PEM) to verify its database servers."""
        return self.dir / TLS_FOLDER / "certificate.pem"

    @property
    def football_api(self) -> str:
        """The football API's base URL."""
        return f"http://127.0.0.1:{self.football_port}"

    def save_error(self, save: bool = False) -> str:
        """Return why the server could not save its state when it last tried, or "". `save` makes it try now."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=STOP_SECONDS)) as server:
            try:
                server.request("POST" if save else "GET", STATE_PATH)
                response = server.getresponse()
                return response.read().decode() if response.status == 200 else ""
            except (OSError, http.client.HTTPException):  # it is stopping or does not respond
                return ""

    def start_engines(self) -> None:
        """Start Spark and AutoGluon in the background. Without this the first job of each waits for it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=STOP_SECONDS)
        with closing(connection), suppress(OSError, http.client.HTTPException):  # then they start at first use
            connection.request("POST", ENGINES_PATH)
            connection.getresponse()


@dataclass(frozen=True)
class FootballSettings:
    """The settings of the local football API.

    It answers from a folder of recordings or, without one, from the simulator, as of `clock` or the present time.
    `behaviour` has its plan, latency and faults, `standings` the rules of computed tables (see `parse_rules`).
    """

    recordings: Path | None = None
    clock: datetime | None = None
    behaviour: FaultSettings = field(default_factory=FaultSettings)
    standings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> FootballSettings:
        """Return the settings of a local AWS, by default those of `FootballSettings()`."""
        with report_file_errors(folder):
            try:
                saved = json.loads((folder / "football.json").read_text(encoding="utf-8"))
            except FileNotFoundError:
                return cls()
            return cls(
                Path(saved["recordings"]) if saved["recordings"] else None,
                datetime.fromisoformat(saved["clock"]) if saved["clock"] else None,
                FaultSettings(**saved.get("behaviour", {})),
                saved.get("standings", {}),
            )

    def write(self, folder: Path) -> None:
        """Save the settings. A running server uses them from the next request on."""
        settings = {
            "recordings": str(self.recordings) if self.recordings else None,
            "clock": self.clock.isoformat() if self.clock else None,
            "behaviour": asdict(self.behaviour),
            "standings": self.standings,
        }
        with report_file_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            replace_text(folder / "football.json", json.dumps(settings))

    def now(self) -> datetime:
        """Return the football API's time."""
        return self.clock or datetime.now(UTC)


def find_running(folder: Path) -> LocalServer | None:
    """Return the running local AWS of a folder, or None."""
    with report_file_errors(folder):
        if not is_locked(folder / "lock"):
            return None
        address = read_address(folder)
        if not address or not address["pid"]:
            return None
        return LocalServer(folder, address["pid"], address["port"], address["football_port"])


def require_running(folder: Path) -> LocalServer:
    """Return the running local AWS of a folder. Raise NotReady if it does not run."""
    server = find_running(folder)
    if server is None:
        raise NotReady(f"No local AWS is running in {folder}.", "Start it: footlake local start")
    return server


def start(folder: Path, port: int | None = None, recordings: Path | None = None) -> LocalServer:
    """Start the local AWS of a folder unless it is running, and return it.

    Without `port` it uses the port of its last start if that is free, because resources contain URLs with the port.
    Raise FootlakeError if it does not start or runs on another port.
    """
    folder = folder.expanduser().absolute()
    with report_file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if recordings is not None:
        if not recordings.is_dir():
            raise FootlakeError(
                f"The recordings folder {recordings} does not exist.", "Check --recordings or FOOTLAKE_RECORDINGS."
            )
        replace(FootballSettings.read(folder), recordings=recordings.absolute()).write(folder)
    with exclusive_lock(folder / "starting"):
        server = find_running(folder)
        if server is None:
            return _start_process(folder, port)
        if port is not None and port != server.port:
            raise FootlakeError(
                f"The local AWS in {folder} is already running on port {server.port}.",
                "Stop it first: footlake local stop",
            )
        return server


def stop(folder: Path) -> LocalServer | None:
    """Stop the local AWS of a folder after it saved its state. Return None if it was not running.

    Raise FootlakeError if it cannot save its state, in which case it keeps running, or if it does not stop.
    """
    server = find_running(folder)
    if server is None:
        return None
    if reason := server.save_error(save=True):
        raise FootlakeError(
            f"The local AWS in {folder} cannot save its state, so it keeps running: {reason}.",
            f"Fix this and stop it again. To stop it and lose the unsaved changes: kill {server.pid}",
        )
    with suppress(ProcessLookupError):  # it has ended in the meantime
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    log_hint = f"See the log: {folder / 'logs' / 'server.log'}"
    while is_locked(folder / "lock"):
        if time.monotonic() > deadline:
            raise FootlakeError(
                f"The local AWS (process {server.pid}) did not stop within {STOP_SECONDS:.0f} seconds.", log_hint
            )
        time.sleep(0.05)
    with report_file_errors(folder):
        if read_address(folder).get("pid") == server.pid:  # the server removes its id after it saved its state
            raise FootlakeError(
                f"The local AWS in {folder} ended without saving its latest state. It kept the last saved one.",
                log_hint,
            )
    return server


def _start_process(folder: Path, port: int | None) -> LocalServer:
    """Start the server process and wait until it answers."""
    if find_spec("moto") is None:
        raise FootlakeError("The local AWS is not installed.", "Install it: pip install 'footlake[local]'")
    log = folder / "logs" / "server.log"
    with report_file_errors(folder):
        last_address = read_address(folder)
        port = port or _find_free_port(last_address.get("port"))
        football_port = _find_free_port(last_address.get("football_port"))
        write_address(folder, None, port, football_port)  # fails on a full disk, before there is a process
        log.parent.mkdir(exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".log.old"))
        output = log.open("wb")
    command = [sys.executable, "-m", "footlake.local.server"]
    command += ["--dir", str(folder), "--port", str(port), "--football-port", str(football_port)]
    with output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=folder,
            env=_server_environment(),
        )
    return _wait_until_running(folder, process, log)


def _wait_until_running(folder: Path, process: subprocess.Popen[bytes], log: Path) -> LocalServer:
    """Wait for the process to answer. Raise FootlakeError with the last line of its log if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        server = find_running(folder)
        if server and server.pid == process.pid:
            return server
        time.sleep(0.02)
    process.kill()
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not lines:
        with report_file_errors(folder):
            replace_text(log, "no message")  # raises if the log is empty because nothing can be written
    raise FootlakeError(f"The local AWS did not start: {lines[-1] if lines else 'no message'}", f"See the log: {log}")


def write_address(folder: Path, pid: int | None, port: int, football_port: int) -> None:
    """Save where a local AWS answers. `pid` is None before it answers and after it has stopped."""
    replace_text(folder / "local.json", json.dumps({"pid": pid, "port": port, "football_port": football_port}))


def read_address(folder: Path) -> dict[str, Any]:
    """Return what `write_address` saved last, or an empty dictionary."""
    try:
        address: dict[str, Any] = json.loads((folder / "local.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return address


def _server_environment() -> dict[str, str]:
    """Return the environment of the server process, without a proxy for this machine."""
    return inherited_environment(*LOCAL_AWS_VARIABLES) | {"NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}


def _find_free_port(preferred: int | None) -> int:
    """Return the preferred port if it is free, else another one."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free_port: int = probe.getsockname()[1]
            return free_port
    raise FootlakeError("No port is free on 127.0.0.1.")
