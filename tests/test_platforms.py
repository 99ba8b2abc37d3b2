"""On Windows and macOS: everything that drives AWS works, and what needs Linux says so. Both are simulated on Linux."""

from __future__ import annotations

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
RUN = "from footlake.cli import main; main()"
NEEDS_LINUX = "Error: The local AWS and training on this machine need Linux."


def run(cli: Cli, system: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", system + RUN, *arguments],
        env=cli.environment(**environment),
        cwd=cli.home,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def account(cli: Cli) -> dict[str, str]:
    """The environment in which AWS is an account with a lake."""
    cli.json("bootstrap")
    endpoint = cli.json("local", "status")["endpoint"]
    keys = {"AWS_ACCESS_KEY_ID": "footlake-local", "AWS_SECRET_ACCESS_KEY": "footlake-local"}
    return keys | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "FOOTLAKE_CLIENT_ADDRESS": "127.0.0.1/32"}


@pytest.mark.parametrize("system", [WINDOWS, MACOS], ids=["windows", "macos"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("local", "--help"),
        ("config",),
        ("status",),
        ("bootstrap",),
        ("policy",),
        ("logs",),
        ("metrics",),
        ("models",),
    ],
)
def test_commands_work(cli: Cli, account: dict[str, str], system: str, arguments: tuple[str, ...]) -> None:
    result = run(cli, system, *arguments, **account)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("system", [WINDOWS, MACOS], ids=["windows", "macos"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("--local", "status"),
        ("--local", "bootstrap"),
        ("local", "start"),
        ("local", "status"),
        ("local", "stop"),
        ("demo",),
        ("train-autopilot", "--on-this-machine"),
    ],
)
def test_what_needs_linux_says_so(cli: Cli, account: dict[str, str], system: str, arguments: tuple[str, ...]) -> None:
    result = run(cli, system, *arguments, **account)
    assert result.returncode == 1, result.stderr
    assert NEEDS_LINUX in result.stderr
    assert "Traceback" not in result.stderr


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
