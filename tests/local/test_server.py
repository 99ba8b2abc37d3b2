"""The local AWS's process: whom it answers, what of the user's environment it ignores, and how it comes and goes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from tests.conftest import Cli

# Of a user behind a proxy, whose AWS profile is on another machine.
ELSEWHERE = {
    "AWS_PROFILE": "nobody",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def aws(cli: Cli) -> dict[str, Any]:
    """What its status says, of one that was started in such an environment."""
    assert cli("local", "start", **ELSEWHERE).returncode == 0
    status: dict[str, Any] = cli.json("local", "status")
    return status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://a-page.example"},
        {"Origin": "null"},
        {"Host": "rebound.example"},
        {"Host": "127.0.0.1.rebound.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_web_pages_get_no_answer(aws: dict[str, Any], headers: dict[str, str]) -> None:
    refused = requests.get(f"{aws['endpoint']}/moto-api/data.json", headers=headers, timeout=10)
    assert (refused.status_code, refused.text) == (403, "The local AWS does not answer to web pages.\n")
    asked = requests.options(aws["endpoint"], headers=headers | {"Access-Control-Request-Method": "POST"}, timeout=10)
    assert not [name for name in asked.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a-bucket.localhost"])
def test_what_calls_it_by_its_name_is_answered(aws: dict[str, Any], host: str) -> None:
    port = aws["endpoint"].rpartition(":")[2]
    answer = requests.get(f"{aws['endpoint']}/moto-api/data.json", headers={"Host": f"{host}:{port}"}, timeout=10)
    assert answer.status_code == 200


def test_it_calls_itself_past_the_users_proxy_and_profile(aws: dict[str, Any], cli: Cli) -> None:
    lake = cli.lake()
    lake.client("s3").create_bucket(Bucket="a-bucket")
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = lake.client("iam").create_role(
        RoleName="crawls", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    lake.client("iam").attach_role_policy(RoleName="crawls", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    glue = lake.client("glue")
    glue.create_database(DatabaseInput={"Name": "d"})
    glue.create_crawler(Name="c", Role=role, DatabaseName="d", Targets={"S3Targets": [{"Path": "s3://a-bucket/"}]})
    glue.start_crawler(Name="c")
    deadline = time.monotonic() + 30
    while glue.get_crawler(Name="c")["Crawler"]["State"] != "READY":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"


def test_a_state_that_cannot_be_read_is_told_and_left_alone(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "state.pickle").write_bytes(b"of another version")
    refused = cli("local", "start", "--dir", str(folder))
    assert refused.returncode == 1
    assert "state.pickle is damaged, or of another version" in refused.stderr
    assert "Remove its folder to begin anew." in refused.stderr
    assert (folder / "state.pickle").read_bytes() == b"of another version"


@pytest.fixture
def other(cli: Cli, tmp_path: Path) -> Iterator[Cli]:
    """Another local AWS, in which there is one bucket."""
    other = Cli(tmp_path / "other", cli.home)
    assert other("local", "start").returncode == 0
    s3(other).create_bucket(Bucket="long-since")
    until((other.dir / "state.pickle").exists)
    yield other
    other("local", "stop")


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def s3(cli: Cli) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    endpoint = cli.json("local", "status")["endpoint"]
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)


def buckets(cli: Cli) -> set[str]:
    return {bucket["Name"] for bucket in s3(cli).list_buckets()["Buckets"]}


def test_what_cannot_be_saved_is_told_and_not_given_up(other: Cli) -> None:
    status, saved = other.json("local", "status"), (other.dir / "state.pickle").read_bytes()
    assert status["unsaved"] is None
    # As of a disk that is full: no file grows beyond a page.
    _, hard = resource.prlimit(status["pid"], resource.RLIMIT_FSIZE)
    resource.prlimit(status["pid"], resource.RLIMIT_FSIZE, (4096, hard))
    s3(other).create_bucket(Bucket="just-now")
    until(lambda: other.json("local", "status")["unsaved"] == "File too large")
    assert "its state cannot be saved: File too large" in other("local", "status").stdout

    refused = other("local", "stop")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "cannot save its state, and runs on as nothing else has it: File too large." in refused.stderr
    assert (other.dir / "state.pickle").read_bytes() == saved
    assert not list(other.dir.glob("*.partial"))
    assert buckets(other) == {"just-now", "long-since"}

    resource.prlimit(status["pid"], resource.RLIMIT_FSIZE, (hard, hard))
    assert other("local", "stop").returncode == 0
    assert other("local", "start").returncode == 0
    assert other.json("local", "status")["unsaved"] is None
    assert buckets(other) == {"just-now", "long-since"}


def test_a_stop_in_which_the_state_is_not_saved_is_no_success(other: Cli) -> None:
    pid = other.json("local", "status")["pid"]
    os.kill(pid, signal.SIGSTOP)  # it has to be asked, but does not answer
    command = [sys.executable, "-m", "footlake", "local", "stop"]
    stop = subprocess.Popen(command, env=other.environment(), stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    os.kill(pid, signal.SIGKILL)
    _, said = stop.communicate(timeout=30)
    assert stop.returncode == 1
    assert "has ended without saving its state" in said


def test_a_start_where_nothing_can_be_written_says_so_and_leaves_nothing_half_written(cli: Cli, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "footlake", "local", "start", "--dir", str(tmp_path)]
    full = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command]
    refused = subprocess.run(full, env=cli.environment(), capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"Cannot use {tmp_path} for the local AWS: File too large." in refused.stderr
    assert not list(tmp_path.glob("local.json*"))


def test_recordings_that_are_set_are_not_said_to_be_left(cli: Cli, tmp_path: Path) -> None:
    refused = cli("local", "start", "--simulate", FOOTLAKE_RECORDINGS=str(tmp_path))
    assert refused.returncode == 2
    assert "FOOTLAKE_RECORDINGS" in refused.stderr
