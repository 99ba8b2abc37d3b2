"""The local AWS that the tests share, and the command line as a person uses it."""

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

# moto is one to a process, whichever test imports it first.
os.environ.update(MOTO_SETTINGS)
ROOT = Path(__file__).resolve().parent.parent
SERVICES = (
    *("s3", "glue", "lambda", "sagemaker", "rds", "iam", "logs", "events", "ssm", "ec2"),
    *("lakeformation", "budgets", "cloudwatch", "sns", "sts", "resourcegroupstaggingapi", "service-quotas"),
)


# moto keeps its state in module globals, so the tests that run it in their own process share one worker.
SHARED_MOTO = ("tests/local/", "tests/glue/", "tests/handlers/", "tests/resources/services/")

# The longest groups start first, so that both workers finish at about the same time.
LONGEST_GROUPS = ("tests/test_demo.py", "tests/test_season.py", "moto")


def _group(item: pytest.Item) -> str:
    """The xdist group of a test: its file, or one group for all tests that run moto in the test process."""
    return "moto" if item.nodeid.startswith(SHARED_MOTO) else item.nodeid.split("::")[0]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Assign each test to an xdist group and order the groups, the longest first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    priority = {group: number for number, group in enumerate(LONGEST_GROUPS)}
    items.sort(key=lambda item: priority.get(_group(item), len(priority)))


@cache
def documented() -> dict[str, list[set[str]]]:
    """By command, the sets of keys that its document may have."""
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
    """The footlake command with one local AWS, in an environment that holds nothing of the caller's."""

    dir: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        callers = ("AWS_", "FOOTLAKE_", "MOTO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(callers)}
        return kept | {"HOME": str(self.home), "FOOTLAKE_LOCAL_DIR": str(self.dir)} | more

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "footlake", *arguments],
            env=self.environment(**environment),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str, **environment: str) -> Any:
        """The document that a command that must succeed prints, which has the keys that docs/json.md says."""
        done = self("--local", "--output", "json", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        words = [" ".join(arguments[:number]) for number in (2, 1)]
        command = next(name for name in words if name in documented())
        assert [set(document)] == [keys for keys in documented()[command] if keys == set(document)], command
        return document

    def lake(self) -> AwsContext:
        """The lake of the running local AWS, for calls beside the command line."""
        import boto3

        endpoint = self.json("local", "status")["endpoint"]
        session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        try:
            lake = AwsContext(Config(client_address="127.0.0.1/32"), session)
            for service in SERVICES:
                lake.client(service)
        finally:
            del os.environ["AWS_ENDPOINT_URL"]
        return lake


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Two recorded seasons; tests that need them are skipped where they are not there."""
    folder = Path(os.environ.get("FOOTLAKE_RECORDINGS") or ROOT.parent / "shared" / "api-football")
    if not folder.is_dir():
        pytest.skip("no recordings")
    return folder


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line with a local AWS of its own, which is stopped at the end."""
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
    """The whole server inside the test process, every executor attached: one only, as moto is global."""
    aws = LocalAws(tmp_path_factory.mktemp("aws"), 0)
    aws.start()
    service_role(aws.local, "GlueRole", "glue.amazonaws.com")
    yield aws.local
    aws.close()


def service_role(local: Local, name: str, service: str) -> str:
    """A new role that a service may assume, and that may do anything; its ARN."""
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
    """Clients of that server by service."""
    return local_aws.client
