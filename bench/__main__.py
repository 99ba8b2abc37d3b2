"""Every measured claim, one script after the other, into docs/performance.md.

    python -m bench [NAME …]

With names (`startup`, `spark` …), only these, to standard output.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from footlake.local.files import replace_text

SCRIPTS = ("startup", "bootstrap", "season", "parsing", "spark", "mysql", "week", "lake", "money")
TARGET = Path(__file__).resolve().parent.parent / "docs/performance.md"
BEFORE = """# How fast it is, and what it costs

Written by `make bench`, which runs the scripts of `bench/` one after the other, each beside what people would use
instead, in the same run: {machine}, {day}. Nothing was measured on AWS. What a script leaves out is said at its top.
"""
AFTER = """## When one machine, or two workers, are outgrown

| what grows | what takes over | the setting |
| --- | --- | --- |
| team rows: more leagues and seasons than the Spark table above shows in minutes | more Glue workers; \
scripts and data stay as they are | `glue_workers`, then `footlake bootstrap` |
| rows to score | a larger transform instance | `transform_instance`, then `footlake bootstrap` |
| leagues a week | one invocation asks for the fixtures of all leagues in turn, and what does not fit into its 10 s \
waits for the next half hour; their statistics follow at the same time, a function for each league and season, as far \
as the account's concurrency (new accounts have 10) and API-Football's requests a minute go | Lambda's quota \
"Concurrent executions"; API-Football's plan |
| candidates of a training | Autopilot trains ten at a time by itself | `max_candidates`, `max_runtime` |
| fixtures in MySQL | a larger instance class, changed in RDS: bootstrap leaves the class as it is | |

Below that, more workers only cost: Glue bills each of them for a minute at least, and a week's run reads a few dozen
small files.
"""


def main() -> None:
    chosen = sys.argv[1:] or SCRIPTS
    unknown = set(chosen) - set(SCRIPTS)
    if unknown:
        sys.exit(f"no such script: {', '.join(sorted(unknown))}; there are {', '.join(SCRIPTS)}")
    sections, failed = [], []
    for name in chosen:
        began = time.monotonic()
        print(f"bench.{name} …", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, "-m", f"bench.{name}"], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            failed.append(name)
        print(f"bench.{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        sections.append(done.stdout.strip())
    if sys.argv[1:] or failed:
        print("\n\n".join(sections))
        sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
    before = BEFORE.format(machine=machine(), day=f"{datetime.now(UTC):%-d %B %Y}")
    replace_text(TARGET, "\n".join([before, *(f"{section}\n" for section in sections), AFTER]))


def machine() -> str:
    """What it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
