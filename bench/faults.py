"""Disturb every API call of bootstrap and teardown and check that a second run converges.

    python -m bench.faults [--kind KIND]... [--every N] [--changing] [--verbose]

Prints the counts for each kind of fault; exit code 1 if anything did not converge. See tests/support/call_faults.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from footlake.deploy.catalogue import catalogue
from tests.support.call_faults import KINDS, READS, FaultTrials, start_aws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind of fault (repeatable)")
    parser.add_argument("--every", type=int, default=1, help="only every Nth call")
    parser.add_argument("--changing", action="store_true", help="only calls that change something")
    parser.add_argument(
        "--as-documented", action="store_true", help="with the additional resources of the original walk-through"
    )
    parser.add_argument("--verbose", action="store_true", help="print the problems of every failed run")
    options = parser.parse_args()
    kinds = options.kind or list(KINDS)

    def is_selected(number: int, call: str) -> bool:
        reads = READS.match(call.split(":")[1])
        return number % options.every == 0 and not (options.changing and reads)

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        start_aws()
        trials = FaultTrials(report, options.as_documented)
        calls = {"bootstrap": trials.bootstrap(kinds, is_selected), "teardown": trials.teardown(kinds, is_selected)}
        states = len(list(Path(folder).glob("state-*")))
        lines = [json.loads(line) for line in report.read_text().splitlines()]
    failed_runs = [line for line in lines if line["problems"]]
    for line in failed_runs if options.verbose else ():
        print(f"{line['of']} call {line['call']} {line['operation']} {line['kind']}")
        print(*(f"    {problem[:2000]}" for problem in line["problems"]), sep="\n")
    print(f"{'':<10} {'fault':<13} {'calls':>6} {'runs':>6} {'converged':>10} {'not':>5}")
    for name, kind in ((name, kind) for name in calls for kind in kinds):
        runs = [line for line in lines if (line["of"], line["kind"]) == (name, kind)]
        failed = sum(bool(line["problems"]) for line in runs)
        print(f"{name:<10} {kind:<13} {calls[name]:>6} {len(runs):>6} {len(runs) - failed:>10} {failed:>5}")
    print(f"{len(catalogue(trials.aws.config))} resources, {len(lines)} runs, {states} different states,", end=" ")
    print(f"{len(failed_runs)} runs did not converge; {time.monotonic() - started:.0f} s")
    sys.exit(bool(failed_runs) or not lines)


if __name__ == "__main__":
    main()
