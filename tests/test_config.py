"""The output of `footlake config`, and shell completion."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Cli


def settings(cli: Cli, *options: str, **environment: str) -> dict[str, Any]:
    import json

    result = cli(*options, "--output", "json", "config", **environment)
    assert result.returncode == 0, result.stderr
    return {item["name"]: (item["value"], item["origin"]) for item in json.loads(result.stdout)["settings"]}


def test_config_shows_the_origin_of_each_setting_and_hides_the_key(cli: Cli) -> None:
    (cli.home / "my.toml").write_text('season = [2025, 2026]\nbudget = 20\napi_key = "verysecret"\n')
    shown = settings(cli, "--region", "eu-west-3", "--config", "my.toml", FOOTLAKE_BUDGET="25")
    assert shown["seasons"] == ([2025, 2026], "my.toml")
    assert shown["budget"] == (25, "FOOTLAKE_BUDGET")
    assert shown["max_candidates"] == (10, "default")
    assert shown["region"] == ("eu-west-3", "flag")
    text = cli("--config", "my.toml", "config").stdout
    assert "verysecret" not in text + str(shown)
    assert "(set, not shown)" in text


def test_config_names_the_variable_that_set_a_value(cli: Cli) -> None:
    folder = "/a/folder/whose/name/has/forty/characters"
    shown = settings(cli, AWS_PROFILE="mine", FOOTLAKE_PROFILE="theirs", AWS_REGION="eu-west-3")
    assert shown["profile"] == ("mine", "AWS_PROFILE")
    assert shown["region"] == ("eu-west-3", "AWS_REGION")
    text = cli("config", FOOTLAKE_RECORDINGS=folder).stdout
    assert f"{folder} FOOTLAKE_RECORDINGS\n" in text


def test_the_settings_file_is_read_as_utf_8_in_any_locale(cli: Cli) -> None:
    (cli.home / "utf8.toml").write_text('recordings = "/Fußball"\n', encoding="utf-8")
    latin = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}
    assert settings(cli, "--config", "utf8.toml", **latin)["recordings"] == ("/Fußball", "utf8.toml")


@pytest.mark.parametrize(("given", "meant"), [("203.0.113.7", "203.0.113.7/32"), ("203.0.113.0/24", "203.0.113.0/24")])
def test_an_address_becomes_a_range_in_the_form_of_ec2(cli: Cli, given: str, meant: str) -> None:
    assert settings(cli, FOOTLAKE_CLIENT_ADDRESS=given)["client_address"][0] == meant


@pytest.mark.parametrize("value", ["always", "weekly", "none"])
def test_the_database_setting_takes_three_values(cli: Cli, value: str) -> None:
    (cli.home / "sleepy.toml").write_text(f'database = "{value}"\n')
    assert settings(cli, "--config", "sleepy.toml")["database"] == (value, "sleepy.toml")
    assert settings(cli)["database"] == ("always", "default")
    assert "expected always, weekly or none, but got 'never'" in cli("config", FOOTLAKE_DATABASE="never").stderr


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("footlake te", {"teardown"}),
        ("footlake logs etl", {"etlGetFixtures", "etlGetStatistics", "etlGetXGoals"}),
        ("footlake report --team mci", {"MCI"}),
        ("footlake run-week --from r", {"run-glue"}),
        ("footlake local st", {"start", "stop", "status"}),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands_and_arguments(cli: Cli, shell: str, typed: str, completed: set[str]) -> None:
    words = typed.split()
    variables = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1) if shell != "fish" else words[-1]}
    result = cli(**variables, _FOOTLAKE_COMPLETE=f"{shell}_complete")
    lines = result.stdout.splitlines()
    values = {"bash": lines, "fish": lines, "zsh": lines[1::3]}[shell]
    assert {value.partition(",")[2].split("\t")[0] if shell != "zsh" else value for value in values} == completed


# Commands that print the completion in each shell, after the line from docs/cli.md.
COMPLETION_COMMANDS = {
    "bash": 'COMP_WORDS=({words}); COMP_CWORD={last}; _footlake_completion footlake; printf %s "${{COMPREPLY[@]}}"',
    "zsh": "[ $_comps[footlake] = _footlake_completion ] && echo '{completed}'",
    "fish": "complete -C '{words}'",
}


@pytest.mark.parametrize(
    ("words", "completed"),
    [("footlake te", "teardown"), ("footlake report --team crystal", "Crystal Palace")],
)
@pytest.mark.parametrize("shell", COMPLETION_COMMANDS)
def test_the_documented_line_sets_up_completion(cli: Cli, shell: str, words: str, completed: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    (line,) = re.findall(rf"^\| {shell} \|.*\| `(.*)` \|$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    setup = "autoload -U compinit; compinit -u\n" if shell == "zsh" else ""
    query = COMPLETION_COMMANDS[shell].format(words=words, last=words.count(" "), completed=completed)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [shell, "-c", f"{setup}{line.replace(chr(92) + '|', '|')}\n{query}"],
        env=cli.environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
    assert result.stdout.split("\t")[0].replace("\\", "").strip() == completed
