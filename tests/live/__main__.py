"""Create a lake in an AWS account, run one week in it, remove it, and write a transcript.

    FOOTLAKE_LIVE=yes make live

It uses the AWS credentials, region, season and API-Football key of the environment, as footlake does, and a new lake
with a unique name. It costs about two US dollars and takes about two hours on AWS. `--to STEP` ends the run after a
step, for emulators that lack the services of later steps. Whatever happens, the lake is torn down at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.conformance import recorded_cli
from tests.conftest import ROOT
from tests.live.transcript import EXAMPLE_ACCOUNT, Transcript

OPT_IN = "FOOTLAKE_LIVE"
SECRET_VARIABLES = ("FOOTLAKE_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
SHORT_TRAINING = {"FOOTLAKE_MAX_CANDIDATES": "3", "FOOTLAKE_MAX_RUNTIME": "1800"}
WRONG_USAGE, FAILED, LEFT = 2, 1, 4


@dataclass
class Acceptance:
    """An acceptance run: `footlake` commands with the variables, whose calls of AWS are recorded in `folder`.

    `corrections` make up for known faults of emulators, see tests.conformance.emulator_faults.
    """

    variables: Mapping[str, str]
    folder: Path
    transcript: Transcript
    corrections: bool = False
    failures: list[str] = field(default_factory=list)

    def run(self, *arguments: str, expect: int = 0, must: bool = False) -> str:
        """Run a command, show and record its output and AWS's answers, and return its standard output.

        Another exit code than `expect` is a failure of the run. If the command `must` succeed, SystemExit ends the run.
        """
        calls = self.folder / "calls.jsonl"
        calls.unlink(missing_ok=True)
        command = " ".join(("footlake", *arguments))
        print(f"$ {command}", flush=True)
        self.transcript.heading(f"{command}   ({datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC)")
        corrections = "yes" if self.corrections else "no"
        with subprocess.Popen(
            [sys.executable, "-m", recorded_cli.__name__, calls, corrections, *arguments],
            env={**os.environ, **self.variables, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            errors: list[str] = []
            progress = threading.Thread(target=_show, args=(process.stderr, errors))
            progress.start()
            output = process.stdout.read() if process.stdout else ""
            progress.join()
        print(output, end="", flush=True)
        self.transcript.lines([*errors, *output.splitlines(), f"exit code {process.returncode}"])
        if calls.exists():
            self.transcript.calls(json.loads(line) for line in calls.read_text(encoding="utf-8").splitlines())
        if process.returncode != expect:
            self.failures.append(f"{command} ended with exit code {process.returncode}.")
            if must:
                raise SystemExit(FAILED)
        return output

    def json(self, *arguments: str, must: bool = False) -> Any:
        """Run a command and return its JSON document; empty if it has none."""
        output = self.run("--output", "json", *arguments, must=must)
        return json.loads(output) if output.strip().startswith("{") else {}

    def check(self, claim: str, holds: bool) -> None:
        """Record whether a claim holds."""
        self.transcript.lines([f"{'ok' if holds else 'NOT OK'}: {claim}"])
        print(f"{'ok' if holds else 'NOT OK'}: {claim}", flush=True)
        if not holds:
            self.failures.append(claim)


def _show(stream: Any, lines: list[str]) -> None:
    """Copy the lines of a command's progress to standard error and to `lines`."""
    for line in stream:
        print(line, end="", file=sys.stderr, flush=True)
        lines.append(line.rstrip())


def _bootstrap(run: Acceptance, season: int) -> None:
    run.json("bootstrap", must=True)
    again = run.json("bootstrap")
    changed = [step["resource"] for step in again.get("resources", ()) if step["outcome"] != "unchanged"]
    run.check(f"a second bootstrap changes nothing ({', '.join(changed) or 'nothing'})", again != {} and not changed)


def _ingest(run: Acceptance, season: int) -> None:
    seasons = run.json("ingest-fixtures", "--season", str(season)).get("seasons", [])
    run.check("the season has played fixtures", any(item["played"] for item in seasons))
    run.run("ingest-stats", "--season", str(season))


def _report(run: Acceptance, season: int) -> None:
    report = run.json("report", "--season", str(season))
    rows = report.get("table", [])
    run.check("the report has a table with expected points", any(row["expected"] for row in rows))


STEPS = {
    "bootstrap": _bootstrap,
    "ingest-stats": _ingest,
    "run-glue": lambda run, season: run.run("run-glue"),
    "train-autopilot": lambda run, season: run.run("train-autopilot", "--no-hold-out"),
    "run-week": lambda run, season: run.run("run-week"),
    "report": _report,
}


def _answer(question: str) -> str:
    """Return a line from standard input; empty at the end of the input."""
    try:
        return input(question)
    except EOFError:
        return ""


def accept(run: Acceptance, season: int, last: str) -> int:
    """Run the steps up to `last`, then look at the lake and tear it down. Return the exit code."""
    try:
        for name, step in STEPS.items():
            step(run, season)
            if name == last:
                break
    except (SystemExit, KeyboardInterrupt):
        run.failures.append("The run was ended early.")
    finally:
        for command in ("status --all", "logs --since 3h --errors", "metrics"):
            run.run(*command.split())
        left = run.json("teardown", "--yes").get("left", ["unknown"])
        run.check(f"teardown leaves nothing ({', '.join(left) or 'nothing'})", not left)
        again = run.json("teardown", "--yes")
        run.check("a second teardown finds nothing", not again.get("left", ["unknown"]))
    for failure in run.failures:
        print(f"NOT OK: {failure}")
    print(f"The transcript is {run.transcript.file}. Read it before you attach it to an issue.")
    return LEFT if left else FAILED if run.failures else 0


def main() -> int:
    """Check the environment, show and confirm the price, and run. Return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--to", choices=STEPS, default="report", help="last step before the teardown")
    parser.add_argument("--yes", action="store_true", help="accept the price without being asked")
    parser.add_argument("--correct-emulators", action="store_true", help="make up for known faults of ministack")
    options = parser.parse_args()
    if os.environ.get(OPT_IN) != "yes":
        print(f"This run creates billed resources in an AWS account. Set {OPT_IN}=yes to allow it.", file=sys.stderr)
        return WRONG_USAGE
    try:
        sts: Any = boto3.client("sts")
        caller = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        print(f"Cannot sign in to AWS: {str(error).rstrip('.')}. Set AWS_PROFILE and AWS_REGION.", file=sys.stderr)
        return FAILED
    lake = f"live-{uuid.uuid4().hex[:8]}"
    season = int(os.environ.get("FOOTLAKE_SEASON", "2024"))
    secrets = {os.environ[name]: name for name in SECRET_VARIABLES if os.environ.get(name)}
    transcript = Transcript(Path(f"{lake}.txt").resolve(), secrets | {caller["Account"]: EXAMPLE_ACCOUNT})
    with tempfile.TemporaryDirectory() as folder:
        variables = {**SHORT_TRAINING, "FOOTLAKE_LAKE": lake, "FOOTLAKE_SEASON": str(season)}
        run = Acceptance(variables, Path(folder), transcript, options.correct_emulators)
        others = run.json("teardown", "--yes").get("others", [])
        if others:
            names = ", ".join(f"{other['lake']} in {other['region']}" for other in others)
            print(f"The account already has a lake ({names}), whose resources have the same names.", file=sys.stderr)
            return FAILED
        plan = run.json("bootstrap", "--plan", must=True)
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "AWS")
        print(f"Account {caller['Account']} on {endpoint}, region {sts.meta.region_name}, lake {lake}.")
        print(f"Price: {plan['cost']['monthly']:.2f} USD a month while the lake exists (here about two hours),")
        print(f"{plan['cost']['week_high']:.2f} USD for the week, and about 1 USD for the training on AWS.")
        if not options.yes and _answer("Type yes to continue: ") != "yes":
            print("Nothing was created.")
            return FAILED
        return accept(run, season, options.to)


if __name__ == "__main__":
    raise SystemExit(main())
