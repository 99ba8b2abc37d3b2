"""The process of the local AWS: rejected clients, the user's environment, start and stop, and saving of the state."""

from __future__ import annotations

import http.client
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

from footlake.local.daemon import LocalServer, require_running
from tests.conftest import Cli
from tests.local.football.test_recordings import response, v3_fixture

# The environment of a user with another Spark, Hadoop, Java and Python.
OTHER_INSTALLATIONS = {
    "SPARK_HOME": "/opt/spark",
    "SPARK_CONF_DIR": "/etc/spark",
    "HADOOP_CONF_DIR": "/etc/hadoop",
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "PYSPARK_DRIVER_PYTHON": "jupyter",
    "JAVA_TOOL_OPTIONS": "-Xmx1m",
    "PYTHONPATH": "/opt/spark/python",
    "AWS_CA_BUNDLE": "/none.pem",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "FOOTLAKE_LEAGUE": "140",
}

# The environment of a user behind a proxy, with an AWS profile that does not exist.
PROXY_AND_PROFILE = {
    "AWS_PROFILE": "nobody",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def aws(cli: Cli) -> dict[str, Any]:
    """Start a local AWS in this environment and return the document of `local status`."""
    (cli.home / ".aws").mkdir()
    (cli.home / ".aws/config").write_text("not a configuration")
    assert cli("local", "start", **PROXY_AND_PROFILE, **OTHER_INSTALLATIONS).returncode == 0
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
def test_requests_from_web_pages_are_rejected(aws: dict[str, Any], headers: dict[str, str]) -> None:
    rejected = requests.get(f"{aws['endpoint']}/moto-api/data.json", headers=headers, timeout=10)
    assert (rejected.status_code, rejected.text) == (403, "The local AWS rejects requests from web pages.\n")
    preflight = requests.options(
        aws["endpoint"], headers=headers | {"Access-Control-Request-Method": "POST"}, timeout=10
    )
    assert not [name for name in preflight.headers if name.startswith("Access-Control")]


def test_a_connection_serves_many_requests(aws: dict[str, Any]) -> None:
    connection = http.client.HTTPConnection(aws["endpoint"].removeprefix("http://"), timeout=10)

    def status(method: str, path: str, body: bytes = b"", **headers: str) -> int:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status

    assert status("GET", "/moto-api/data.json") == 200
    opened = connection.sock
    assert opened
    assert status("POST", "/", b"GET / HTTP/1.1\r\n\r\n", Origin="null") == 403
    assert status("HEAD", "/moto-api/data.json") == 200
    assert status("HEAD", "/", Origin="null") == 403
    assert status("PUT", "/a-bucket/a-key", b"a body", Expect="100-continue") in (403, 404)
    assert status("GET", "/moto-api/data.json") == 200
    assert connection.sock is opened


def test_spark_and_autogluon_can_be_started_before_the_first_job(aws: dict[str, Any]) -> None:
    def programs() -> str:
        children = " ".join(path.read_text() for path in Path(f"/proc/{aws['pid']}/task").glob("*/children")).split()
        return "".join(Path(f"/proc/{child}/cmdline").read_text() for child in children)

    engines = ("spark_worker", "model_worker")
    assert not [engine for engine in engines if engine in programs()]
    LocalServer(Path(aws["dir"]), aws["pid"], int(aws["endpoint"].rpartition(":")[2]), 0).start_engines()
    deadline = time.monotonic() + 60
    while not all(engine in programs() for engine in engines):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "a-bucket.localhost"])
def test_local_host_names_are_accepted(aws: dict[str, Any], host: str) -> None:
    port = aws["endpoint"].rpartition(":")[2]
    answer = requests.get(f"{aws['endpoint']}/moto-api/data.json", headers={"Host": f"{host}:{port}"}, timeout=10)
    assert answer.status_code == 200


def test_the_server_ignores_the_users_proxy_and_profile(aws: dict[str, Any], cli: Cli) -> None:
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


def test_the_server_inherits_listed_variables_only(aws: dict[str, Any]) -> None:
    lines = Path(f"/proc/{aws['pid']}/environ").read_bytes().decode().split("\0")
    inherited = dict(line.split("=", 1) for line in lines if line)
    assert not OTHER_INSTALLATIONS.keys() & inherited.keys()
    assert inherited["HTTP_PROXY"] == PROXY_AND_PROFILE["HTTP_PROXY"]
    assert (inherited["AWS_CONFIG_FILE"], inherited["AWS_SHARED_CREDENTIALS_FILE"]) == ("/dev/null", "/dev/null")


def test_the_server_reads_changed_recordings(cli: Cli, tmp_path: Path) -> None:
    source, folder = Cli(tmp_path / "aws", cli.home), tmp_path / "recordings"
    folder.mkdir()

    def record(*fixture_ids: int) -> None:
        fixtures = [v3_fixture(fixture_id, "2020-10-01T15:00") for fixture_id in fixture_ids]
        (folder / "fixtures.json").write_text(json.dumps(response(*fixtures)), encoding="utf-8-sig")

    def served_ids() -> list[int]:
        url = source.json("local", "status")["football_api"]
        query = {"league": "39", "season": "2020"}
        answer = requests.get(f"{url}/fixtures", query, headers={"x-apisports-key": "x"}, timeout=10).json()
        assert answer["errors"] == []
        return [fixture["fixture"]["id"] for fixture in answer["response"]]

    record(1)
    assert source("local", "start", "--recordings", str(folder)).returncode == 0
    try:
        assert served_ids() == [1]
        record(1, 2)
        assert served_ids() == [1, 2]
        record(3)
        assert served_ids() == [3]
    finally:
        source("local", "stop")


def test_a_restart_keeps_the_ports_that_resources_contain(cli: Cli, tmp_path: Path) -> None:
    restarted = Cli(tmp_path, cli.home)
    addresses = []
    for _ in range(2):
        assert restarted("local", "start").returncode == 0
        status = restarted.json("local", "status")
        addresses.append((status["endpoint"], status["football_api"]))
        assert restarted("local", "stop").returncode == 0
    assert addresses[0] == addresses[1]


def test_a_damaged_state_is_reported_and_kept(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "state.pickle").write_bytes(b"of another version")
    result = cli("local", "start", "--dir", str(folder))
    assert result.returncode == 1
    assert "state.pickle is damaged or was written by another version" in result.stderr
    assert "Remove its folder to start with an empty local AWS." in result.stderr
    assert (folder / "state.pickle").read_bytes() == b"of another version"


@pytest.fixture
def other(cli: Cli, tmp_path: Path) -> Iterator[Cli]:
    """The command line with another local AWS, which has one bucket in its saved state."""
    other = Cli(tmp_path / "other", cli.home)
    assert other("local", "start").returncode == 0
    s3_client(other).create_bucket(Bucket="long-since")
    wait_until((other.dir / "state.pickle").exists)
    yield other
    other("local", "stop")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def s3_client(cli: Cli) -> Any:
    endpoint = cli.json("local", "status")["endpoint"]
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def bucket_names(cli: Cli) -> set[str]:
    return {bucket["Name"] for bucket in s3_client(cli).list_buckets()["Buckets"]}


def test_a_server_that_cannot_save_its_state_reports_it_and_does_not_stop(other: Cli) -> None:
    status, saved = other.json("local", "status"), (other.dir / "state.pickle").read_bytes()
    assert status["unsaved"] is None
    # Like a full disk: no file can grow beyond 4096 bytes.
    _, hard = resource.prlimit(status["pid"], resource.RLIMIT_FSIZE)
    resource.prlimit(status["pid"], resource.RLIMIT_FSIZE, (4096, hard))
    s3_client(other).create_bucket(Bucket="just-now")
    server = require_running(other.dir)
    wait_until(lambda: server.save_error() == "File too large")
    assert other.json("local", "status")["unsaved"] == "File too large"
    assert "cannot be saved: File too large" in other("local", "status").stdout

    result = other("local", "stop")
    assert (result.returncode, result.stdout) == (1, "")
    assert "cannot save its state, so it keeps running: File too large." in result.stderr
    assert (other.dir / "state.pickle").read_bytes() == saved
    assert not list(other.dir.glob("*.partial"))
    assert bucket_names(other) == {"just-now", "long-since"}

    resource.prlimit(status["pid"], resource.RLIMIT_FSIZE, (hard, hard))
    assert other("local", "stop").returncode == 0
    assert other("local", "start").returncode == 0
    assert other.json("local", "status")["unsaved"] is None
    assert bucket_names(other) == {"just-now", "long-since"}


def test_stop_fails_if_the_server_ends_without_saving(other: Cli) -> None:
    pid = other.json("local", "status")["pid"]
    os.kill(pid, signal.SIGSTOP)  # so that it does not answer the request to save
    command = [sys.executable, "-m", "footlake", "local", "stop"]
    stop = subprocess.Popen(command, env=other.environment(), stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    os.kill(pid, signal.SIGKILL)
    _, stderr = stop.communicate(timeout=30)
    assert stop.returncode == 1
    assert "ended without saving its latest state" in stderr


def test_start_on_a_full_disk_reports_it_and_leaves_no_partial_file(cli: Cli, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "footlake", "local", "start", "--dir", str(tmp_path)]
    limited_command = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command]
    result = subprocess.run(limited_command, env=cli.environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert f"Cannot use {tmp_path} for the local AWS: File too large." in result.stderr
    assert not list(tmp_path.glob("local.json*"))


def test_simulate_is_rejected_if_the_recordings_setting_is_set(cli: Cli, tmp_path: Path) -> None:
    result = cli("local", "start", "--simulate", FOOTLAKE_RECORDINGS=str(tmp_path))
    assert result.returncode == 2
    assert "FOOTLAKE_RECORDINGS" in result.stderr
