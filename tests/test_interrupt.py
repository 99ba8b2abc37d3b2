"""Tests with a real SIGINT: the process ends at once, reports what was done, and the next run continues."""

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

TIMEOUT_SECONDS = 30  # a process that does not end by then fails the test


@pytest.fixture(scope="module")
def local_cli(cli: Cli) -> Iterator[Cli]:
    """The command line with an empty local AWS that runs."""
    cli("local", "start")
    yield cli


def start_command(cli: Cli, *arguments: str) -> subprocess.Popen[str]:
    """Start a command in a new session, as a terminal would."""
    return subprocess.Popen(
        [sys.executable, "-m", "footlake", "--local", *arguments],
        env=cli.environment(PYTHONUNBUFFERED="1"),
        cwd=cli.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def interrupt(process: subprocess.Popen[str]) -> str:
    """Interrupt the process and return its standard error."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Interrupted after" in errors
    return errors


def test_bootstrap_continues_after_an_interruption(local_cli: Cli) -> None:
    process = start_command(local_cli, "bootstrap", "--all")
    assert process.stdout
    first = process.stdout.readline()
    errors = interrupt(process)
    assert first.startswith("created")
    assert "Results so far: " in errors
    assert "Work that has started on AWS continues. Run the same command again to continue." in errors
    outcomes = [step["outcome"] for step in local_cli.json("bootstrap")["resources"]]
    assert "unchanged" in outcomes
    assert "created" in outcomes


def test_an_interrupted_command_does_not_wait_for_aws(local_cli: Cli) -> None:
    """All worker threads of bootstrap hang in a call."""
    server = local_cli.json("local", "status")["pid"]
    process = start_command(local_cli, "bootstrap", "--all")
    assert process.stdout
    process.stdout.readline()
    os.kill(server, signal.SIGSTOP)
    try:
        interrupt(process)
    finally:
        os.kill(server, signal.SIGCONT)


CLEANING_PROGRAM = """
import signal, time
from types import SimpleNamespace
from footlake.cli.execution import InterruptHandler
from footlake.cli_output import Output

output = Output()
output.leave_behind("The database is awake.")
handler = InterruptHandler(time.monotonic())
cli = SimpleNamespace(output=output, format_hint=lambda hint: hint)
handler.context = SimpleNamespace(obj=cli)
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    with output.cleaning_up():
        print("cleaning up", flush=True)
        time.sleep({seconds})
        output.leave_behind(None)
        print("done", flush=True)
"""


def test_an_interruption_waits_for_the_clean_up() -> None:
    program = CLEANING_PROGRAM.replace("{seconds}", "3")  # longer than the process may take without a clean-up
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    assert output == "cleaning up\ndone\n"


def test_a_second_interruption_ends_the_clean_up_and_tells_what_remains() -> None:
    program = BLOCKED_CLEAN_UP + CLEANING_PROGRAM.replace('print("cleaning up", flush=True)', "_clean_up()")
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "cleaning up\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, output) == (130, "")
    assert "The database is awake." in errors


BLOCKED_CLEAN_UP = """
def _clean_up():
    told = False
    while True:
        try:
            if not told:
                print("cleaning up", flush=True)
                told = True
            time.sleep(60)
        except KeyboardInterrupt:
            told = True  # as a call that does not end
"""


def test_an_interruption_while_a_command_is_loaded_has_the_same_exit_code() -> None:
    program = """
import sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "footlake.commands.status":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
from footlake.cli import main
main(["status"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


def test_a_process_with_a_blocked_main_thread_ends() -> None:
    program = """
import signal, threading, time
from footlake.cli.execution import InterruptHandler
InterruptHandler(time.monotonic())
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
held = threading.Lock()
held.acquire()
while True:
    try:
        print("waiting", flush=True)
        held.acquire()
    except KeyboardInterrupt:  # the signal arrived before the main thread was blocked
        pass
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "waiting\n"
    interrupt(process)


def test_an_interrupted_plan_reports_that_nothing_changed(local_cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [sys.executable, "-m", "footlake", "--region", "eu-west-3", "bootstrap", "--plan"],
            env=local_cli.environment(
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
            assert "Nothing was changed." in interrupt(process)


def test_an_interrupted_weekly_run_names_the_command_to_continue_and_releases_its_lease(local_cli: Cli) -> None:
    local_cli("local", "football", "--latency", "4")
    process = start_command(local_cli, "run-week", "--date", "2020-09-15")
    assert process.stderr
    assert process.stderr.readline().startswith("Price on AWS: about ")
    assert process.stderr.readline().startswith("Step 1 of 5, ingest-fixtures")
    errors = interrupt(process)
    local_cli("local", "football", "--well")
    assert "Continue with: footlake --local run-week --date 2020-09-15 --from ingest-fixtures" in errors
    aws = local_cli.lake()
    leases = aws.client("s3").list_objects_v2(Bucket=aws.config.bucket, Prefix="leases/run-week")
    assert not leases.get("Contents")
    assert local_cli("--local", "ingest-fixtures", "--date", "2020-09-15").returncode == 0


def test_bootstrap_continues_when_its_output_is_closed(local_cli: Cli) -> None:
    aws = local_cli.lake()
    aws.client("glue").delete_job(JobName="teamsmysqldbingestion")
    process = start_command(local_cli, "bootstrap", "--all")
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    _, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert aws.client("glue").get_job(JobName="teamsmysqldbingestion")


def test_an_interrupted_wait_reports_the_description_of_the_wait(local_cli: Cli) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    aws = local_cli.lake()
    with pytest.raises(Interrupted) as interruption:
        aws.wait_until("glue job dropids", check, every=1, limit=1)
    assert interruption.value.what == "glue job dropids"
    with pytest.raises(Interrupted) as nested:
        aws.wait_until("the week", lambda: aws.wait_until("glue job dropids", check, every=1, limit=1), 1, 1)
    assert nested.value.what == "glue job dropids"


def test_an_interrupted_weekly_run_names_the_command_to_continue_when_aws_hangs(local_cli: Cli) -> None:
    server = local_cli.json("local", "status")["pid"]
    local_cli("local", "football", "--latency", "4")
    process = start_command(local_cli, "run-week", "--date", "2020-09-15")
    assert process.stderr
    assert process.stderr.readline().startswith("Price on AWS: about ")
    assert process.stderr.readline().startswith("Step 1 of 5, ingest-fixtures")
    os.kill(server, signal.SIGSTOP)
    try:
        errors = interrupt(process)
    finally:
        os.kill(server, signal.SIGCONT)
    assert "Continue with: footlake --local run-week --date 2020-09-15 --from ingest-fixtures" in errors
