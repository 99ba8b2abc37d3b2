"""Run benchmarks one after the other, record their results, and write docs/performance.md from all recorded results.

    python -m bench [NAME …] [--full]

Without names the scripts of `make bench` run. `--full` runs those that have larger sizes, with these. A script that
fails keeps its earlier result.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from bench.page import (
    DOCUMENT,
    ON_REQUEST,
    ROOT,
    SCRIPTS,
    WITH_FULL,
    compose_page,
    describe_commit,
    record_result,
)
from footlake.local.files import replace_text


def main() -> None:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m bench", description=__doc__, formatter_class=formatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join((*SCRIPTS, *ON_REQUEST)))
    parser.add_argument("--full", action="store_true", help=f"the largest sizes of {', '.join(WITH_FULL)}")
    options = parser.parse_args()
    available = WITH_FULL if options.full else (*SCRIPTS, *ON_REQUEST)
    names = options.names or (WITH_FULL if options.full else SCRIPTS)
    if unknown := set(names) - set(available):
        parser.error(f"no such script: {', '.join(sorted(unknown))}; there are {', '.join(available)}")
    started = time.monotonic()
    failed = [name for name in names if not run_script(name, options.full)]
    print(f"all: {time.monotonic() - started:.0f} s", file=sys.stderr)
    replace_text(DOCUMENT, compose_page())
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def run_script(name: str, full: bool) -> bool:
    """Run a benchmark and record its result; return whether it succeeded."""
    print(f"bench.{name} …", file=sys.stderr, flush=True)
    commit, started = describe_commit(), time.monotonic()
    command = [sys.executable, "-m", f"bench.{name}", *["--full"] * full]
    process = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.monotonic() - started
    print(f"bench.{name}: {seconds:.0f} s", file=sys.stderr, flush=True)
    if process.returncode:
        print(process.stdout, file=sys.stderr)
        return False
    record_result(process.stdout, name, full, commit, seconds)
    return True


if __name__ == "__main__":
    main()
