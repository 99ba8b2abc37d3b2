"""Measure the memory of the local AWS after a demo: at once, and when its engines have ended because they are idle.

    python -m bench.memory

Memory is the proportional set size (PSS): a page that several processes map is divided between them. Linux only.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from bench.command_line import FootlakeCli
from bench.measure import Claim, format_claims, markdown_section
from footlake.local.engines.worker import IDLE_SECONDS

MAX_MEGABYTES = 700
# The process whose command line contains the text.
PROCESSES = {
    "footlake.local.server": "server with moto",
    "lambda_runtime.py": "Lambda functions",
    "engines.spark_worker": "Spark: Python",
    "java-runtime": "Spark: JVM",
    "engines.model_worker": "AutoGluon",
    "": "database",
}
PERMANENT = {"server with moto", "database"}
PATIENCE_SECONDS = 30


def main() -> None:
    with FootlakeCli.temporary() as footlake:
        footlake.run("demo")
        server = footlake.run("local", "status")["pid"]
        busy = measure_memory(server)
        deadline = time.monotonic() + IDLE_SECONDS + PATIENCE_SECONDS
        while (idle := measure_memory(server)).keys() - PERMANENT and time.monotonic() < deadline:
            time.sleep(1)
    rows = [(name, f"{used / 1e6:.0f}", f"{idle[name] / 1e6:.0f}") for name, used in busy.most_common()]
    rows.append(("total", f"{busy.total() / 1e6:.0f}", f"{idle.total() / 1e6:.0f}"))
    columns = ["process", "MB after the demo", f"MB after {IDLE_SECONDS / 60:.0f} idle minutes"]
    print(markdown_section("Memory of the local AWS", columns, rows))
    claim = Claim(
        f"The local AWS, idle after a demo, takes at most {MAX_MEGABYTES} MB",
        f"{idle.total() / 1e6:.0f} MB, {idle.total() / busy.total():.2f} × its memory right after the demo",
        f"≤ {MAX_MEGABYTES} MB",
        idle.total() <= MAX_MEGABYTES * 1e6,
    )
    print(format_claims([claim]))


def measure_memory(server: int) -> Counter[str]:
    """Return the PSS of a process and its descendants in bytes, by kind of process."""
    memory: Counter[str] = Counter()
    pids = [server]
    for pid in pids:
        process = Path("/proc") / str(pid)
        try:
            pids += [int(child) for file in process.glob("task/*/children") for child in file.read_text().split()]
            command = (process / "cmdline").read_text()
            pss = (process / "smaps_rollup").read_text().split("\nPss:")[1].split()[0]
        except (OSError, IndexError):  # the process has ended
            continue
        memory[next(name for text, name in PROCESSES.items() if text in command)] += int(pss) * 1024
    return memory


if __name__ == "__main__":
    main()
