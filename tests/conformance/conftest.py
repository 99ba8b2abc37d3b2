"""Fixtures: footlake's command line on ministack and moto, and the same on the local AWS as the reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from footlake.lake import s3_keys
from tests.conformance import recorded_cli
from tests.conformance.emulator_faults import ACCOUNT
from tests.conformance.servers import football_api, free_port, running
from tests.conftest import ROOT
from tests.support.aws_account import Account, describe

REFEREES = Path(f"{sys.prefix}-conformance/bin")
CLIENTS = {"locked": Path(sys.executable), "lowest": Path(f"{sys.prefix}-lowest/bin/python")}
ON_MOTO = ("SAGEMAKER", "LAKEFORMATION", "SERVICE_QUOTAS", "FREETIER")  # services that ministack lacks
NOW = datetime(2021, 3, 20, tzinfo=UTC)
SEASON, NEXT_SEASON = 2020, 2021
INGESTION_SECONDS = 120.0
COMMAND_SECONDS = 300.0
REGION = "us-east-1"
BUCKET = f"footlake-{ACCOUNT}-{REGION}"

Call = dict[str, Any]


@dataclass
class RecordedCli:
    """Runs footlake's command line as a subprocess and records its calls of AWS in a file of `folder`.

    `options` are given to every command, `variables` are its environment. `corrected` is `yes` for ministack and moto.
    """

    python: Path
    folder: Path
    options: tuple[str, ...]
    variables: Mapping[str, str]
    endpoint: str = ""
    corrected: str = "no"

    @property
    def calls_file(self) -> Path:
        return self.folder / "calls.jsonl"

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        foreign = ("AWS_", "FOOTLAKE_", "MOTO_", "PYTHON")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.run(
            [self.python, "-m", recorded_cli.__name__, self.calls_file, self.corrected, *self.options, *arguments],
            env={**environment, "PYTHONPATH": str(ROOT), "HOME": str(self.folder), **self.variables, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )

    def json(self, *arguments: str, **variables: str) -> Any:
        """Run a command that must succeed, and return its JSON document."""
        done = self("--output", "json", *arguments, **variables)
        assert done.returncode == 0, f"{arguments}: {done.stderr}\n{done.stdout[-2000:]}"
        return json.loads(done.stdout)

    def outcomes(self, *arguments: str, **variables: str) -> dict[str, set[str]]:
        """Run bootstrap or teardown and return the labels of the resources by outcome."""
        outcomes: dict[str, set[str]] = {}
        for step in self.json(*arguments, **variables)["resources"]:
            outcomes.setdefault(step["outcome"], set()).add(step["resource"])
        return outcomes

    def calls(self, skip: int = 0) -> list[Call]:
        """Return the recorded calls in order, without the first ones."""
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()[skip:]]

    def client(self, service: str) -> Any:
        """Return a client of a service, as the same caller."""
        endpoint = self.variables.get(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}") or self.endpoint
        key = {name: self.variables.get(name.upper(), "x") for name in ("aws_access_key_id", "aws_secret_access_key")}
        return boto3.client(service, endpoint_url=endpoint, region_name=REGION, **key)  # type: ignore[call-overload]

    def account(self) -> Account:
        """Describe the whole account."""
        return describe(self.client)

    def ingest_season(self) -> None:
        """Fetch the fixtures of the season, and wait for their statistics, which an event of S3 starts."""
        (fetched,) = self.json("ingest-fixtures", "--season", str(SEASON))["seasons"]
        assert fetched["played"] > 100
        deadline = time.monotonic() + INGESTION_SECONDS
        while time.monotonic() < deadline:
            keys = self.keys()
            waiting = any(key.startswith((s3_keys.LEASES, s3_keys.PENDING)) for key in keys)
            if not waiting and sum(map(bool, map(s3_keys.parse_raw_statistics, keys))) == fetched["played"]:
                return
            time.sleep(0.2)
        raise AssertionError(f"The event of S3 brought only {len(keys)} objects.")

    def keys(self) -> list[str]:
        """Return the keys of the data lake."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def objects(self) -> dict[str, bytes]:
        """Return the content of every object of the data lake by its key."""
        s3 = self.client("s3")
        return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in self.keys()}


@pytest.fixture(scope="session")
def settings() -> Iterator[dict[str, str]]:
    """The settings of all lakes: a season with enough matches to train on, in an API that all of them ask."""
    with football_api(NOW) as address:
        yield {
            "FOOTLAKE_API_URL": address,
            "FOOTLAKE_API_KEY": "0123456789abcdef0123456789abcdef",
            "FOOTLAKE_SEASON": str(SEASON),
            "FOOTLAKE_ALERT_EMAIL": "anna@example.org",
            "FOOTLAKE_CLIENT_ADDRESS": "127.0.0.1/32",
        }


@pytest.fixture(scope="module", params=CLIENTS)
def lake(
    request: pytest.FixtureRequest, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RecordedCli]:
    """The command line on new emulators, as an IAM user, with the locked or the lowest permitted packages."""
    folder = tmp_path_factory.mktemp("others")
    with ExitStack() as servers:
        ministack, moto = free_port(), free_port()
        on_moto = {f"AWS_ENDPOINT_URL_{service}": f"http://127.0.0.1:{moto}" for service in ON_MOTO}
        variables = {
            "GATEWAY_PORT": str(ministack),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "LAMBDA_EXECUTOR": "local",
            "DOCKER_HOST": "unix:///nonexistent",  # also where Docker is installed
            **on_moto,  # for the functions
        }
        command = [str(REFEREES / "python"), "-m", "ministack"]
        servers.enter_context(running(command, ministack, folder / "ministack", variables))
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(moto)]
        servers.enter_context(running(command, moto, folder / "moto", {}))
        endpoint = f"http://127.0.0.1:{ministack}"
        cli = RecordedCli(
            CLIENTS[request.param],
            folder,
            (),
            {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, **on_moto, **settings, **_new_operator(endpoint)},
            endpoint,
            corrected="yes",
        )
        yield cli


def _new_operator(endpoint: str) -> dict[str, str]:
    """Create an IAM user, because Lake Formation refuses the root user. Return the variables of its credentials."""
    iam = boto3.client(
        "iam", endpoint_url=endpoint, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    iam.create_user(UserName="operator")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="operator", PolicyName="everything", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


@dataclass
class Reference:
    """Results of the same commands on the local AWS: its objects, and the resources that the next season changes.

    `calls` are those of the bootstraps and of the ingestion.
    """

    cli: RecordedCli
    calls: list[Call]
    objects: dict[str, bytes]
    changed_by_season: set[str]


@pytest.fixture(scope="session")
def reference(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """A lake on the local AWS, bootstrapped for the season, the next one and as the walk-through documents it."""
    folder = tmp_path_factory.mktemp("local")
    # MariaDB may have been unpacked into the real cache already.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache.mkdir(parents=True, exist_ok=True)
    (folder / ".cache").symlink_to(cache)
    cli = RecordedCli(Path(sys.executable), folder, ("--local",), settings)
    try:
        cli.json("bootstrap")
        cli.endpoint = cli.json("local", "status")["endpoint"]
        cli.ingest_season()
        objects = cli.objects()
        changed = cli.outcomes("bootstrap", FOOTLAKE_SEASON=str(NEXT_SEASON))["updated"]
        cli.json("bootstrap", "--as-documented")
        yield Reference(cli, cli.calls(), objects, changed)
    finally:
        cli("local", "stop")
