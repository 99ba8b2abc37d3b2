"""On Windows and macOS: everything that drives AWS works, and what needs Linux says so. Both are simulated on Linux."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from footlake.deploy.packaging import zip_glue_modules, zip_handlers
from tests.conftest import Cli

# Python 3.11 on Windows does not have these functions and modules, and reads text as cp1252 by default.
WINDOWS = """
import os, signal, sys
for module, names in (
    (os, "set_blocking get_blocking fork forkpty setsid getuid geteuid getgid killpg fchmod sched_getaffinity"),
    (signal, "SIGHUP SIGKILL pthread_sigmask"),
):
    for name in names.split():
        delattr(module, name)
for name in ("fcntl", "pwd", "grp", "pty", "resource", "termios", "tty"):
    sys.modules[name] = None
"""
# The platform is changed last: the standard library adapts to it when it is imported.
MACOS = """
import asyncio, concurrent.futures, multiprocessing, platform, shutil, subprocess, sys, tempfile, urllib.request, uuid
import boto3, click, jinja2, pandas, pymysql, requests, rich.console, rich.progress
import ctypes.util  # imports modules that only a Python for macOS has
sys.platform = "darwin"
"""
RUN = """
import json, sys, traceback
from click.testing import CliRunner
from footlake.cli import main
results = [CliRunner().invoke(main, arguments) for arguments in json.loads(sys.argv[1])]
crashes = ["" if result.exception is None or isinstance(result.exception, SystemExit)
           else "".join(traceback.format_exception(result.exception)) for result in results]
print(json.dumps([(result.exit_code, result.stderr + crash) for result, crash in zip(results, crashes)]))
"""
NEEDS_LINUX = "Error: The local AWS and training on this machine need Linux."


def run(system: str, commands: list[str], environment: dict[str, str], cli: Cli) -> dict[str, tuple[int, str]]:
    """Run commands one after the other in a process. Return exit code and errors by command."""
    process = subprocess.run(
        [sys.executable, "-c", system + RUN, json.dumps([command.split() for command in commands])],
        env=cli.environment(**environment),
        cwd=cli.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return dict(zip(commands, json.loads(process.stdout), strict=True))


@pytest.fixture(scope="module")
def account(cli: Cli) -> dict[str, str]:
    """The environment in which AWS is an account with a lake."""
    cli.json("bootstrap")
    endpoint = cli.json("local", "status")["endpoint"]
    keys = {"AWS_ACCESS_KEY_ID": "footlake-local", "AWS_SECRET_ACCESS_KEY": "footlake-local"}
    return keys | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "FOOTLAKE_CLIENT_ADDRESS": "127.0.0.1/32"}


@pytest.mark.parametrize("system", [WINDOWS, MACOS], ids=["windows", "macos"])
def test_commands_work(cli: Cli, account: dict[str, str], system: str) -> None:
    commands = ["--help", "local --help", "config", "status", "bootstrap", "policy", "logs", "metrics", "models"]
    results = run(system, commands, account, cli)
    assert {command: errors for command, (code, errors) in results.items() if code} == {}


@pytest.mark.parametrize("system", [WINDOWS, MACOS], ids=["windows", "macos"])
def test_what_needs_linux_says_so(cli: Cli, account: dict[str, str], system: str) -> None:
    commands = ["--local status", "--local bootstrap", "local start", "local status", "local stop", "demo"]
    for code, errors in run(system, [*commands, "train-autopilot --on-this-machine"], account, cli).values():
        assert (code, NEEDS_LINUX in errors, "Traceback" in errors) == (1, True, False), errors


def test_packages_are_the_same_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise bootstrap would update the functions each time that it runs on another system."""
    expected = zip_handlers(), zip_glue_modules()
    monkeypatch.setattr(sys, "platform", "win32")
    assert (zip_handlers(), zip_glue_modules()) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_settings_are_read_with_a_byte_order_mark(cli: Cli, encoding: str) -> None:
    (cli.home / "notepad.toml").write_text("league = 140\r\nseason = 2023\r\n", encoding=encoding)
    result = cli("--config", "notepad.toml", "config", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert result.returncode == 0, result.stderr
    assert "140" in result.stdout


def test_settings_in_another_encoding_are_refused(cli: Cli) -> None:
    (cli.home / "notepad.toml").write_text("season = 2023\n", encoding="utf-16")
    result = cli("--config", "notepad.toml", "config")
    assert result.returncode == 1
    assert "Error: notepad.toml is not UTF-8 text." in result.stderr
