"""Workers: warm child processes that are restarted after a kill, and end with their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

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
