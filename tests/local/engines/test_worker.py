"""Workers: warm child processes that are restarted after a kill, and end with their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from footlake.local.engines import worker as worker_module
from footlake.local.engines.worker import Worker


def test_an_interrupted_child_is_started_again(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from footlake.local.engines.worker import serve\n"
        "serve(lambda request: {'pid': os.getpid(), 'slept': time.sleep(request.get('sleep', 0))})"
    )
    worker = Worker([sys.executable, "-c", program], dict(os.environ), tmp_path / "log")
    first = worker.call({})["pid"]
    failures = []

    def wait() -> None:
        try:
            worker.call({"sleep": 600})
        except Exception as error:
            failures.append(type(error).__name__)

    caller = threading.Thread(target=wait)
    caller.start()
    while caller.is_alive():
        worker.interrupt()
        caller.join(0.05)
    assert failures == ["WorkerDied"]
    assert worker.call({})["pid"] != first
    worker.close()


def test_an_idle_child_ends_with_its_processes_and_the_next_call_starts_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "IDLE_SECONDS", 0.1)
    os.mkfifo(tmp_path / "alive")
    program = (
        "import os, subprocess, sys; from footlake.local.engines.worker import serve\n"
        "alive = open(sys.argv[1], 'w')\n"
        "subprocess.Popen(['sleep', '600'], pass_fds=[alive.fileno()])\n"
        "serve(lambda request: {'pid': os.getpid()})"
    )
    worker = Worker([sys.executable, "-c", program, str(tmp_path / "alive")], os.environ, tmp_path / "log")
    pids: list[int] = []
    for _ in range(2):
        caller = threading.Thread(target=lambda: pids.append(worker.call({})["pid"]))
        caller.start()
        with (tmp_path / "alive").open() as alive:
            assert alive.read() == ""  # the pipe ends when no process has it open for writing
        caller.join()
    assert len(set(pids)) == 2
    assert not worker.running


def test_a_child_does_not_end_during_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "IDLE_SECONDS", 0.1)
    program = (
        "import os, time; from footlake.local.engines.worker import serve\n"
        "serve(lambda request: {'pid': os.getpid(), 'slept': time.sleep(request.get('sleep', 0))})"
    )
    worker = Worker([sys.executable, "-c", program], os.environ, tmp_path / "log")
    worker.call({})
    assert "pid" in worker.call({"sleep": 0.5})
    worker.close()


def test_a_busy_child_does_not_outlive_its_killed_parent(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")
    child = (
        "import time; from pathlib import Path; from footlake.local.engines.worker import serve\n"
        "def work(request):\n"
        "    with Path(request['alive']).open('w') as alive:\n"
        "        print('working', file=alive, flush=True)\n"
        "        time.sleep(600)\n"
        "serve(work)"
    )
    holder = (
        "import os, sys; from pathlib import Path; from footlake.local.engines.worker import Worker\n"
        f"worker = Worker([sys.executable, '-c', {child!r}], os.environ, Path(sys.argv[1]) / 'log')\n"
        "worker.call({'alive': sys.argv[1] + '/alive'})"
    )
    parent = subprocess.Popen([sys.executable, "-c", holder, str(tmp_path)])
    with (tmp_path / "alive").open() as alive:
        assert alive.readline() == "working\n"
        parent.kill()
        parent.wait()
        assert alive.read() == ""  # the pipe ends when no process has it open for writing
