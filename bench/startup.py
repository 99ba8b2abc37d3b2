"""Measure how long every command takes to print its help, compared with importing click and with `aws --version`.

    python -m bench.startup

The import of click alone is the lower bound. The AWS command line is version 1, which pip installs into a temporary
virtual environment. The commands run in turn, so that other load on the machine affects all of them; the best of
`TIMES` runs counts. Python compiles the modules in a first run that does not count, as an installation does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import click

from bench.measure import Claim, format_claims, markdown_section
from footlake.cli import main as footlake

TIMES = 10
MOST_TIMES_CLICK = 1.5


def command_paths(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command and of all its subcommands; of footlake itself, none."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            assert subcommand
            yield from command_paths(subcommand, (*path, name))


def measure(commands: dict[str, list[str]]) -> dict[str, float]:
    """Return the shortest duration of each command in seconds."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(TIMES + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        print("installing awscli …", file=sys.stderr)
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "awscli"], check=True, stderr=subprocess.DEVNULL)
        program = str(Path(sys.executable).with_name("footlake"))
        calls = [(*path, "--help") for path in command_paths(footlake)] + [("status", "--misspelt")]
        seconds = measure(
            {
                'python -c "import click"': [sys.executable, "-c", "import click"],
                "aws --version": [f"{folder}/bin/python", f"{folder}/bin/aws", "--version"],
                **{" ".join(("footlake", *call)): [program, *call] for call in calls},
            }
        )
    bare, aws, *_ = seconds.values()
    rows = [(name, f"{1000 * it:.0f}", f"{it / bare:.2f} ×", f"{it / aws:.2f} ×") for name, it in seconds.items()]
    print(markdown_section("Start-up", ["command", "ms", "ratio to importing click", "ratio to aws --version"], rows))
    slowest = max((name for name in seconds if name.startswith("footlake")), key=seconds.__getitem__)
    worst = seconds[slowest]
    claims = [
        Claim(
            "Every command prints its help, or that an option is wrong, nearly as fast as click is imported",
            f"at most {worst / bare:.2f} × ({slowest})",
            f"≤ {MOST_TIMES_CLICK} ×",
            worst <= MOST_TIMES_CLICK * bare,
        ),
        Claim(
            "Every command starts faster than the AWS command line prints its version",
            f"at most {worst / aws:.2f} ×",
            "< 1 ×",
            worst < aws,
        ),
    ]
    print(format_claims(claims))


if __name__ == "__main__":
    main()
