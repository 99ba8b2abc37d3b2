"""The settings as footlake shows them, and what the shell completes."""

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


def settings(cli: Cli, *before: str, **environment: str) -> dict[str, Any]:
    import json

    done = cli(*before, "--output", "json", "config", **environment)
    assert done.returncode == 0, done.stderr
    return {one["name"]: (one["value"], one["origin"]) for one in json.loads(done.stdout)["settings"]}


def test_config_shows_where_each_setting_came_from_and_never_the_key(cli: Cli) -> None:
    (cli.home / "my.toml").write_text('season = [2025, 2026]\nbudget = 20\napi_key = "verysecret"\n')
    shown = settings(cli, "--region", "eu-west-3", "--config", "my.toml", FOOTLAKE_BUDGET="25")
    assert shown["seasons"] == ([2025, 2026], "my.toml")
    assert shown["budget"] == (25, "FOOTLAKE_BUDGET")
    assert shown["max_candidates"] == (10, "default")
    assert shown["region"] == ("eu-west-3", "flag")
    text = cli("--config", "my.toml", "config").stdout
    assert "verysecret" not in text + str(shown)
    assert "(set, not shown)" in text


def test_config_tells_variables_by_name_and_values_from_their_origins(cli: Cli) -> None:
    folder = "/a/folder/whose/name/has/forty/characters"
    shown = settings(cli, AWS_PROFILE="mine", FOOTLAKE_PROFILE="theirs", AWS_REGION="eu-west-3")
    assert shown["profile"] == ("mine", "AWS_PROFILE")
    assert shown["region"] == ("eu-west-3", "AWS_REGION")
    text = cli("config", FOOTLAKE_RECORDINGS=folder).stdout
    assert f"{folder} FOOTLAKE_RECORDINGS\n" in text


def test_the_file_is_utf_8_whatever_the_locale(cli: Cli) -> None:
    (cli.home / "utf8.toml").write_text('recordings = "/Fußball"\n', encoding="utf-8")
    latin = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}
    assert settings(cli, "--config", "utf8.toml", **latin)["recordings"] == ("/Fußball", "utf8.toml")


@pytest.mark.parametrize(("given", "meant"), [("203.0.113.7", "203.0.113.7/32"), ("203.0.113.0/24", "203.0.113.0/24")])
def test_an_address_is_a_range_as_ec2_writes_it(cli: Cli, given: str, meant: str) -> None:
    assert settings(cli, FOOTLAKE_CLIENT_ADDRESS=given)["client_address"][0] == meant


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
def test_the_shell_completes(cli: Cli, shell: str, typed: str, completed: set[str]) -> None:
    words = typed.split()
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1) if shell != "fish" else words[-1]}
    done = cli(**asked, _FOOTLAKE_COMPLETE=f"{shell}_complete")
    lines = done.stdout.splitlines()
    values = {"bash": lines, "fish": lines, "zsh": lines[1::3]}[shell]
    assert {one.partition(",")[2].split("\t")[0] if shell != "zsh" else one for one in values} == completed


# How each shell is made to say what it would complete, once the README's line has been typed.
ASKED = {
    "bash": 'COMP_WORDS=({words}); COMP_CWORD={last}; _footlake_completion footlake; printf %s "${{COMPREPLY[@]}}"',
    "zsh": "[ $_comps[footlake] = _footlake_completion ] && echo '{completed}'",
    "fish": "complete -C '{words}'",
}


@pytest.mark.parametrize(
    ("words", "completed"),
    [("footlake te", "teardown"), ("footlake report --team crystal", "Crystal Palace")],
)
@pytest.mark.parametrize("shell", ASKED)
def test_the_readmes_line_lets_the_shell_complete(cli: Cli, shell: str, words: str, completed: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    (line,) = re.findall(rf"^\| {shell} \|.*\| `(.*)` \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    begin = "autoload -U compinit; compinit -u\n" if shell == "zsh" else ""
    ask = ASKED[shell].format(words=words, last=words.count(" "), completed=completed)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", f"{begin}{line.replace(chr(92) + '|', '|')}\n{ask}"],
        env=cli.environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split("\t")[0].replace("\\", "").strip() == completed
