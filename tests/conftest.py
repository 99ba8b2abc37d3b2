"""Fixtures for the command line with its local AWS, and for a local AWS in the test process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.local.context import Local
from footlake.local.server import MOTO_SETTINGS, LocalAws
from tests.support.cli_server import START_VARIABLES, run_footlake, share_service_models

# moto reads these settings when it is imported, which any test may do first.
os.environ.update(MOTO_SETTINGS)
share_service_models()
ROOT = Path(__file__).resolve().parent.parent

# The longest groups start first, so that both workers finish at about the same time.
LONGEST_GROUPS = (
    *("tests/conformance/", "tests/test_database_settings.py", "tests/resources/test_faults.py"),
    *("tests/handlers/test_bench.py", "tests/test_season.py", "tests/test_demo.py", "tests/glue/"),
    *("tests/handlers/test_ingestion.py", "tests/test_check.py", "tests/test_operate.py"),
    *("tests/local/engines/test_spark.py", "tests/test_database_sleep.py", "tests/deploy/test_plan.py"),
    *("tests/test_money.py", "tests/test_policy.py", "tests/test_interrupt.py", "tests/local/test_server.py"),
    *("tests/test_sign_in.py", "tests/local/engines/test_autopilot.py", "tests/handlers/test_odd_answers.py"),
)
# Folders whose tests share Spark and a MySQL server, or the recorded calls of the emulators.
GROUP_FOLDERS = ("tests/glue/", "tests/conformance/")


def _group(item: pytest.Item) -> str:
    """The xdist group of a test: its file, or its folder if that is in GROUP_FOLDERS."""
    return next((folder for folder in GROUP_FOLDERS if item.nodeid.startswith(folder)), item.nodeid.split("::")[0])


# Fixtures and files that start the local AWS, an engine, a database server or a browser, or build a wheel.
SERVER_FIXTURES = {"cli", "local_aws", "client", "mysql_server", "server", "chromium"}
SERVER_FILES = ("tests/local/engines/", "tests/report/test_same_numbers.py", "tests/test_wheel.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Assign the tests to xdist groups, order these, the longest first, and mark the tests that need a server."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
        if item.nodeid.startswith("tests/conformance/"):
            item.add_marker(pytest.mark.conformance)
        if item.nodeid.startswith(SERVER_FILES) or SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)
    priority = {group: number for number, group in enumerate(LONGEST_GROUPS)}
    items.sort(key=lambda item: priority.get(_group(item), len(priority)))


@cache
def documented_keys() -> dict[str, list[set[str]]]:
    """Return, by command, the sets of keys that docs/json.md allows in its JSON document."""
    text = (ROOT / "docs/json.md").read_text()
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|$", text, re.MULTILINE)
    model = set(re.findall(r"`(\w+)`", text.split("- a model: ")[1].split("\n- ")[0])) - {"sagemaker", "here"}
    known: dict[str, list[set[str]]] = {}
    for names, keys in rows:
        for name in re.findall(r"`([^`]+)`", names):
            command = name.partition(" --")[0]
            for way in keys.split(";"):
                named = set(re.findall(r"`([\w]+)`", way))
                known.setdefault(command, []).append(named | (model if "those of a model" in way else set()))
    known["demo"] = [(known["demo"][0] - {"report"}) | known["report"][0]]
    return known


@dataclass
class Cli:
    """Runs footlake in processes with a separate local AWS, without the settings of the caller's environment."""

    dir: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of the subprocess, with these variables in addition."""
        callers = ("AWS_", "FOOTLAKE_", "MOTO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(callers)}
        return kept | {"HOME": str(self.home), "FOOTLAKE_LOCAL_DIR": str(self.dir)} | more

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        if not any(name.startswith(START_VARIABLES) for name in environment):
            return run_footlake(arguments, self.environment(**environment), self.home)
        return subprocess.run(
            [sys.executable, "-m", "footlake", *arguments],
            env=self.environment(**environment),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str, **environment: str) -> Any:
        """Run a command that must succeed, and return its JSON document, whose keys must be those of docs/json.md."""
        done = self("--local", "--output", "json", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        words = [" ".join(arguments[:number]) for number in (2, 1)]
        command = next(name for name in words if name in documented_keys())
        assert [set(document)] == [keys for keys in documented_keys()[command] if keys == set(document)], command
        return document

    def lake(self) -> AwsContext:
        """Connect to the running local AWS, for calls that are not made by the command line."""
        import boto3

        endpoint = self.json("local", "status")["endpoint"]
        session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        return AwsContext(Config(client_address="127.0.0.1/32"), session, endpoint_url=endpoint)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """A folder with two recorded seasons; tests that need it are skipped if it does not exist."""
    folder = Path(os.environ.get("FOOTLAKE_RECORDINGS") or ROOT.parent / "shared" / "api-football")
    if not folder.is_dir():
        pytest.skip("no recordings")
    return folder


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line with its own local AWS, which is stopped at the end of the module."""
    folder = tmp_path_factory.mktemp("foot lake")
    home = folder / "home"
    # MariaDB may have been unpacked into the real cache already.
    home.mkdir()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache.mkdir(parents=True, exist_ok=True)
    (home / ".cache").symlink_to(cache)
    cli = Cli(folder / "aws", home)
    yield cli
    cli("local", "stop")


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """The complete local AWS in the test process. There is only one per process, as the state of moto is global."""
    aws = LocalAws(tmp_path_factory.mktemp("aws"), 0)
    aws.start()
    service_role(aws.local, "GlueRole", "glue.amazonaws.com")
    yield aws.local
    aws.close()


def service_role(local: Local, name: str, service: str) -> str:
    """Create a role that the service may assume and that allows everything. Return its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    iam = local.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="anything", PolicyDocument=json.dumps(anything))
    return str(role["Arn"])


@pytest.fixture(scope="session")
def client(local_aws: Local) -> Any:
    """A function that returns the boto3 client of a service, connected to `local_aws`."""
    return local_aws.client
