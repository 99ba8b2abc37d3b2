"""Tests for the start of the command line: what --help and a wrong option import."""

from __future__ import annotations

import subprocess
import sys

from footlake.commands import COMMANDS

BARE = """
import click, sys
from click.testing import CliRunner

runner = CliRunner()
for option in ("--help", "--misspelt"):
    runner.invoke(click.Command("bare"), [option])
print(*sys.modules)
"""
# Runs every command with --help and with an unknown option.
PROGRAM = """
import click, sys
from click.testing import CliRunner
from footlake.cli import main

runner = CliRunner()

def call(command, path):
    for option, exit_code in (("--help", 0), ("--misspelt", 2)):
        assert runner.invoke(main, [*path, option]).exit_code == exit_code, path
    for name, subcommand in getattr(command, "commands", {}).items():
        call(subcommand, [*path, name])

context = click.Context(main)
for name in main.list_commands(context):
    call(main.get_command(context, name), [name])
print(*sys.modules)
"""
FOOTLAKE = {"footlake", "footlake.cli", "footlake.cli.root", "footlake.commands", "footlake.commands.options"}
OTHERS = {"click.shell_completion"}


def test_help_and_usage_errors_import_only_click_and_the_declarations_of_commands() -> None:
    imported = modules_after(PROGRAM) - modules_after(BARE)
    declarations = {f"footlake.cli.{module}" for module, _ in COMMANDS.values()}
    assert {name for name in imported if name.split(".")[0] == "footlake"} == FOOTLAKE | declarations
    assert imported - FOOTLAKE - declarations <= OTHERS


def modules_after(program: str) -> set[str]:
    """Return the names of the modules that a program in a new process has imported."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())
