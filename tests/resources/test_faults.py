"""Repetition of bootstrap and teardown succeeds, whichever call the first attempt failed at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from footlake.aws import AwsContext
from tests.conftest import ROOT, Cli
from tests.resources.conftest import CONFIG
from tests.support.aws_account import Account, describe, differences

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


def describe_without_port(aws: AwsContext) -> Account:
    """Describe the account, with 0 for the port of the database, which differs for each new local instance."""
    port = aws.client("rds").describe_db_instances()["DBInstances"][0]["Endpoint"]["Port"]

    def replace_port(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replace_port(item) for key, item in value.items()}
        if isinstance(value, list):
            return [replace_port(item) for item in value]
        if isinstance(value, str):
            return value.replace(f":{port}/", ":0/")
        return 0 if value == port else value

    return {kind: replace_port(resources) for kind, resources in describe(aws.client).items()}


def test_a_killed_command_can_be_run_again(cli: Cli) -> None:
    """Kill the real command, with its parallel calls, after some lines of output."""
    cli("local", "start")
    aws = cli.lake()
    empty = describe(aws.client)
    settings = {"FOOTLAKE_API_KEY": CONFIG.api_key, "FOOTLAKE_CLIENT_ADDRESS": CONFIG.client_address}
    command = [sys.executable, "-m", "footlake", "--local"]

    def kill(subcommand: list[str], after: int) -> None:
        process = subprocess.Popen(
            [*command, *subcommand, "--all"],  # prints a line as soon as a resource is done
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
        assert process.returncode == -signal.SIGKILL, "the command ended before it was killed"

    for lines in (5, 20, 40):
        kill(["bootstrap"], lines)
    cli.json("bootstrap", **settings)
    normal = describe_without_port(aws)
    assert {step["outcome"] for step in cli.json("bootstrap", **settings)["resources"]} == {"unchanged"}
    kill(["teardown", "--yes"], 20)
    cli.json("bootstrap", **settings)
    assert not differences(normal, describe_without_port(aws))
    kill(["teardown", "--yes"], 30)
    completed = cli("--local", "teardown", "--yes", **settings)
    assert completed.returncode == 0, completed.stderr
    assert not differences(empty, describe(aws.client))
