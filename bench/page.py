"""Compose docs/performance.md from the recorded results of the benchmarks.

bench/results/ has one Markdown file per script, and another for its largest sizes (`NAME-full.md`): the script's
output with a line that says when, where and at which commit it was measured.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import CLAIM_COLUMNS, CLAIMS_HEADING, markdown_table, split_claims

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/performance.md"
RESULTS = ROOT / "bench/results"
# `make bench` runs these.
SCRIPTS = ("startup", "bootstrap", "season", "parsing", "spark", "mysql", "weekly_run", "many_leagues", "demo", "money")
# These run only on request, because they take minutes, wait for minutes or download a gigabyte.
ON_REQUEST = ("suite", "installation", "memory")
WITH_FULL = ("spark", "mysql", "many_leagues")
INTRODUCTION = """# Performance and cost

The scripts of [bench/](../bench/) measure footlake and the usual alternative in the same run. The docstring of each
script says what it leaves out. `make bench` runs them and composes this page of the latest result of each.
The sizes of `--full` and {on_request} run only on request. Below each section are its script, date,
commit and machine. Seconds vary between machines more than ratios. Nothing was measured on AWS.
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


def compose_page() -> str:
    """Compose the page: all claims, then each script's figures with their origin."""
    sections, claims = [], []
    for script in (*SCRIPTS, *ON_REQUEST):
        for file, command in ((f"{script}.md", script), (f"{script}-full.md", f"{script} --full")):
            if (RESULTS / file).exists():
                text, script_claims = split_claims((RESULTS / file).read_text())
                if command.endswith("--full"):
                    text = re.sub("^(## .*)$", r"\1 with `--full`", text, flags=re.MULTILINE)
                sections.append(f"{text}\n")
                claims += [[*claim, f"`{command}`"] for claim in script_claims]
    introduction = INTRODUCTION.format(on_request=", ".join(f"`{script}`" for script in ON_REQUEST))
    summary = f"## Claims\n\n{markdown_table((*CLAIM_COLUMNS, 'script'), claims)}"
    return "\n".join([introduction, summary, *sections, SCALING])


def record_result(output: str, script: str, full: bool, commit: str, seconds: float) -> None:
    """Write a script's output with its origin to bench/results/."""
    text, heading, claims = output.partition(CLAIMS_HEADING)
    origin = (
        f"[bench/{script}.py](../bench/{script}.py){' `--full`' * full}, {datetime.now(UTC):%-d %B %Y},"
        f" commit {commit}, {describe_machine()}. It took {seconds:.0f} s."
    )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{script}{'-full' * full}.md"
    path.write_text(f"{text.strip()}\n\n{origin}\n" + (f"\n{heading}\n\n{claims.strip()}\n" if heading else ""))


def describe_commit() -> str:
    """Return the checkout's commit, marked if files other than the results differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    results = (f":!{path.relative_to(ROOT)}" for path in (DOCUMENT, RESULTS))
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", *results)
    return f"`{git('rev-parse', '--short', 'HEAD') or 'unknown'}`{' with uncommitted changes' if changed else ''}"


def describe_machine() -> str:
    """Return cores, memory, operating system and Python version."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
