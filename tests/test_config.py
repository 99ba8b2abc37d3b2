"""The settings as footlake shows them, and what the shell completes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Cli


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


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("footlake te", {"teardown"}),
        ("footlake logs etl", {"etlGetFixtures", "etlGetStatistics", "etlGetXGoals"}),
        ("footlake report --team manch", {"Manchester City", "Manchester United"}),
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
