"""A warm child process that answers JSON requests, one per line: `Worker` in the parent, `serve` in the child.

The local AWS runs Spark, AutoGluon and Lambda handlers in child processes. A job may print, leak memory, crash or run
too long, and none of this may affect the server that keeps the account's state. A child that is idle ends and frees
its memory, hundreds of megabytes for Spark and AutoGluon.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

# Commands that follow each other find the child warm. A new one takes seconds to start.
IDLE_SECONDS = 180.0


class WorkerDied(Exception):
    """The child ended before it answered."""


class WorkerTimeout(Exception):
    """The child did not answer in time and was killed."""


class Worker:
    """The parent's side: starts the child at the first call, and again after it died, was killed or was idle.

    The child ends when there was no call for IDLE_SECONDS.

    `command` must run a program that calls `serve`. Output of the child and its processes goes to `log`.
    Calls from several threads run one after the other.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.command = list(command)
        self.env = dict(env)
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._call_lock = threading.Lock()
        self._last_call = 0.0
        self._idle_timer: threading.Timer | None = None

    @property
    def running(self) -> bool:
        """Return whether the child process is alive."""
        return self._child is not None and self._child.poll() is None

    def call(self, request: Mapping[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """Return the child's answer to `request`. Raises WorkerTimeout after `timeout` seconds, or WorkerDied."""
        with self._call_lock:
            child = self._start_if_needed()
            assert child.stdin and child.stdout
            try:
                child.stdin.write(json.dumps(request).encode() + b"\n")
                child.stdin.flush()
                line = _read_line(child.stdout, timeout)
            except TimeoutError:
                self.close()
                raise WorkerTimeout(f"no answer within {timeout} seconds") from None
            except (OSError, ValueError):  # ValueError: `close` has closed the pipes
                line = b""
            if not line:
                self.close()
                raise WorkerDied(f"exit status {child.returncode}")
            self._end_when_idle()
            answer: dict[str, Any] = json.loads(line)
            return answer

    def interrupt(self) -> None:
        """Kill the child: a call in progress raises WorkerDied, the next call starts another child."""
        child = self._child
        if child and child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def close(self) -> None:
        """Kill the child and wait for its end."""
        if self._idle_timer:
            self._idle_timer.cancel()
        child, self._child = self._child, None
        if child is None:
            return
        try:  # the whole session, as a Python worker may have started a JVM
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # already ended; macOS raises PermissionError
            pass
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()

    def _end_when_idle(self) -> None:
        """End the child after IDLE_SECONDS, unless another call ends in the meantime."""
        if self._idle_timer:
            self._idle_timer.cancel()
        self._last_call = time.monotonic()
        self._idle_timer = threading.Timer(IDLE_SECONDS, self._close_if_idle, [self._last_call])
        self._idle_timer.daemon = True
        self._idle_timer.start()

    def _close_if_idle(self, last_call: float) -> None:
        with self._call_lock:
            if self._last_call == last_call:  # a call may have held the lock
                self.close()

    def _start_if_needed(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._child = subprocess.Popen(
                    self.command,
                    env=self.env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    bufsize=0,
                    start_new_session=True,
                )
        return self._child


def _read_line(stream: Any, timeout: float | None) -> bytes:
    """Return one line of an unbuffered pipe, or b"" at its end. Raises TimeoutError after `timeout` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    line = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            remaining = None if deadline is None else deadline - time.monotonic()
            if (remaining is not None and remaining <= 0) or not selector.select(remaining):
                raise TimeoutError
            chunk = os.read(stream.fileno(), 1 << 16)
            if not chunk:
                return b""
            line += chunk
    return bytes(line)


def serve(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer requests in the child until the parent closes the pipe.

    Redirects standard output to standard error, so that printed text is not mistaken for an answer. If the parent dies,
    this process and its children are killed, even during a request.
    """
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    answers: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answer = json.dumps(handle(json.loads(line)))
        answers.write(answer.encode() + b"\n")
        answers.flush()


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(os.getpid(), signal.SIGKILL)  # Worker starts the child as leader of its process group
