"""Repetition of bootstrap and teardown succeeds, whichever call the first attempt failed at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import ROOT, Cli
from tests.resources.conftest import CONFIG
from tests.support.aws_account import describe, differences

pytestmark = pytest.mark.thorough  # make proof


def test_bootstrap_and_teardown_recover_from_a_kill_after_any_change() -> None:
    """Run the bench in another process, because its AWS has no engines. All calls and kinds: python -m bench.faults"""
    bench = [sys.executable, "-m", "bench.faults", "--kind", "killed-after", "--changing", "--verbose"]
    process = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


def test_bootstrap_and_teardown_recover_from_errors_and_lost_responses() -> None:
    kinds = [part for kind in ("denied", "dropped", "throttled", "answer-lost") for part in ("--kind", kind)]
    bench = [sys.executable, "-m", "bench.faults", *kinds, "--every", "29", "--verbose"]
    process = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr


def test_a_killed_command_can_be_run_again(cli: Cli) -> None:
    """Kill the real command, with its parallel calls, after some lines of output."""
    cli("local", "start")
    aws = cli.lake()
    empty = describe(aws.client)
    settings = {"FOOTLAKE_API_KEY": CONFIG.api_key, "FOOTLAKE_CLIENT_ADDRESS": CONFIG.client_address}
    command = [sys.executable, "-m", "footlake", "--local"]

    def kill(subcommand: list[str], after: int) -> None:
        process = subprocess.Popen(
            [*command, *subcommand],
            env=cli.environment(PYTHONUNBUFFERED="1", **settings),
            cwd=cli.home,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        for _ in range(after):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

    for lines in (5, 20, 40):
        kill(["bootstrap"], lines)
    cli.json("bootstrap", **settings)
    normal = describe(aws.client)
    assert {step["outcome"] for step in cli.json("bootstrap", **settings)["resources"]} == {"unchanged"}
    kill(["teardown", "--yes"], 20)
    cli.json("bootstrap", **settings)
    assert not differences(normal, describe(aws.client))
    kill(["teardown", "--yes"], 30)
    completed = cli("--local", "teardown", "--yes", **settings)
    assert completed.returncode == 0, completed.stderr
    assert not differences(empty, describe(aws.client))
