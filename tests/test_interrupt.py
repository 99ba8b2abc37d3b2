"""Ctrl-C, as a real signal to a real process: it ends at once, says what was done, and the next run goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from footlake.errors import Interrupted
from tests.conftest import Cli

SECONDS = 30  # a process that does not end hangs the test for so long, and fails it


@pytest.fixture(scope="module")
def aws(cli: Cli) -> Iterator[Cli]:
    """An empty local AWS."""
    cli("local", "start")
    yield cli


def begin(cli: Cli, *arguments: str) -> subprocess.Popen[str]:
    """The command, running, as the foreground job of a terminal of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "footlake", "--local", *arguments],
        env=cli.environment(PYTHONUNBUFFERED="1"),
        cwd=cli.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def interrupted(process: subprocess.Popen[str]) -> str:
    """What a command says on standard error that is interrupted now."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "Interrupted after" in said
    return said


def test_a_bootstrap_goes_on_where_it_was_interrupted(aws: Cli) -> None:
    process = begin(aws, "bootstrap")
    assert process.stdout
    first = process.stdout.readline()
    said = interrupted(process)
    assert first.startswith("created")
    assert "Done so far," in said
    assert "Run the same command again: it goes on where it stopped." in said
    outcomes = [one["outcome"] for one in aws.json("bootstrap")["resources"]]
    assert "unchanged" in outcomes
    assert "created" in outcomes


def test_an_aws_that_does_not_answer_is_not_waited_for(aws: Cli) -> None:
    """Every worker of the walk hangs in a call."""
    server = aws.json("local", "status")["pid"]
    process = begin(aws, "bootstrap")
    assert process.stdout
    process.stdout.readline()
    os.kill(server, signal.SIGSTOP)
    try:
        interrupted(process)
    finally:
        os.kill(server, signal.SIGCONT)


def test_a_process_whose_main_thread_cannot_be_woken_ends_all_the_same() -> None:
    program = """
import signal, threading, time
from footlake.cli import InterruptHandler
InterruptHandler(time.monotonic())
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
held = threading.Lock()
held.acquire()
while True:
    try:
        print("waiting", flush=True)
        held.acquire()
    except KeyboardInterrupt:  # it came just before
        pass
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    interrupted(process)


def test_a_plan_that_is_interrupted_has_begun_nothing(aws: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [sys.executable, "-m", "footlake", "--region", "eu-west-3", "bootstrap", "--plan"],
            env=aws.environment(
                AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
                AWS_ACCESS_KEY_ID="x",
                AWS_SECRET_ACCESS_KEY="x",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with silent.accept()[0]:
            assert "Nothing was changed." in interrupted(process)


def test_a_weekly_run_says_from_where_to_go_on_and_lets_others_in(aws: Cli) -> None:
    aws("local", "football", "--latency", "4")
    process = begin(aws, "run-week", "--date", "2020-09-15")
    assert process.stderr
    assert process.stderr.readline() == "1/5 ingest-fixtures …\n"
    said = interrupted(process)
    aws("local", "football", "--well")
    assert "Go on from there: footlake --local run-week --date 2020-09-15 --from ingest-fixtures" in said
    lake = aws.lake()
    assert "Contents" not in lake.client("s3").list_objects_v2(Bucket=lake.config.bucket, Prefix="leases/run-week")
    assert aws("--local", "ingest-fixtures", "--date", "2020-09-15").returncode == 0


def test_a_bootstrap_goes_on_where_nobody_reads_on(aws: Cli) -> None:
    lake = aws.lake()
    lake.client("glue").delete_job(JobName="teamsmysqldbingestion")
    process = begin(aws, "bootstrap")
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    _, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (0, "")
    assert lake.client("glue").get_job(JobName="teamsmysqldbingestion")


def test_a_wait_says_what_it_waited_for(aws: Cli) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as interrupt:
        aws.lake().wait_until("glue job dropids", check, every=1, limit=1)
    assert interrupt.value.what == "glue job dropids"
    lake = aws.lake()
    with pytest.raises(Interrupted) as within:
        lake.wait_until("the week", lambda: lake.wait_until("glue job dropids", check, every=1, limit=1), 1, 1)
    assert within.value.what == "glue job dropids"


def test_a_weekly_run_says_from_where_to_go_on_where_nothing_answers_any_more(aws: Cli) -> None:
    server = aws.json("local", "status")["pid"]
    aws("local", "football", "--latency", "4")
    process = begin(aws, "run-week", "--date", "2020-09-15")
    assert process.stderr
    process.stderr.readline()
    os.kill(server, signal.SIGSTOP)
    try:
        said = interrupted(process)
    finally:
        os.kill(server, signal.SIGCONT)
    assert "Go on from there: footlake --local run-week --date 2020-09-15 --from ingest-fixtures" in said
