"""Run the benchmarks one after the other and write docs/performance.md.

    python -m bench [NAME …]

With names (`startup`, `spark` …) only these run, and the result goes to standard output. If a script fails, the
document is not written and the result goes to standard output.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import CLAIM_COLUMNS, markdown_table, split_claims
from footlake.local.files import replace_text

SCRIPTS = ("startup", "bootstrap", "season", "parsing", "spark", "mysql", "weekly_run", "many_leagues", "money")
ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/performance.md"
INTRODUCTION = """# Performance and cost

`make bench` writes this page. It runs the scripts of [bench/](../bench/) one after the other. Each script measures
footlake and the usual alternative in the same run. The docstring of each script says what it leaves out.
"""
SCALING = """## When two workers or one machine are not enough

| what grows | what to change | setting |
| --- | --- | --- |
| team rows: more leagues and seasons than the Glue table above processes in minutes | More Glue workers. Scripts and \
data stay unchanged. | `glue_workers`, then `footlake bootstrap` |
| rows to score | A larger transform instance. | `transform_instance`, then `footlake bootstrap` |
| leagues per week | One invocation fetches the fixtures of all leagues in turn. What does not fit into its 30 s waits \
for the next half hour. Statistics run in parallel, one function per league and season, up to the account's \
concurrency (10 for new accounts) and API-Football's requests per minute. | Lambda quota "Concurrent executions"; \
API-Football plan |
| candidates of a training | Autopilot trains ten at a time without any setting. | `max_candidates`, `max_runtime` |
| fixtures in MySQL | A larger instance class, changed in RDS. `bootstrap` does not change the class. | |

Below these sizes more workers only add cost. Glue bills each worker for at least one minute, and a weekly run reads a
few dozen small files.
"""


def main() -> None:
    names = sys.argv[1:] or SCRIPTS
    unknown = set(names) - set(SCRIPTS)
    if unknown:
        sys.exit(f"no such script: {', '.join(sorted(unknown))}; there are {', '.join(SCRIPTS)}")
    outputs = {name: run_script(name) for name in names}
    failed = [name for name, (_, succeeded) in outputs.items() if not succeeded]
    document = compose_document(output for output, _ in outputs.values())
    if sys.argv[1:] or failed:
        print(document)
        sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
    replace_text(DOCUMENT, document)


def run_script(name: str) -> tuple[str, bool]:
    """Run a benchmark; return its standard output and whether it succeeded."""
    started = time.monotonic()
    print(f"bench.{name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", f"bench.{name}"]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(f"bench.{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return process.stdout.strip(), process.returncode == 0


def compose_document(outputs: Iterable[str]) -> str:
    """Compose the page: claims first, then when and where they were measured, then each script's figures."""
    sections, claims = [], []
    for output in outputs:
        text, script_claims = split_claims(output)
        sections.append(f"{text}\n")
        claims += script_claims
    summary = f"## Claims\n\n{markdown_table(CLAIM_COLUMNS, claims)}"
    measured = (
        f"## Machine, date and commit\n\nMeasured on {datetime.now(UTC):%-d %B %Y} at commit {describe_commit()}, on"
        f" {describe_machine()}.\nNothing was measured on AWS.\n"
    )
    return "\n".join([INTRODUCTION, summary, measured, *sections, SCALING])


def describe_commit() -> str:
    """Return the checkout's commit, marked if files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = " with uncommitted changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"`{git('rev-parse', '--short', 'HEAD') or 'unknown'}`{changed}"


def describe_machine() -> str:
    """Return cores, memory, operating system and Python version."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
