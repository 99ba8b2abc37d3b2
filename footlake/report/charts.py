"""Compute the geometry of the charts on the HTML page: positions in SVG user units, as data.

templates/charts.html.j2 draws them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from footlake.report.formatting import Rating, rate_difference
from footlake.report.matches import Team
from footlake.report.weeks import TeamWeek


class Point(NamedTuple):
    """A position; y grows downwards."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Return the area that two rectangles share."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


def _svg_path(points: Iterable[Point]) -> str:
    """Return straight lines through the points, as the `d` attribute of an SVG path."""
    return "M" + "L".join(f"{point.x:.1f} {point.y:.1f}" for point in points)


def _tick_step(span: float) -> float:
    """Return a round distance between axis ticks that gives about six of them."""
    return next((step for step in (0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 500) if span / step <= 7), 1000.0)


# Scatter chart: goals against xG


class ScatterTick(NamedTuple):
    """A tick of both axes: the value, its x on the horizontal axis, its y on the vertical one."""

    value: float
    x: float
    y: float


class Label(NamedTuple):
    """Where a dot's label is, with its SVG `text-anchor`."""

    x: float
    y: float
    anchor: str


class Dot(NamedTuple):
    """A team in the scatter chart."""

    team: Team
    xg: float
    goals: float
    position: Point
    rating: Rating
    label: Label


@dataclass(frozen=True)
class ScatterChart:
    """A square with a dot for each team at (xG, goals), and the diagonal on which both are equal."""

    ticks: list[ScatterTick]
    dots: list[Dot]
    size: ClassVar[int] = 400
    plot: ClassVar[Box] = Box(46, 10, 392, 356)


def scatter_chart(teams: Sequence[tuple[Team, float, float]], good_sign: int) -> ScatterChart:
    """Lay out the chart of (team, xG, goals); `good_sign` is 1 where a dot above the diagonal is good, else -1."""
    plot = ScatterChart.plot
    values = [value for _, *both in teams for value in both]
    step = _tick_step(max(values) - min(values))
    low, high = max(0.0, step * (min(values) // step)), step * (max(values) // step + 1)

    def x(value: float) -> float:
        return plot.left + (plot.right - plot.left) * (value - low) / (high - low)

    def y(value: float) -> float:
        return plot.bottom - (plot.bottom - plot.top) * (value - low) / (high - low)

    ticks = [low + step * index for index in range(round((high - low) / step) + 1)]
    positions = [Point(x(xg), y(goals)) for _, xg, goals in teams]
    labels = _place_labels(positions, [team.short_name for team, _, _ in teams])
    return ScatterChart(
        ticks=[ScatterTick(tick, x(tick), y(tick)) for tick in ticks],
        dots=[
            Dot(team, xg, goals, position, rate_difference(goals - xg, good_sign), label)
            for (team, xg, goals), position, label in zip(teams, positions, labels, strict=True)
        ],
    )


_PLACEMENT_PASSES = 4
_LETTER_WIDTH = 8.7  # of a capital letter in a wide font
_LABEL_OFFSETS = (
    *((9, 4, "start"), (-9, 4, "end"), (0, -9, "middle"), (0, 18, "middle")),
    *((8, -6, "start"), (8, 14, "start"), (-8, -6, "end"), (-8, 14, "end")),
)


def _place_labels(dots: Sequence[Point], names: Sequence[str]) -> list[Label]:
    """Place a label next to each dot so that it covers as little as possible of other labels and of dots.

    The first labels are placed before the others have a position, so all of them are placed again in further passes.
    """
    dot_boxes = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    label_boxes: dict[int, Box] = {}
    labels: dict[int, Label] = {}
    for index in [*range(len(dots))] * _PLACEMENT_PASSES:
        width, lowest_cost = _LETTER_WIDTH * len(names[index]), float("inf")
        obstacles = [*dot_boxes, *(box for other, box in label_boxes.items() if other != index)]
        for dx, dy, anchor in _LABEL_OFFSETS:
            label = Label(dots[index].x + dx, dots[index].y + dy, anchor)
            left = label.x - {"start": 0.0, "end": width, "middle": width / 2}[anchor]
            box = Box(left, label.y - 10, left + width, label.y + 2)
            outside = left < ScatterChart.plot.left or box.right > ScatterChart.size
            cost = sum(box.overlap(obstacle) for obstacle in obstacles) + 1000 * outside
            if cost < lowest_cost:
                lowest_cost, label_boxes[index], labels[index] = cost, box, label
    return list(labels.values())


# Line chart: points by week


class PointsTick(NamedTuple):
    """A tick of the vertical axis."""

    value: float
    y: float


class MonthTick(NamedTuple):
    """The name of a month below its first week."""

    name: str
    x: float


class WeekPosition(NamedTuple):
    """A week of the line chart: its x, and the y of the points won and of the expected points."""

    week: TeamWeek
    x: float
    actual_y: float
    expected_y: float


@dataclass(frozen=True)
class PointsChart:
    """One team's points by week, won and expected: both lines and the area between them as SVG path data."""

    ticks: list[PointsTick]
    months: list[MonthTick]
    positions: list[WeekPosition]
    actual_path: str
    expected_path: str
    area_path: str
    width: ClassVar[int] = 760
    height: ClassVar[int] = 320
    plot: ClassVar[Box] = Box(40, 12, 748, 284)


@dataclass(frozen=True)
class PointsScale:
    """The common scale of a league's points charts: its last week, and the most points of a team."""

    last_week: int
    max_points: float

    def x(self, week: int) -> float:
        """Return the position of a week; the season begins at week 0."""
        return PointsChart.plot.left + (PointsChart.plot.right - PointsChart.plot.left) * week / self.last_week

    def y(self, points: float) -> float:
        """Return the position of a number of points."""
        return PointsChart.plot.bottom - (PointsChart.plot.bottom - PointsChart.plot.top) * points / self.max_points


def points_chart(weeks: Sequence[TeamWeek], scale: PointsScale) -> PointsChart:
    """Lay out the chart of one team's weeks."""
    step = _tick_step(scale.max_points)
    ticks = [step * index for index in range(int(scale.max_points // step) + 1)]
    positions = [
        WeekPosition(week, scale.x(week.week), scale.y(week.points_with_xg), scale.y(week.xpoints)) for week in weeks
    ]
    origin = Point(PointsChart.plot.left, scale.y(0))
    actual = [origin, *(Point(position.x, position.actual_y) for position in positions)]
    expected = [origin, *(Point(position.x, position.expected_y) for position in positions)]
    return PointsChart(
        ticks=[PointsTick(tick, scale.y(tick)) for tick in ticks],
        months=[MonthTick(month, scale.x(week)) for week, month in _month_starts(weeks)],
        positions=positions,
        actual_path=_svg_path(actual),
        expected_path=_svg_path(expected),
        area_path=_svg_path([*actual, *reversed(expected)]) + "Z",
    )


def _month_starts(weeks: Iterable[TeamWeek]) -> Iterator[tuple[int, str]]:
    """Yield the first week of each month in which the team played, unless too close to the last one for its name."""
    previous_month, last_named_week = None, -9
    for week in weeks:
        month = (week.week_end.year, week.week_end.month)
        if month != previous_month and week.week - last_named_week > 3:
            yield week.week, f"{week.week_end:%b}"
            last_named_week = week.week
        previous_month = month


# Sparkline: points beyond the expected ones


def sparkline_path(weeks: Sequence[TeamWeek], last_week: int, max_difference: float) -> str:
    """Return the SVG path of a team's points difference by week, in a box of 100 by 40 with zero at y = 20."""
    points = [Point(100 * week.week / last_week, 20 - 19 * week.points_difference / max_difference) for week in weeks]
    return _svg_path([Point(0, 20), *points])
