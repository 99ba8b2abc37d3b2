"""Tests of progress and of result lines, with and without a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from footlake.cli_output import Progress
from tests.conftest import Cli

TIMEOUT_SECONDS = 60


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True

    def wait_for(self, text: str) -> None:
        """Wait until this text is written."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while text not in self.getvalue():
            assert time.monotonic() < deadline, self.getvalue()
            time.sleep(Progress.INTERVAL)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal that can show animations."""
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_long_wait_is_shown_with_its_seconds_and_removed(terminal: Terminal) -> None:
    progress = Progress(terminal)
    with progress.waiting_for("the week"), progress.waiting_for("glue job dropids"):
        terminal.wait_for("glue job dropids")
    shown = terminal.getvalue()
    assert re.search(r"Waiting for glue job dropids \(\d+ s\)", shown)
    assert "the week" not in shown
    assert shown.endswith("\x1b[2K")  # the line is empty


def test_a_short_wait_is_not_shown(terminal: Terminal) -> None:
    with Progress(terminal).waiting_for("role GlueRole"):
        time.sleep(2 * Progress.INTERVAL)
    assert terminal.getvalue() == ""


def test_finished_steps_are_counted(terminal: Terminal) -> None:
    with Progress(terminal).counting(3, "resources checked") as advance:
        advance()
        terminal.wait_for("1 of 3 resources checked")


@pytest.mark.parametrize("term", ["dumb", None])
def test_nothing_is_animated_without_a_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    if term:
        monkeypatch.setenv("TERM", term)
    else:
        monkeypatch.setattr(terminal, "isatty", lambda: False)
    progress = Progress(terminal)
    with progress.waiting_for("glue job dropids"), progress.counting(3, "resources") as advance:
        advance()
        time.sleep(Progress.DELAY + 2 * Progress.INTERVAL)
    assert terminal.getvalue() == ""


def run_in_terminal(cli: Cli, *arguments: str, wait_for: str, answer: bytes) -> tuple[int, str]:
    """Run a command in a terminal, type `answer` when `wait_for` appears, and return exit code and screen output."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, "-m", "footlake", *arguments],
        env=cli.environment(TERM="xterm"),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    output, answered = "", False
    for text in _read(controller):
        output += text
        if wait_for in output and not answered:
            os.write(controller, answer)
            answered = True
    os.close(controller)
    return process.wait(TIMEOUT_SECONDS), output


def _read(controller: int) -> Iterator[str]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if select.select([controller], [], [], 1)[0]:
            try:
                data = os.read(controller, 65536)
            except OSError:  # Linux reports the end of a terminal as EIO
                return
            if not data:
                return
            yield data.decode(errors="replace")


def test_the_confirmation_of_teardown_names_account_and_data_and_can_be_interrupted(cli: Cli) -> None:
    cli.json("bootstrap")
    cli.json("ingest-fixtures", "--date", "2020-09-15")
    code, shown = run_in_terminal(cli, "--local", "teardown", wait_for="to confirm", answer=b"\x03")
    assert code == 128 + signal.SIGINT
    assert f"resources of lake footlake in the local AWS ({cli.dir})." in shown
    assert re.search(r"Data that is deleted: fixtures of 1 season, .*the MySQL database\.", shown)
    assert "user boto3user" not in shown
    assert shown.splitlines()[-1].strip() == "Nothing was changed."
    assert {step["outcome"] for step in cli.json("status")["resources"]} == {"present", "none yet"}


def test_teardown_announces_no_data_of_a_bucket_that_it_keeps(cli: Cli) -> None:
    aws = cli.lake()
    s3, bucket = aws.client("s3"), cli.json("bootstrap")["bucket"]
    tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "footlake", "Value": "another-lake"}]})
    refused = cli("--local", "teardown")
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert refused.returncode == 1
    assert "Data that is deleted: the MySQL database." in refused.stderr


def test_a_summary_shows_only_resources_that_need_attention(cli: Cli) -> None:
    glue = cli.lake().client("glue")
    glue.delete_trigger(Name="teamstatistics")
    lines = cli("--local", "status").stdout.splitlines()
    assert "absent     glue trigger teamstatistics" in lines
    assert any(re.fullmatch(r"Lambda +\d+ present", line) for line in lines)
    assert "present    glue job dropids" not in lines
    assert "present    glue job dropids" in cli("--local", "status", "--all").stdout.splitlines()
    assert any("ended with season 2020/21" in line for line in lines)
    plan = cli("--local", "bootstrap", "--plan").stdout.splitlines()
    assert "create     glue trigger teamstatistics" in plan
    assert "unchanged  glue job dropids" not in plan
    repaired = cli("--local", "bootstrap").stdout.splitlines()
    assert "created    glue trigger teamstatistics" in repaired


def test_the_output_option_is_accepted_after_a_command(cli: Cli) -> None:
    assert cli("config", "--output", "json").stdout.startswith("{")
    assert cli("local", "status", "--output", "json").stdout.startswith("{")
    assert not cli("--output", "json", "config", "--output", "text").stdout.startswith("{")
    assert "--output [text|json|csv]" in cli("status", "--help").stdout
