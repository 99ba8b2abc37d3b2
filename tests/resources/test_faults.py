"""Whatever call bootstrap or teardown dies at, running it again gets there."""

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


def test_every_death_after_a_change_is_made_good() -> None:
    """The bench in a process of its own, as its AWS has no engines. All calls and kinds: python -m bench.faults"""
    bench = [sys.executable, "-m", "bench.faults", "--kind", "killed-after", "--changing", "--verbose"]
    done = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_refusals_and_lost_answers_are_made_good() -> None:
    kinds = [part for kind in ("denied", "dropped", "throttled", "answer-lost") for part in ("--kind", kind)]
    bench = [sys.executable, "-m", "bench.faults", *kinds, "--every", "29", "--verbose"]
    done = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_killed_command_can_be_run_again(cli: Cli) -> None:
    """The real command, its calls side by side, killed after some of its lines."""
    cli("local", "start")
    lake = cli.lake()
    empty = describe(lake.client)
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
    normal = describe(lake.client)
    assert {step["outcome"] for step in cli.json("bootstrap", **settings)["resources"]} == {"unchanged"}
    kill(["teardown", "--yes"], 20)
    cli.json("bootstrap", **settings)
    assert not differences(normal, describe(lake.client))
    kill(["teardown", "--yes"], 30)
    done = cli("--local", "teardown", "--yes", **settings)
    assert done.returncode == 0, done.stderr
    assert not differences(empty, describe(lake.client))
