"""Tests of `footlake report --team`: which reports and teams a name selects."""

from __future__ import annotations

from datetime import datetime

import pytest

from footlake.commands.report import loading_hint, select_team
from footlake.errors import FootlakeError
from footlake.report.matches import Match, Team
from footlake.report.season import build_report
from footlake.report.season_records import ReportRecords

DAY = datetime(2020, 9, 12, 14)
ENGLAND = build_report(
    ReportRecords(
        39, 2020, [Match(1, DAY, 1, 2, 4, 0, 1.5, 0.5)], [Team(1, "ALP", "Alpha"), Team(2, None, "Alpha City")], [2020]
    )
)
SPAIN = build_report(
    ReportRecords(
        140, 2020, [Match(2, DAY, 3, 4, 1, 1, 1.5, 0.5)], [Team(3, "RBE", "Réal Beta"), Team(4, None, "Alphaville")], []
    )
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("real", [(140, ["Réal Beta"])]),
        ("RÉAL BETA", [(140, ["Réal Beta"])]),
        ("réal&nbsp;beta", [(140, ["Réal Beta"])]),
        ("rbe", [(140, ["Réal Beta"])]),
        ("alpha", [(39, ["Alpha"])]),
        ("alph", [(39, ["Alpha", "Alpha City"]), (140, ["Alphaville"])]),
    ],
)
def test_the_reports_with_the_team_are_selected(name: str, expected: list[tuple[int, list[str]]]) -> None:
    selected = select_team([ENGLAND, SPAIN], name)
    assert [(one.league, sorted({week.team.name for week in one.weeks})) for one in selected] == expected


def test_an_unknown_team_is_reported_with_the_known_ones() -> None:
    with pytest.raises(FootlakeError, match=r"Team Gamma does not play in League 39.*League 140") as unknown:
        select_team([ENGLAND, SPAIN], "Gamma")
    assert "Alphaville" in unknown.value.hint


def test_the_hint_for_a_missing_season_lists_the_commands_that_load_it() -> None:
    ingest = "footlake --local ingest-fixtures --league 999 --season 2020, footlake --local ingest-stats --league 999"
    new_league = loading_hint("MySQL", 999, 2020, [], [39]).with_options(" --local")
    assert new_league.startswith("Set FOOTLAKE_LEAGUE=39,999 and run footlake --local bootstrap, ")
    assert f"Then run {ingest} --season 2020" in new_league
    assert new_league.endswith(" and footlake --local load-mysql.")
    missing = loading_hint("MySQL", 39, 2018, [2019, 2020], [39])
    assert missing.startswith("MySQL has seasons 2019, 2020 of this league. To load")
    assert "load-mysql" not in loading_hint("The lake", 39, 2018, [2019, 2020], [39])
    assert "FOOTLAKE_LEAGUE" not in loading_hint("MySQL", 39, 2018, [], [39])


def test_a_name_without_letters_selects_no_team() -> None:
    with pytest.raises(FootlakeError, match=r"Team \. does not play"):
        select_team([ENGLAND, SPAIN], ".")
