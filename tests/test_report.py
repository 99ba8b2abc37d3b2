"""Tests of `footlake report --team`: which reports and teams a name selects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from footlake.commands.report import ReportSource, loading_hint, report_configured, select_team
from footlake.config import Config
from footlake.errors import FootlakeError, NotReady
from footlake.report.matches import Match, Team
from footlake.report.season import build_report
from footlake.report.season_records import ReportRecords

DAY = datetime(2020, 9, 12, 14)
ENGLAND_RECORDS = ReportRecords(
    39, 2020, [Match(1, DAY, 1, 2, 4, 0, 1.5, 0.5)], [Team(1, "ALP", "Alpha"), Team(2, None, "Alpha City")], [2020]
)
ENGLAND = build_report(ENGLAND_RECORDS)
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


def test_a_configured_league_without_matches_does_not_hide_the_others() -> None:
    def read(league: int, season: int, _: Sequence[int]) -> ReportRecords:
        return ReportRecords(league, season, ENGLAND_RECORDS.matches if league == 39 else [], ENGLAND_RECORDS.teams, [])

    source = ReportSource("MySQL", lambda league: [2020], read)
    notes: list[str] = []
    reports = report_configured(source, Config(leagues=(140, 39), seasons=(2020,)), None, notes.append)
    assert [one.league for one in reports] == [39]
    assert notes == ["MySQL has no fixtures of league 140, season 2020."]
    with pytest.raises(NotReady, match="league 140"):
        report_configured(source, Config(leagues=(140, 78), seasons=(2020,)), None, notes.append)


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
