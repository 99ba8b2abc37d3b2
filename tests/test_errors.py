"""Each failure ends with a message, a hint and the right exit code, and without a traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pymysql
import pytest
from botocore.exceptions import ClientError

from footlake.aws_errors import to_footlake_error
from tests.conftest import Cli


def assert_fails(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert that the command failed with this code and these words in its error, and printed no result."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr
    assert result.stdout == ""


@pytest.fixture(scope="module")
def empty(cli: Cli) -> Iterator[Cli]:
    """Start an empty local AWS."""
    cli("local", "start")
    yield cli


@pytest.fixture(scope="module")
def lake(empty: Cli) -> Cli:
    """Bootstrap a lake without data."""
    empty.json("bootstrap")
    return empty


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run-week", "--date", "2020-13-45"), "not a day such as"),
        (("run-week", "--date", "yesterday"), "not a day such as"),
        (("ingest-fixtures", "--season", "soon"), "--season"),
        (("ingest-fixtures", "--season", "2020", "--date", "2020-09-15"), "either --date"),
        (("ingest-fixtures", "--league", "-1"), "--league"),
        (("boostrap",), "Did you mean 'bootstrap'"),
        (("local", "statsu"), "'status'"),
        (("report", "--sesaon", "2019"), "Did you mean '--season'"),
        (
            ("status", "--region", "eu-west-3"),
            "--region is a global option. Put it before the command: footlake --region … status",
        ),
        (("status", "--output", "csv"), "--output csv is available for the command report only."),
        (("local", "clock", "tomorrow"), "expected a date such as"),
        (("--output", "xml", "report"), "--output"),
    ],
)
def test_wrong_usage(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    assert_fails(cli("--local", *arguments), 2, words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest-fixtures",), "etlGetFixtures"),
        (("ingest-stats",), "Run footlake --local bootstrap"),
        (("run-glue",), "hometeamstatistics"),
        (("train-autopilot",), "Data lake footlake-"),
        (("run-week",), "Data lake footlake-"),
        (("transform-xgoals",), "etlGetXGoals"),
        (("load-mysql",), "rds-mysql"),
        (("report",), "rds-mysql"),
    ],
)
def test_a_step_needs_bootstrap_first(empty: Cli, arguments: tuple[str, ...], words: str) -> None:
    assert_fails(empty("--local", *arguments), 1, words, "first")


def test_hints_repeat_the_options_that_name_the_lake(empty: Cli) -> None:
    (empty.home / "my lake.toml").write_text("budget = 20\n")
    assert_fails(empty("--local", "run-glue"), 1, "Run footlake --local bootstrap first.")
    result = empty("--local", "--config", "my lake.toml", "run-glue")
    assert_fails(result, 1, "Run footlake --local --config 'my lake.toml' bootstrap first.")


def test_an_unknown_season(lake: Cli) -> None:
    assert_fails(lake("--local", "ingest-fixtures", "--season", "1888"), 1, "no fixtures of league 39 in season 1888")


def test_an_unknown_league(lake: Cli) -> None:
    assert_fails(
        lake("--local", "ingest-fixtures", "--season", "2020", "--league", "9999"), 1, "no fixtures of league 9999"
    )


def test_statistics_need_their_fixtures(lake: Cli) -> None:
    assert_fails(lake("--local", "ingest-stats", "--season", "2017"), 1, "are not in the lake", "ingest-fixtures")


def test_training_needs_500_rows(lake: Cli) -> None:
    assert_fails(lake("--local", "train-autopilot"), 1, "0 rows", "at least 500")


def test_scoring_needs_a_trained_model(lake: Cli) -> None:
    assert_fails(lake("--local", "transform-xgoals"), 1, "no trained model", "train-autopilot")


def test_a_report_needs_loaded_data(lake: Cli) -> None:
    assert_fails(lake("--local", "report"), 1, "footlake --local load-mysql")


def test_no_credentials(cli: Cli) -> None:
    result = cli("--region", "eu-west-3", "bootstrap", AWS_EC2_METADATA_DISABLED="true")
    assert_fails(result, 1, "No AWS credentials found.", "--local")


@pytest.mark.parametrize("command", ["bootstrap", "status", "report"])
def test_an_unknown_region_of_the_local_aws(empty: Cli, command: str) -> None:
    refused = empty("--local", "--region", "eu-west-9", command)
    assert_fails(refused, 1, "AWS region eu-west-9 does not exist.", "Check --region")


def test_no_region(cli: Cli) -> None:
    result = cli("bootstrap", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    assert_fails(result, 1, "No AWS region is set")


def test_debug_adds_the_traceback_to_message_and_exit_code(cli: Cli) -> None:
    (cli.home / "one.toml").write_text("seson = 2021\n")
    result = cli("--local", "--debug", "--config", "one.toml", "report")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-2].startswith("Error: Unknown setting seson in one.toml.")


def test_an_unknown_profile(cli: Cli) -> None:
    assert_fails(cli("--profile", "nobody", "--region", "eu-west-3", "bootstrap"), 1, "nobody")


def test_an_unreachable_endpoint(cli: Cli) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = cli(
        *("--region", "eu-west-3", "bootstrap"),
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
        AWS_MAX_ATTEMPTS="1",
    )
    assert_fails(result, 1, "Cannot connect to AWS", endpoint)


def test_an_invalid_endpoint(cli: Cli) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    result = cli("--region", "eu-west-3", "bootstrap", AWS_ENDPOINT_URL="foo", **credentials)
    assert_fails(result, 1, "Invalid endpoint: foo", "AWS_ENDPOINT_URL")


@contextmanager
def sign_in_page(status: int, page: bytes) -> Iterator[str]:
    """Run a server that answers every request with this page, and yield its address."""

    class WebPageHandler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    with ThreadingHTTPServer(("127.0.0.1", 0), WebPageHandler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("page", [b"<!doctype html><title>Sign in<br>", b"<html><body>Sign in</body></html>"])
@pytest.mark.parametrize("status", [200, 403])
def test_a_web_page_instead_of_an_aws_response(cli: Cli, status: int, page: bytes) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_MAX_ATTEMPTS": "1"}
    with sign_in_page(status, page) as endpoint:
        result = cli("--region", "eu-west-3", "models", AWS_ENDPOINT_URL=endpoint, **credentials)
    assert_fails(result, 1, "The endpoint returned HTML", "AWS_ENDPOINT_URL")


@pytest.mark.parametrize("arguments", [("config",), ("--output", "json", "config"), ("config", "--help")])
def test_a_full_output_device(cli: Cli, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "footlake", *arguments]
        result = subprocess.run(command, env=cli.environment(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: Cannot write the output: No space left on device.\n  Check the free disk")


def test_characters_that_the_encoding_lacks_are_replaced_in_text_and_escaped_in_json(cli: Cli) -> None:
    given = {"FOOTLAKE_RECORDINGS": "/Fußball", "PYTHONIOENCODING": "ascii"}
    result = cli("config", **given)
    assert (result.returncode, result.stderr) == (0, "")
    assert "/Fu?ball" in result.stdout
    assert "/Fu\\u00dfball" in cli("--output", "json", "config", **given).stdout
    error = to_footlake_error(UnicodeEncodeError("ascii", "Atlético", 3, 4, "ordinal not in range(128)"))
    assert error
    assert error.message == r"The output encoding ascii has no character '\xe9'."


def test_a_database_that_fails_during_a_query() -> None:
    lost = to_footlake_error(pymysql.OperationalError(2013, "Lost connection to MySQL server during query"))
    assert lost is not None
    assert "Lost connection" in lost.message
    assert "footlake doctor" in lost.hint


def test_a_missing_api_key_is_reported_before_anything_is_created(empty: Cli) -> None:
    endpoint = empty.json("local", "status")["endpoint"]
    result = empty(
        *("--region", "eu-north-1", "bootstrap"),
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
        FOOTLAKE_CLIENT_ADDRESS="203.0.113.7/32",
    )
    assert_fails(result, 1, "No API-Football key is set.", "FOOTLAKE_API_KEY")


def test_a_misspelt_setting(cli: Cli) -> None:
    (cli.home / "other.toml").write_text("seson = 2021\n")
    assert_fails(cli("--local", "--config", "other.toml", "report"), 1, "seson", "season")


def test_a_table_in_the_file_of_settings(cli: Cli) -> None:
    (cli.home / "table.toml").write_text("[footlake]\nseason = 2021\n")
    assert_fails(cli("--config", "table.toml", "config"), 1, "Unsupported table [footlake] in table.toml.")


def test_a_setting_under_both_of_its_names(cli: Cli) -> None:
    (cli.home / "both.toml").write_text("league = 39\nleagues = [140]\n")
    assert_fails(cli("--config", "both.toml", "config"), 1, "league in both.toml and leagues in both.toml are the same")
    both = {"FOOTLAKE_SEASON": "2020", "FOOTLAKE_SEASONS": "2021"}
    assert_fails(cli("config", **both), 1, "FOOTLAKE_SEASON and FOOTLAKE_SEASONS are the same setting")


def test_an_invalid_key_is_not_shown(cli: Cli) -> None:
    result = cli("config", FOOTLAKE_API_KEY="nearly a key")
    assert_fails(result, 1, "Invalid FOOTLAKE_API_KEY: expected")
    assert "nearly" not in result.stderr


def test_an_invalid_email_address_is_reported_before_anything_is_created(cli: Cli) -> None:
    assert_fails(cli("--local", "bootstrap", "--alert-email", "anna"), 1, "Invalid --alert-email", "anna@example.org")


def test_a_misspelt_variable(cli: Cli) -> None:
    assert_fails(cli("--local", "report", FOOTLAKE_SEASN="2021"), 1, "FOOTLAKE_SEASN", "Did you mean FOOTLAKE_SEASON?")


def test_a_setting_of_the_wrong_kind(cli: Cli) -> None:
    assert_fails(cli("--local", "report", FOOTLAKE_SEASON="next"), 1, "Invalid FOOTLAKE_SEASON", "but got 'next'")


def test_a_missing_folder_of_recordings(cli: Cli) -> None:
    assert_fails(cli("local", "start", "--recordings", "nowhere"), 1, "The recordings folder nowhere does not exist.")


def test_a_second_start_on_another_port(empty: Cli) -> None:
    assert_fails(empty("local", "start", "--port", "1024"), 1, "already running on port")


def test_status_without_a_local_aws(cli: Cli) -> None:
    assert_fails(cli("local", "status", "--dir", str(cli.home / "other")), 1, "No local AWS is running")


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("FOOTLAKE_LAKE", "My Lake", "lowercase letters"),
        ("FOOTLAKE_LAKE", "aws-football", "reserved by Systems Manager"),
        ("FOOTLAKE_LAKE", "sthree-football", "reserved by S3"),
        ("FOOTLAKE_SEASON", "20", "year"),
        ("FOOTLAKE_LEAGUE", "-3", "league ids"),
        ("FOOTLAKE_MAX_CANDIDATES", "0", "750"),
        ("FOOTLAKE_AS_DOCUMENTED", "perhaps", "true or false"),
        ("FOOTLAKE_SEASON", "2199", "year"),  # the season ends in 2200, after the last year of AWS schedules
        ("FOOTLAKE_CLIENT_ADDRESS", "203.0.113.7/24", "203.0.113.0/24"),
        ("FOOTLAKE_TRANSFORM_INSTANCE", "m5.large", "ml.m5.large"),
        ("FOOTLAKE_MYSQL_CA", "/bin/sh", "PEM"),
        ("FOOTLAKE_MYSQL_CA", "/etc/passwd", "PEM"),
        ("FOOTLAKE_MYSQL_CA", "/", "PEM"),
        ("FOOTLAKE_MYSQL_CA", "~nosuchuser/ca.pem", "PEM"),
        ("FOOTLAKE_LOCAL_DIR", "~nosuchuser/x", "path"),
        ("FOOTLAKE_SEASON", "1900", "from 1970 to 2198"),
        ("FOOTLAKE_API_URL", "v3.football.api-sports.io", "http:// or https://"),
        ("FOOTLAKE_API_KEY", "…", "ASCII"),
        ("FOOTLAKE_API_KEY", "a key", "without spaces"),
        ("FOOTLAKE_ALERT_EMAIL", "anna", "anna@example.org"),
    ],
)
def test_an_invalid_setting_that_aws_would_reject_later(cli: Cli, variable: str, value: str, words: str) -> None:
    assert_fails(cli("--local", "report", **{variable: value}), 1, variable, words)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-30"])
def test_a_day_outside_the_supported_years(cli: Cli, day: str) -> None:
    assert_fails(cli("--local", "run-week", "--date", day), 2, "is not a year from 1800 to 2200")


def test_a_clock_after_the_last_supported_day(cli: Cli) -> None:
    assert_fails(cli("local", "clock", "9999-12-31T23:59-05:00"), 2, "expected a date such as")


@pytest.mark.parametrize("command", [("start",), ("status",), ("clock", "2020-01-01")])
def test_a_file_as_the_local_folder_is_rejected(cli: Cli, command: tuple[str, ...]) -> None:
    (cli.home / "file").write_text("")
    assert_fails(cli("local", *command, "--dir", str(cli.home / "file")), 1, "Cannot use", "--dir")


@pytest.mark.parametrize("command", [("start",), ("clock", "2020-01-01"), ("football", "--plan", "free")])
def test_a_read_only_directory(cli: Cli, command: tuple[str, ...]) -> None:
    assert_fails(
        cli("local", *command, "--dir", "/sys"), 1, "Cannot use /sys for the local AWS", "Choose another --dir."
    )


@pytest.mark.parametrize("option", ["--dir", "--recordings"])
def test_an_empty_folder_name_is_not_the_current_folder(cli: Cli, option: str) -> None:
    assert_fails(cli("local", "start", option, ""), 2, option, "The name of the folder is empty")


def test_an_empty_local_dir_in_the_settings(cli: Cli) -> None:
    (cli.home / "nameless.toml").write_text('local_dir = ""')
    assert_fails(
        cli("--config", "nameless.toml", "local", "status"), 1, "Invalid local_dir in nameless.toml: expected a path"
    )


def test_a_damaged_directory(cli: Cli) -> None:
    damaged = cli.home / "damaged"
    damaged.mkdir()
    (damaged / "football.json").write_text("{half")
    assert_fails(cli("local", "clock", "--dir", str(damaged)), 1, "is damaged")


def test_teardown_without_a_terminal_needs_yes(lake: Cli) -> None:
    assert_fails(lake("--local", "teardown"), 1, "nothing was deleted", "--yes")


def test_an_unknown_season_stores_nothing(lake: Cli) -> None:
    assert_fails(lake("--local", "ingest-fixtures", "--season", "1888"), 1, "no fixtures")
    assert_fails(lake("--local", "ingest-stats", "--season", "1888"), 1, "are not in the lake")


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "AuthorizationError", "403"])
def test_each_access_denied_code(code: str) -> None:
    refusal = ClientError({"Error": {"Code": code, "Message": "no"}}, "Subscribe")
    error = to_footlake_error(refusal)
    assert error
    assert "AWS denied Subscribe: no" in error.message


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired"])
def test_each_expired_credentials_code(code: str) -> None:
    error = to_footlake_error(ClientError({"Error": {"Code": code, "Message": "no"}}, "Subscribe"))
    assert error
    assert error.message == "The AWS credentials have expired."
    assert "Sign in again" in error.hint
