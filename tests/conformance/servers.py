"""Start the emulators of AWS as processes, and the local football API as a thread, on free ports of 127.0.0.1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from footlake.local.football.api import create_application, create_server
from footlake.local.football.simulator import Simulator

START_SECONDS = 60.0
STOP_SECONDS = 10.0


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Run a server, in an environment with only these variables, until the end of the block.

    Wait until it accepts connections. All processes that it started end with it.
    """
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), **variables}
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_accepting(port, server, log)
        yield
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):  # the group, which has the workers of functions too
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_until_accepting(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{server.args!r} does not accept connections. Its log ends with:\n{log.read_text()[-2000:]}")


@contextmanager
def football_api(now: datetime) -> Iterator[str]:
    """Serve the simulated leagues as of `now`, and yield the address."""
    httpd = create_server(create_application(Simulator(), lambda: now))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
