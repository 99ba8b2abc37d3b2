"""Tests for the start of the command line: what --help and a wrong option import."""

from __future__ import annotations

import json
import subprocess
import sys

from footlake.commands import COMMANDS

# Runs every command with --help and with an unknown option, and prints the modules that a bare Click command lacks.
PROGRAM = """
import json, sys
import click
from click.testing import CliRunner

runner = CliRunner()
for option in ("--help", "--misspelt"):
    runner.invoke(click.Command("bare"), [option])
bare = set(sys.modules)

from footlake.cli import main

def call(command, path):
    for option, exit_code in (("--help", 0), ("--misspelt", 2)):
        assert runner.invoke(main, [*path, option]).exit_code == exit_code, path
    for name, subcommand in getattr(command, "commands", {}).items():
        call(subcommand, [*path, name])

context = click.Context(main)
for name in main.list_commands(context):
    call(main.get_command(context, name), [name])
print(json.dumps(sorted(set(sys.modules) - bare)))
"""
FOOTLAKE = {"footlake", "footlake.cli", "footlake.cli.root", "footlake.commands", "footlake.commands.options"}
OTHERS = {"click.shell_completion"}


def test_help_and_usage_errors_import_only_click_and_the_declarations_of_commands() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    imported = set(json.loads(done.stdout))
    declarations = {f"footlake.cli.{module}" for module, _ in COMMANDS.values()}
    assert {name for name in imported if name.split(".")[0] == "footlake"} == FOOTLAKE | declarations
    others = {name for name in imported - FOOTLAKE - declarations if not name.startswith(("_", "org"))}
    assert others <= OTHERS
