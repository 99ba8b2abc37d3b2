"""The league table for people and for machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from footlake.report.table import Expected, Row

WIDE = 112  # columns of terminal from which on there is room for air
NAME = 15  # columns that a team's name gets in less


def render(rows: Sequence[Row], title: str = "") -> LeagueTable:
    """The table as something that rich prints: whole from 80 columns of terminal on, with air from 112 on."""
    return LeagueTable(tuple(rows), title)


def as_dicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for JSON: plain numbers under stable keys; `expected` is rounded to thousandths, or null without xG."""
    return [
        {
            "position": row.position,
            "idteam": row.team.id,
            "code": row.team.code,
            "team": row.team.name,
            "played": row.played,
            "won": row.won,
            "drawn": row.drawn,
            "lost": row.lost,
            "goals_for": row.goals_for,
            "goals_against": row.goals_against,
            "goal_difference": row.goal_difference,
            "points": row.points,
            "expected": row.expected and {name: round(figure, 3) for name, figure in asdict(row.expected).items()},
        }
        for row in rows
    ]


@dataclass(frozen=True)
class LeagueTable:
    """A league table that rich can print at any width."""

    rows: tuple[Row, ...]
    title: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        table = Table(
            title=self.title or None,
            title_justify="left",
            title_style="bold",
            caption=self._caption(),
            caption_justify="left",
            caption_style="dim",
            box=box.SIMPLE_HEAD,  # a space between columns, to which padding adds
            show_edge=False,
            padding=(0, 1 if wide else 0),
            pad_edge=False,
        )
        for column in _COLUMNS:
            if column.heading == "Team":
                table.add_column("Team", no_wrap=True, max_width=None if wide else NAME)
            else:
                table.add_column(column.heading, justify="right", no_wrap=True)
        for row in self.rows:
            table.add_row(*(column.cell(row) for column in _COLUMNS))
        yield table

    def _caption(self) -> str:
        played = sum(row.played for row in self.rows) // 2
        known = sum(row.expected.matches for row in self.rows if row.expected) // 2
        if known == played:
            return f"xG known for all {played} matches; ± is real less expected."
        return f"xG known for {known} of {played} matches, which x and ± (real less expected) cover."


class _Column(NamedTuple):
    heading: str
    cell: Callable[[Row], Text]


def _real(of: Callable[[Row], str | int], style: str = "") -> Callable[[Row], Text]:
    return lambda row: Text(str(of(row)), style)


def _expected(of: Callable[[Expected], float]) -> Callable[[Row], Text]:
    return lambda row: Text(f"{of(row.expected):z.1f}" if row.expected else "–")


def _beyond(of: Callable[[Expected], float], welcome: int) -> Callable[[Row], Text]:
    """A difference with its sign; green if it is welcome, which more of it is (1) or less of it (-1)."""

    def cell(row: Row) -> Text:
        if not row.expected:
            return Text("–")
        shown = f"{of(row.expected):+z.1f}"
        worth = float(shown) * welcome
        return Text(shown, "green" if worth > 0 else "red" if worth < 0 else "")

    return cell


_COLUMNS = (
    _Column("#", _real(lambda row: row.position)),
    _Column("Team", _real(lambda row: row.team.name)),
    _Column("P", _real(lambda row: row.played)),
    _Column("W", _real(lambda row: row.won)),
    _Column("D", _real(lambda row: row.drawn)),
    _Column("L", _real(lambda row: row.lost)),
    _Column("GF", _real(lambda row: row.goals_for)),
    _Column("GA", _real(lambda row: row.goals_against)),
    _Column("GD", _real(lambda row: f"{row.goal_difference:+d}")),
    _Column("Pts", _real(lambda row: row.points, "bold")),
    _Column("xGF", _expected(lambda expected: expected.xg_for)),
    _Column("xGA", _expected(lambda expected: expected.xg_against)),
    _Column("xPts", _expected(lambda expected: expected.xpoints)),
    _Column("GF±", _beyond(lambda expected: expected.goals_for_difference, welcome=1)),
    _Column("GA±", _beyond(lambda expected: expected.goals_against_difference, welcome=-1)),
    _Column("Pts±", _beyond(lambda expected: expected.points_difference, welcome=1)),
)
