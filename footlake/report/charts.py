"""The page's charts, as SVG: goals against xG, points by week, and a line for each team's luck."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

from footlake.report.markup import join, kind, number, signed
from footlake.report.matches import Team
from footlake.report.weeks import TeamWeek

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


def until(week: TeamWeek) -> date:
    """The last day of a week."""
    return week.week_start + timedelta(days=6)


def points(week: TeamWeek) -> float:
    """The points of the matches with xG so far, which are what the expected ones are to be compared with."""
    return week.xpoints + week.points_difference


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>').format(x, y, kind, anchor, text)


def _path(line: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line)


def _step(span: float) -> float:
    """A round distance between ticks, so that there are some six of them."""
    return next((step for step in (0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 500) if span / step <= 7), 1000.0)


# Goals against xG

_SIZE = 400
_FIELD: Box = (46, 10, 392, 356)


def scatter(teams: Sequence[tuple[Team, float, float]], about: str, welcome: int) -> Markup:
    """A square with a dot for each team (with its xG and its goals) and the line on which both are the same.

    Dots are blue where being above the line is `welcome` (1) and they are, or is not (-1) and they are not.
    """
    values = [value for _, *both in teams for value in both]
    step = _step(max(values) - min(values))
    low, high = max(0.0, step * (min(values) // step)), step * (max(values) // step + 1)
    left, top, right, bottom = _FIELD

    def x(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    def y(value: float) -> float:
        return bottom - (bottom - top) * (value - low) / (high - low)

    shapes = []
    for tick in (low + step * place for place in range(round((high - low) / step) + 1)):
        lines = f"M{left} {y(tick):.1f}H{right}M{x(tick):.1f} {bottom}V{top}"
        shapes.append(Markup('<path class="grid" d="{}"/>').format(lines))
        shapes.append(_text(left - 6, y(tick) + 4, f"{tick:g}", "", "end"))
        shapes.append(_text(x(tick), bottom + 17, f"{tick:g}", "", "middle"))
    shapes.append(Markup('<path class="same" d="M{} {}L{} {}"/>').format(left, bottom, right, top))
    dots = [(x(xg), y(goals)) for _, xg, goals in teams]
    for (team, xg, goals), (cx, cy) in zip(teams, dots, strict=True):
        told = f"{team.name}: {goals:.0f} goals, {number(xg)} expected"
        dot = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="5"><title>{}</title></circle>')
        shapes.append(dot.format(kind(goals - xg, welcome), cx, cy, told))
    names = [team.code or team.name[:10] for team, _, _ in teams]
    for name, (at, anchor) in zip(names, _labels(dots, names), strict=True):
        shapes.append(_text(*at, name, "label", anchor))
    shapes.append(_text((left + right) / 2, _SIZE - 8, "expected goals", "", "middle"))
    turned = Markup('<text transform="translate(12 {}) rotate(-90)" text-anchor="middle">goals</text>')
    shapes.append(turned.format((top + bottom) / 2))
    words = "; ".join(f"{team.name} {goals:.0f}, expected {number(xg)}" for team, xg, goals in teams)
    return Markup('<svg viewBox="0 0 {0} {0}" role="img" aria-label="{1}: {2}">{3}</svg>').format(
        _SIZE, about, words, join(shapes)
    )


_ROUNDS = 4
_LETTER = 8.7  # a capital's width in a wide font
_PLACES = (
    *((9, 4, "start"), (-9, 4, "end"), (0, -9, "middle"), (0, 18, "middle")),
    *((8, -6, "start"), (8, 14, "start"), (-8, -6, "end"), (-8, 14, "end")),
)


def _labels(dots: Sequence[Point], names: Sequence[str]) -> list[tuple[Point, str]]:
    """Where each dot's label goes, and how it is anchored: beside it, over as little of the others as can be.

    Those that come first do not know of the others, so all are placed anew, some times, among the others as they are.
    """
    around = [(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    boxes: dict[int, Box] = {}
    chosen: dict[int, tuple[Point, str]] = {}
    for at in [*range(len(dots))] * _ROUNDS:
        (x, y), width, least = dots[at], _LETTER * len(names[at]), float("inf")
        taken = [*around, *(box for other, box in boxes.items() if other != at)]
        for dx, dy, anchor in _PLACES:
            left = x + dx - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
            box = (left, y + dy - 10, left + width, y + dy + 2)
            outside = left < _FIELD[0] or left + width > _SIZE
            cost = sum(_overlap(box, other) for other in taken) + 1000 * outside
            if cost < least:
                least, boxes[at], chosen[at] = cost, box, ((x + dx, y + dy), anchor)
    return list(chosen.values())


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


# Points by week

_WIDE, _HIGH = 760, 320
_PLOT: Box = (40, 12, 748, 284)


@dataclass(frozen=True)
class Race:
    """How the weeks of a league become places in a chart: the last week, and the most points that a team has."""

    last: int
    most: float

    def x(self, week: int) -> float:
        """Where a week is; the season begins at week 0."""
        left, _, right, _ = _PLOT
        return left + (right - left) * week / self.last

    def y(self, points: float) -> float:
        """Where so many points are."""
        _, top, _, bottom = _PLOT
        return bottom - (bottom - top) * points / self.most

    def chart(self, weeks: Sequence[TeamWeek], told: str) -> Markup:
        """One team's points, won and expected, and what the cursor needs."""
        left, top, right, bottom = _PLOT
        real = [(left, self.y(0)), *((self.x(week.week), self.y(points(week))) for week in weeks)]
        expected = [(left, self.y(0)), *((self.x(week.week), self.y(week.xpoints)) for week in weeks)]
        step, shapes = _step(self.most), []
        for tick in (step * place for place in range(int(self.most // step) + 1)):
            shapes.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(left, self.y(tick), right))
            shapes.append(_text(left - 8, self.y(tick) + 4, f"{tick:g}", "", "end"))
        shapes += [_text(self.x(at), bottom + 24, month, "", "middle") for at, month in _months(weeks)]
        shapes += [
            Markup('<path class="between" d="{}Z"/>').format(_path([*real, *reversed(expected)])),
            Markup('<path class="expected" d="{}"/>').format(_path(expected)),
            Markup('<path class="real" d="{}"/>').format(_path(real)),
            Markup('<line class="cursor" x1="0" x2="0" y1="{}" y2="{}"/>').format(top, bottom),
            Markup('<circle class="mark of-expected" r="5"/><circle class="mark of-real" r="5.5"/>'),
        ]
        return Markup('<svg viewBox="0 0 {} {}" role="img" tabindex="0" aria-label="{}">{}</svg>').format(
            _WIDE, _HIGH, told, join(shapes)
        )


def _months(weeks: Iterable[TeamWeek]) -> Iterator[tuple[int, str]]:
    """The first week of each month in which the team played; one too near to the last one stays without a name."""
    seen, latest = None, -9
    for week in weeks:
        month = (until(week).year, until(week).month)
        if month != seen and week.week - latest > 3:
            yield week.week, f"{until(week):%b}"
            latest = week.week
        seen = month


def spark(weeks: Sequence[TeamWeek], last: int, span: float) -> Markup:
    """A team's points beyond the expected ones, week by week, in a box as high as twice `span`."""
    line = _path([(0, 20), *((100 * week.week / last, 20 - 19 * week.points_difference / span) for week in weeks)])
    end = weeks[-1].points_difference
    return Markup(
        '<svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="grid" d="M0 20H100"/><path class="line {}" d="{}"/></svg>'
    ).format(kind(end, 1), line)


def cursor(race: Race, week: TeamWeek) -> Markup:
    """Where the cursor of a chart stands in a week, and what it says, as data attributes."""
    told = (
        f"Week {week.week}, until {until(week):%-d %b %Y}: {points(week):.0f} points, "
        f"{number(week.xpoints)} expected, {signed(week.points_difference)}"
    )
    return Markup('data-x="{:.1f}" data-real="{:.1f}" data-expected="{:.1f}" data-told="{}"').format(
        race.x(week.week), race.y(points(week)), race.y(week.xpoints), told
    )
