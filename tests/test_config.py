"""The settings: several leagues and seasons, from wherever they are given."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
import pytest

from footlake.commands.options import asked
from footlake.config import Config, load
from footlake.layout import Season, Window


@pytest.mark.parametrize(
    "text", ["league = [39, 71]\nseason = [2025, 2026]", 'league = "39,71"\nseason = "2025, 2026"']
)
def test_leagues_and_seasons_may_be_several(tmp_path: Path, text: str) -> None:
    file = tmp_path / "footlake.toml"
    file.write_text(text)
    config = load(file, {}, {})
    assert (config.leagues, config.seasons, config.season) == ((39, 71), (2025, 2026), 2026)
    assert load(file, {"FOOTLAKE_SEASON": "2024"}, {}).seasons == (2024,)


def test_schedules_last_from_the_first_season_to_the_end_of_the_last() -> None:
    assert Config(seasons=(2026, 2024)).weekly("0 8") == "cron(0 8 ? * TUE 2024-2027)"


def test_a_week_is_asked_for_in_every_league_and_each_season_that_it_can_belong_to() -> None:
    day = date(2026, 11, 24)
    week = Window.of_week(day)
    wanted = [(Season(league, year), week) for league in (39, 71) for year in (2025, 2026)]
    assert asked((39, 71), (2020, 2025, 2026), day, ()) == wanted
    assert asked((39,), (2020,), day, ()) == [(Season(39, 2020), week)]


def test_whole_seasons_are_asked_for_by_name_or_a_week_but_not_both() -> None:
    wanted = [(Season(league, year), None) for league in (39, 71) for year in (2019, 2020)]
    assert asked((39, 71), (2026,), None, (2019, 2020)) == wanted
    with pytest.raises(click.UsageError):
        asked((39,), (2026,), date(2026, 11, 24), (2019,))
