"""The report's choice of teams: one team is in one league, whatever is asked for."""

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
    ("asked", "known"),
    [
        ("real", [(140, ["Real Beta"])]),
        ("rbe", [(140, ["Real Beta"])]),
        ("alpha", [(39, ["Alpha"])]),
        ("alph", [(39, ["Alpha", "Alpha City"]), (140, ["Alphaville"])]),
    ],
)
def test_the_reports_that_have_a_team_are_kept(asked: str, known: list[tuple[int, list[str]]]) -> None:
    chosen = select_team([ENGLAND, SPAIN], asked)
    assert [(one.league, sorted({week.team.name for week in one.weeks})) for one in chosen] == known


def test_a_team_that_is_in_none_is_told_with_those_that_are() -> None:
    with pytest.raises(FootlakeError, match=r"no team Gamma in League 39.*League 140") as unknown:
        select_team([ENGLAND, SPAIN], "Gamma")
    assert "Alphaville" in unknown.value.hint
