"""A child process kept warm: one JSON request in, one JSON answer out.

The local AWS runs Spark, AutoGluon and Lambda handlers in such children, because a job may print, leak,
crash or run too long, and the server that keeps the account's state must not notice. Both ends are here.
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


class WorkerDied(Exception):
    """The child ended before it answered."""


class WorkerTimeout(Exception):
    """The child did not answer in time and was killed."""


class Worker:
    """The parent's end. Starts its child at the first call, and again after it died or was killed.

    `command` runs a program that calls `serve`; what it or its own children print goes to the file `log`.
    Calls from several threads take turns.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.command = list(command)
        self.env = dict(env)
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def call(self, request: Mapping[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """The child's answer to `request`; `timeout` in seconds."""
        with self._turn:
            child = self._running()
            assert child.stdin and child.stdout
            try:
                child.stdin.write(json.dumps(request).encode() + b"\n")
                child.stdin.flush()
                line = _read_line(child.stdout, timeout)
            except TimeoutError:
                self._kill()
                raise WorkerTimeout(f"no answer within {timeout} seconds") from None
            except (OSError, ValueError):  # ValueError: `close` was faster, the pipes are shut
                line = b""
            if not line:
                self._kill()
                raise WorkerDied(f"exit status {child.returncode}")
            answer: dict[str, Any] = json.loads(line)
            return answer

    def interrupt(self) -> None:
        """Kill the child at its work: the call that waits for it raises WorkerDied, the next one starts another."""
        child = self._child
        if child and child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._kill()

    def _running(self) -> subprocess.Popen[bytes]:
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

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        try:  # the whole session: a Python worker may have a JVM below it
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it has ended; macOS says the second
            pass
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()


def _read_line(stream: Any, timeout: float | None) -> bytes:
    """One line of an unbuffered pipe, or b"" at its end; TimeoutError when it takes too long."""
    deadline = None if timeout is None else time.monotonic() + timeout
    line = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or not selector.select(left):
                raise TimeoutError
            chunk = os.read(stream.fileno(), 1 << 16)
            if not chunk:
                return b""
            line += chunk
    return bytes(line)


def serve(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The child's end: answer requests until the parent closes the pipe.

    From here on whatever is printed goes to standard error, so that it cannot be taken for an answer. If the parent
    dies while a request is at work, so does this process with all that it started.
    """
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    answers: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        answer = json.dumps(handle(json.loads(line)))
        answers.write(answer.encode() + b"\n")
        answers.flush()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(os.getpid(), signal.SIGKILL)  # a Worker's child leads its own group
