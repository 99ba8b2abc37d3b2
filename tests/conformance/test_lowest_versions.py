"""The whole pipeline with the lowest packages that setup.cfg permits, from the data in the lake to the report.

The other emulators only record what Glue, Autopilot and RDS are asked for, so this runs on the local AWS. The commands
know it only by its endpoint, because its engines are not among the packages.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.conformance.conftest import CLIENTS, REGION, RecordedCli, Reference

_VERSIONS = """
import json
from importlib.metadata import requires, version
from packaging.requirements import Requirement
packages = [Requirement(text) for text in requires("footlake") if "extra ==" not in text]
print(json.dumps({package.name: [str(package.specifier), version(package.name)] for package in packages}))
"""


@pytest.fixture(scope="module")
def lowest(reference: Reference) -> RecordedCli:
    """The command line with the lowest packages, on the local AWS of the reference."""
    cli = reference.cli
    key = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION}
    variables = {**cli.variables, **key, "AWS_ENDPOINT_URL": cli.endpoint}
    return RecordedCli(CLIENTS["lowest"], cli.folder, (), variables, cli.endpoint)


def test_the_lowest_versions_are_installed() -> None:
    done = subprocess.run([CLIENTS["lowest"], "-c", _VERSIONS], capture_output=True, text=True, check=True, timeout=60)
    versions = json.loads(done.stdout)
    assert versions["botocore"][0].startswith(">=")
    for package, (specifier, version) in versions.items():
        lowest = specifier.split(">=")[1].split(",")[0]
        assert version == lowest or version.startswith(f"{lowest}."), (package, specifier, version)


@pytest.mark.parametrize(
    "command",
    [
        *("status", "run-glue", "train-autopilot", "transform-xgoals", "load-mysql", "report", "models", "metrics"),
        *("logs", "teardown --yes", "bootstrap --as-documented"),
    ],
)
def test_a_command_succeeds(lowest: RecordedCli, command: str) -> None:
    assert lowest.json(*command.split())
