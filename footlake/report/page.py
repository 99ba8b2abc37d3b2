"""The report as one HTML page that needs no network: tables, and charts as SVG, with a little JavaScript.

Everything that is shown is in the page as text or table too; without JavaScript nothing is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from footlake.report.charts import Race, cursor, points, scatter, spark, until
from footlake.report.markup import NOTHING, join, kind, number, signed
from footlake.report.matches import Team
from footlake.report.season import LuckyMatch, SeasonReport
from footlake.report.table import TableRow
from footlake.report.weeks import TeamWeek

_HERE = Path(__file__).parent

_PAGE = Markup(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{css}</style>
<noscript><style>.panel[hidden] {{ display: block; }} .picker {{ display: none; }}</style></noscript>
</head>
<body>
<div class="page">
<a class="skip" href="#main">Skip to the tables</a>
<main id="main">
{body}</main>
<footer class="small soft">
<h2 class="small">How this is counted</h2>
<p>xG is what footlake's model makes of a team's statistics of a match. What a match was worth in points follows from
both sides' xG, if their goals are independent Poisson variables with these means (M. J. Maher, 1982): three times the
probability of winning, and that of a draw. A difference is what happened less what was to be expected, over the
matches with xG. Made by footlake.</p>
</footer>
</div>
<script>
{script}</script>
</body>
</html>
"""
)


def page(reports: Sequence[SeasonReport], note: str = "") -> str:
    """The page of one or several reports; `note` is set beside each title."""
    title = " · ".join(report.title for report in reports)
    css, script = (Markup((_HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))
    body = join(_report(report, note) for report in reports)
    return str(_PAGE.format(title=title, css=css, script=script, body=body))


def _report(report: SeasonReport, note: str) -> Markup:
    known, played = report.with_xg, report.matches
    covered = (
        f"xG is known for all {played} matches." if known == played else f"xG is known for {known} of {played} matches."
    )
    latest = f"Until {report.latest:%-d %B %Y}. " if report.latest else ""
    head = Markup('<header>\n<h1>{}</h1>\n<p class="soft">{}{}{}</p>\n{}</header>\n').format(
        report.title,
        latest,
        covered,
        f" {report.left_out}".rstrip(),
        Markup('<p class="note">{}</p>\n').format(note) if note else "",
    )
    return Markup('<article data-league="{}" data-season="{}">\n{}{}{}{}{}{}</article>\n').format(
        report.league,
        report.season,
        head,
        _tiles(report),
        _table(report),
        _scatters(report),
        _weeks(report),
        _luck(report),
    )


# What catches the eye


def _tiles(report: SeasonReport) -> Markup:
    rows = [row for row in report.rows if row.expected]
    if not rows:
        return NOTHING

    def tile(title: str, row: TableRow, told: str) -> Markup:
        return Markup("<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n").format(title, row.team.name, told)

    def of(row: TableRow, name: str) -> float:
        return float(getattr(row.expected, name))

    best = max(rows, key=lambda row: of(row, "points_difference"))
    worst = min(rows, key=lambda row: of(row, "points_difference"))
    attack = max(rows, key=lambda row: of(row, "xg_for") / of(row, "matches"))
    defence = min(rows, key=lambda row: of(row, "xg_against") / of(row, "matches"))
    return Markup('<dl class="tiles">\n{}{}{}{}</dl>\n').format(
        tile("Most beyond expectation", best, f"{signed(of(best, 'points_difference'))} points"),
        tile("Most below expectation", worst, f"{signed(of(worst, 'points_difference'))} points"),
        tile("Best attack", attack, f"{of(attack, 'xg_for') / of(attack, 'matches'):.2f} xG a match"),
        tile("Best defence", defence, f"{of(defence, 'xg_against') / of(defence, 'matches'):.2f} xG against a match"),
    )


# The table


class _PageColumn(NamedTuple):
    """A column: what is shown of a row, what it is worth when sorting, and how it looks.

    A difference has the sign (1 or -1) in which more of it is `welcome`.
    """

    name: str
    heading: str
    explained: str
    value: Callable[[TableRow], float | str | None]
    kind: str = ""
    ascending: bool = False
    welcome: int = 0


def _of(name: str) -> Callable[[TableRow], float | None]:
    return lambda row: getattr(row.expected, name) if row.expected else None


_COLUMNS = (
    _PageColumn("position", "#", "Position", lambda row: row.position, "rank", ascending=True),
    _PageColumn("team", "Team", "Team", lambda row: row.team.name, "team", ascending=True),
    _PageColumn("played", "P", "Played", lambda row: row.played),
    _PageColumn("points", "Pts", "Points", lambda row: row.points, "from strong"),
    _PageColumn("xpoints", "xPts", "Expected points", _of("xpoints")),
    _PageColumn("points_difference", "±", "Points less expected points", _of("points_difference"), "diff", welcome=1),
    _PageColumn("expected_position", "x#", "Position by expected points", _of("position"), "rank", ascending=True),
    _PageColumn("goals_for", "GF", "Goals for", lambda row: row.goals_for, "from"),
    _PageColumn("xg_for", "xGF", "Expected goals for", _of("xg_for")),
    _PageColumn("goals_for_difference", "±", "Goals for less expected", _of("goals_for_difference"), "diff", welcome=1),
    _PageColumn("goals_against", "GA", "Goals against", lambda row: row.goals_against, "from"),
    _PageColumn("xg_against", "xGA", "Expected goals against", _of("xg_against")),
    _PageColumn(
        "goals_against_difference",
        "±",
        "Goals against less expected",
        _of("goals_against_difference"),
        "diff",
        welcome=-1,
    ),
    _PageColumn("won", "W", "Won", lambda row: row.won, "from"),
    _PageColumn("drawn", "D", "Drawn", lambda row: row.drawn),
    _PageColumn("lost", "L", "Lost", lambda row: row.lost),
    _PageColumn("goal_difference", "GD", "Goal difference", lambda row: row.goal_difference),
)
_GROUPS = (("Points", 4), ("Goals for", 3), ("Goals against", 3), ("Results", 4))  # after the first three columns
_TABLE = Markup("""\
<section class="card" aria-labelledby="{id}">
<h2 id="{id}">Real beside expected</h2>
<p class="soft small">± is real less expected: <span class="good">better</span> or <span class="bad">worse</span> than
the chances. x# is the position by expected points. A heading sorts.</p>
<div class="scroll" role="region" aria-labelledby="{id}" tabindex="0">
<table class="league">
<thead>
<tr><td colspan="3"></td>{groups}</tr>
<tr>{heads}</tr>
</thead>
<tbody>
{rows}</tbody>
</table>
</div>
</section>
""")


def _table(report: SeasonReport) -> Markup:
    def most(*names: str) -> float:
        return max(
            (abs(getattr(row.expected, name)) for row in report.rows if row.expected for name in names), default=0
        )

    goals = most("goals_for_difference", "goals_against_difference")
    scale = {"points_difference": most("points_difference")} | dict.fromkeys(
        ("goals_for_difference", "goals_against_difference"), goals
    )
    return _TABLE.format(
        id=f"table-{report.league}-{report.season}",
        groups=join(
            Markup('<th colspan="{}" scope="colgroup" class="from">{}</th>').format(size, name)
            for name, size in _GROUPS
        ),
        heads=join(_head(place, column) for place, column in enumerate(_COLUMNS)),
        rows=join(
            Markup('<tr data-team="{}">{}</tr>\n').format(
                row.team.id, join(_cell(row, column, scale.get(column.name, 0)) for column in _COLUMNS)
            )
            for row in report.rows
        ),
    )


def _head(place: int, column: _PageColumn) -> Markup:
    first = "ascending" if column.ascending else "descending"
    look = "l team" if column.kind == "team" else column.kind
    sort = Markup(' aria-sort="ascending"') if place == 0 else ""
    return Markup(
        '<th scope="col" class="{}" data-column="{}" data-first="{}"{}>'
        '<button type="button" title="{}" aria-label="{}">{}</button></th>'
    ).format(look, place, first, sort, column.explained, column.explained, column.heading)


def _cell(row: TableRow, column: _PageColumn, most: float) -> Markup:
    value = column.value(row)
    worth = "" if value is None else value if isinstance(value, str) else round(value, 3)
    if column.kind == "team":
        return Markup('<th scope="row" data-value="{}">{}</th>').format(worth, value)
    if value is None:
        shown: Markup | str = "–"
    elif column.welcome and isinstance(value, float):
        share = 50 * abs(value) / most if most else 0
        shown = Markup(
            '<span class="{}">{}</span>'
            '<span class="track" aria-hidden="true"><i class="{}" style="width:{:.1f}%"></i></span>'
        ).format(kind(value, column.welcome), signed(value), "up" if value > 0 else "down", share)
    elif column.name == "goal_difference":
        shown = f"{value:+d}".replace("-", "−")
    else:
        shown = number(value) if isinstance(value, float) else str(value)
    return Markup('<td class="{}" data-name="{}" data-value="{}">{}</td>').format(
        column.kind, column.name, worth, shown
    )


# xG against goals


_SCATTERS = Markup("""\
<section class="card" aria-labelledby="{id}">
<h2 id="{id}">xG against goals</h2>
<div class="charts">
{figures}</div>
</section>
""")
_SCATTER = Markup("""\
<figure>
<h3>{title}</h3>
{chart}
<figcaption>{about}; {told}.</figcaption>
</figure>
""")


def _scatters(report: SeasonReport) -> Markup:
    known = [(row.team, row.expected) for row in report.rows if row.expected]
    if not known:
        return NOTHING
    attack = [(team, one.xg_for, one.xg_for + one.goals_for_difference) for team, one in known]
    defence = [(team, one.xg_against, one.xg_against + one.goals_against_difference) for team, one in known]
    scored, conceded = "Goals scored against expected goals", "Goals conceded against expected goals conceded"
    figures = [
        _SCATTER.format(
            title="Attack", about=scored, told="above the line: more than expected", chart=scatter(attack, scored, 1)
        ),
        _SCATTER.format(
            title="Defence",
            about=conceded,
            told="below the line: fewer than expected",
            chart=scatter(defence, conceded, -1),
        ),
    ]
    return _SCATTERS.format(id=f"goals-{report.league}-{report.season}", figures=join(figures))


# Week by week


_WEEKS = Markup("""\
<section class="card" aria-labelledby="{id}" data-weeks>
<h2 id="{id}">Points by week</h2>
<p class="soft small">Points won beside the expected ones, added up to the end of each week.{left_out} In the chart, the
arrow keys walk through the weeks.</p>
<div class="picker"><label for="{id}-team">Team</label>
<select id="{id}-team" autocomplete="off">
{options}</select></div>
<p class="legend small" aria-hidden="true"><span>won</span><span class="of-expected">expected</span></p>
{panels}<h3>Every team: points beyond the expected ones, week by week</h3>
<ol class="weeks">
{buttons}</ol>
</section>
""")
_PANEL = Markup("""\
<div class="panel" data-team="{id}"{hidden}>
<figure>
{chart}
<output aria-live="polite">{told}</output>
</figure>
<details><summary>{team}, week by week, as a table</summary>
<div class="scroll" role="region" aria-label="{team}, week by week" tabindex="0">
<table class="small">
<thead><tr>{heads}</tr></thead>
<tbody>
{weeks}</tbody>
</table>
</div>
</details>
</div>
""")
_BUTTON = Markup("""\
<li><button type="button" data-team="{id}" aria-pressed="{pressed}"><span class="name"><span>{team}</span>\
<span class="{kind}">{difference}</span></span>{spark}</button></li>
""")


def _weeks(report: SeasonReport) -> Markup:
    of_team: dict[int, list[TeamWeek]] = {}
    for week in report.weeks:
        of_team.setdefault(week.team.id, []).append(week)
    teams = [row.team for row in report.rows if row.expected and row.team.id in of_team]
    if not teams:
        return NOTHING
    every = [week for team in teams for week in of_team[team.id]]
    race = Race(max(week.week for week in every), max(max(points(week), week.xpoints) for week in every) or 1)
    span = max(abs(week.points_difference) for week in every) or 1
    ranked = sorted(teams, key=lambda team: -of_team[team.id][-1].points_difference)
    return _WEEKS.format(
        id=f"weeks-{report.league}-{report.season}",
        left_out=" Matches without xG are left out." if report.with_xg < report.matches else "",
        options=join(
            Markup('<option value="{}"{}>{}</option>\n').format(
                team.id, Markup(" selected") if team is teams[0] else "", team.name
            )
            for team in sorted(teams, key=lambda team: team.name)
        ),
        panels=join(_panel(team, of_team[team.id], race, team is not teams[0]) for team in teams),
        buttons=join(
            _BUTTON.format(
                id=team.id,
                pressed="true" if team is teams[0] else "false",
                team=team.name,
                kind=kind(of_team[team.id][-1].points_difference, 1),
                difference=signed(of_team[team.id][-1].points_difference),
                spark=spark(of_team[team.id], race.last, span),
            )
            for team in ranked
        ),
    )


def _panel(team: Team, weeks: Sequence[TeamWeek], race: Race, hidden: bool) -> Markup:
    end = weeks[-1]
    told = (
        f"{team.name}: {points(end):.0f} points after {end.expected_matches} matches, {number(end.xpoints)} expected, "
        f"difference {signed(end.points_difference)}"
    )
    return _PANEL.format(
        id=team.id,
        hidden=Markup(" hidden") if hidden else "",
        chart=race.chart(weeks, told),
        told=told,
        team=team.name,
        heads=_heads("Week", "Until", "P", "Pts", "xPts", "Pts±", "GF±", "GA±"),
        weeks=join(
            Markup('<tr {}><th scope="row">{}</th>{}</tr>\n').format(
                cursor(race, week),
                week.week,
                _cells(
                    _day(until(week)),
                    week.played,
                    week.points,
                    number(week.xpoints),
                    signed(week.points_difference),
                    signed(week.goals_for_difference),
                    signed(week.goals_against_difference),
                ),
            )
            for week in weeks
        ),
    )


def _heads(*names: str) -> Markup:
    return join(Markup('<th scope="col">{}</th>').format(name) for name in names)


def _cells(*values: object) -> Markup:
    return join(Markup("<td>{}</td>").format(value) for value in values)


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"


# Luck


_LUCK = Markup("""\
<section class="card" aria-labelledby="{id}">
<h2 id="{id}">Luck</h2>
<p class="soft small">The matches that brought a team most beyond, or below, the points that its chances were worth.</p>
<div class="luck">
{lucky}{unlucky}</div>
</section>
""")
_MATCHES = Markup("""\
<div>
<h3>{title}</h3>
<div class="scroll" role="region" aria-label="{title} matches" tabindex="0">
<table>
<thead><tr><th scope="col" class="l">Match</th>{heads}</tr></thead>
<tbody>
{rows}</tbody>
</table>
</div>
</div>
""")
_MATCH = Markup("""\
<tr><th scope="row">{team}<br><span class="soft small">{where} {opponent}{day}</span></th>{cells}\
<td class="{kind}">{luck}</td></tr>
""")


def _luck(report: SeasonReport) -> Markup:
    if not report.luckiest and not report.unluckiest:
        return NOTHING
    return _LUCK.format(
        id=f"luck-{report.league}-{report.season}",
        lucky=_matches("Luckiest", report.luckiest),
        unlucky=_matches("Unluckiest", report.unluckiest),
    )


def _matches(title: str, luck: Sequence[LuckyMatch]) -> Markup:
    rows = join(
        _MATCH.format(
            team=one.team.name,
            where="v" if one.at_home else "at",
            opponent=one.opponent.name,
            day=f", {_day(one.date)}" if one.date else "",
            cells=_cells(
                f"{one.goals_for}:{one.goals_against}",
                f"{number(one.xg_for)}:{number(one.xg_against)}",
                one.points,
                number(one.xpoints),
            ),
            kind=kind(one.luck, 1),
            luck=signed(one.luck),
        )
        for one in luck
    )
    return _MATCHES.format(title=title, heads=_heads("Score", "xG", "Pts", "xPts", "±"), rows=rows)
