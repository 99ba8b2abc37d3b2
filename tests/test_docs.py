"""What the help and the README say, held against the program."""

from __future__ import annotations

import dataclasses
import re

import pytest
from click.testing import CliRunner

from footlake.cli import COMMANDS, main
from footlake.config import Config
from tests.conftest import ROOT, documented

README = (ROOT / "README.md").read_text()


def test_every_command_is_in_the_readme_and_no_other() -> None:
    table = README.split("## Commands")[1].split("\n\n")[1]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == set(COMMANDS)


def test_the_document_of_every_command_is_documented() -> None:
    assert {command.split()[0] for command in documented()} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0
    assert f"{command} [OPTIONS]" in shown.output


def test_the_settings_and_their_defaults_are_in_the_readme() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(FOOTLAKE_\w+)` \|", README, re.MULTILINE))
    settings = {field.name for field in dataclasses.fields(Config)} - {"account", "region", "leagues", "seasons"} | {
        "league",
        "season",
    }
    assert rows == {name: f"FOOTLAKE_{name.upper()}" for name in settings}


def test_the_makefile_has_what_the_readme_types() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make (\w+)", README, re.MULTILINE)) <= targets
