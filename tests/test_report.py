"""Tests of `footlake report --team`: which reports and teams a name selects."""

from __future__ import annotations

from datetime import datetime

import pytest

from footlake.commands.report import select_team
from footlake.errors import FootlakeError
from footlake.report.matches import Match, Team
from footlake.report.season import build_report

DAY = datetime(2020, 9, 12, 14)
ENGLAND = build_report(
    39, 2020, [Match(1, DAY, 1, 2, 4, 0, 1.5, 0.5)], [Team(1, "ALP", "Alpha"), Team(2, None, "Alpha City")], [2020]
)
SPAIN = build_report(
    140, 2020, [Match(2, DAY, 3, 4, 1, 1, 1.5, 0.5)], [Team(3, "RBE", "Real Beta"), Team(4, None, "Alphaville")], []
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("real", [(140, ["Real Beta"])]),
        ("rbe", [(140, ["Real Beta"])]),
        ("alpha", [(39, ["Alpha"])]),
        ("alph", [(39, ["Alpha", "Alpha City"]), (140, ["Alphaville"])]),
    ],
)
def test_the_reports_with_the_team_are_selected(name: str, expected: list[tuple[int, list[str]]]) -> None:
    selected = select_team([ENGLAND, SPAIN], name)
    assert [(one.league, sorted({week.team.name for week in one.weeks})) for one in selected] == expected


def test_an_unknown_team_is_reported_with_the_known_ones() -> None:
    with pytest.raises(FootlakeError, match=r"no team Gamma in League 39.*League 140") as unknown:
        select_team([ENGLAND, SPAIN], "Gamma")
    assert "Alphaville" in unknown.value.hint
