"""Run footlake in forked processes, which have its modules and the service models of botocore loaded.

Loading them is most of the work of many commands, of which the tests run some hundreds.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import botocore.session

# Python and botocore read these variables when they start, so a command with one of them is not forked.
START_VARIABLES = ("PYTHON", "LC_", "LANG", "TZ", "HOME")
SERVICES = (
    *("s3", "iam", "ssm", "lambda", "events", "scheduler", "logs", "glue", "sagemaker", "rds", "ec2", "sns", "sts"),
    *("cloudwatch", "sqs", "budgets", "lakeformation", "resourcegroupstaggingapi"),
)


_starting = threading.Lock()


def share_service_models() -> None:
    """Let all boto3 sessions of this process share the service models that were read."""
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)


@functools.cache
def _start_server() -> str:
    """Start the server, which ends with this process. Return the path of its socket, which only this user may open."""
    folder = tempfile.TemporaryDirectory(prefix="footlake-tests-")
    path = f"{folder.name}/socket"
    command = [sys.executable, "-m", "tests.support.cli_server", path]
    server = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"
    atexit.register(folder.cleanup)
    atexit.register(server.communicate)
    return path


def run_footlake(
    arguments: Sequence[str], environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run footlake with these arguments and variables in a folder, as a subprocess would."""
    with (
        tempfile.NamedTemporaryFile() as output,
        tempfile.NamedTemporaryFile() as errors,
        socket.socket(socket.AF_UNIX) as server,
    ):
        with _starting:  # functools.cache would let two threads start two
            server.connect(_start_server())
        request = {"arguments": arguments, "environment": environment, "folder": str(folder)}
        server.sendall(json.dumps(request | {"output": output.name, "errors": errors.name}).encode() + b"\n")
        code = int(server.makefile().read())
        texts = (Path(file.name).read_text(encoding="utf-8") for file in (output, errors))
        return subprocess.CompletedProcess(["footlake", *arguments], code, *texts)


def _serve(path: str) -> dict[str, Any]:
    """Fork a process for each request, in which this function returns the request. End when standard input closes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    request: dict[str, Any] = json.loads(connection.makefile().readline())
                    process = os.fork()
                    if process == 0:
                        return request
                    _, status = os.waitpid(process, 0)
                    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
                    os._exit(0)
    sys.exit()


def _run(request: dict[str, Any]) -> None:
    """Make this process one that was started with the request's settings, run footlake in it, and end it."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    files = (os.devnull, os.O_RDONLY), (request["output"], os.O_WRONLY), (request["errors"], os.O_WRONLY)
    for number, (path, mode) in enumerate(files):
        opened = os.open(path, mode)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["footlake", *request["arguments"]]
    code: Any = 0
    try:
        runpy.run_module("footlake", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    # As Python does at its end, except that it would also delete each of its objects, which takes a second.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    share_service_models()
    from footlake.commands import COMMANDS

    for module, _ in COMMANDS.values():
        importlib.import_module(f"footlake.commands.{module}")
    session: Any = boto3.Session("x", "x", region_name="us-east-1")
    for service in SERVICES:
        session.client(service)
    del session
    gc.freeze()  # the forked processes need not look for garbage among these objects
    _run(_serve(sys.argv[1]))
