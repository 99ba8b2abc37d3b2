"""What a season's tables are worth: their agreement with the fixtures, deductions, decisions and other findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from footlake.aws_jobs import format_count
from footlake.data_check.pipeline import Level
from footlake.data_check.records import Row, SeasonRecords, describe_fixtures
from footlake.football.league_tables import UNOFFICIAL
from footlake.football.standings import NO_TABLES, REPEATED_TABLE

# Results of the reconciliation that leave nothing to explain.
AGREEING = ("equal", "derived", "not started")


@dataclass(frozen=True)
class TableDifference:
    """A figure of a team for which the official table and the fixtures differ. `official` is None if it is missing."""

    team: str
    figure: str
    official: int | None
    computed: int | None


@dataclass(frozen=True)
class PointsDecision:
    """Points that a team lost or won by a decision, in `points`: negative for a deduction."""

    team: str
    points: int


@dataclass(frozen=True)
class TableCheck:
    """A table: `reconciled` as in `LeagueTable`, in words in `text`.

    `decisions` counts the matches that it counts otherwise than their fixtures say.
    """

    number: int
    name: str
    level: Level
    official: bool
    reconciled: str
    text: str
    counted_until: str | None = None
    differences: tuple[TableDifference, ...] = ()
    deductions: tuple[PointsDecision, ...] = ()
    decisions: int = 0


@dataclass(frozen=True)
class SeasonNote:
    """A finding about a season's tables or fixtures that is not a difference of a table."""

    what: str
    level: Level
    text: str
    fixtures: tuple[int, ...] = ()


def check_tables(records: SeasonRecords) -> list[TableCheck]:
    """Return the season's tables, in order."""
    return [_check_table(row, records) for row in records.tables]


def _check_table(row: Row, records: SeasonRecords) -> TableCheck:
    number = row["tableNumber"]
    differences = tuple(
        TableDifference(finding["team"], finding["figure"], _number(finding["official"]), _number(finding["computed"]))
        for finding in _findings(records, "difference")
        if finding["tableNumber"] == number
    )
    deductions = tuple(
        PointsDecision(standing["team"], int(standing["pointsAdjusted"]))
        for standing in records.standings
        if standing["tableNumber"] == number and standing["pointsAdjusted"] not in ("", "0")
    )
    decided = {match["idFixture"]: match["reason"] for match in records.decisions if match["tableNumber"] == number}
    level, text = _judge(row, differences, list(decided.values()))
    if level != "problem" and deductions and row["pointsExplained"] == "1":
        level = "explained"
        text = f"{text}; {', '.join(map(_describe_deduction, deductions))}"
    return TableCheck(
        int(number),
        row["name"],
        level,
        row["official"] == "1",
        row["reconciled"],
        text,
        row["countedUntil"] or None,
        differences,
        deductions,
        len(decided),
    )


def _judge(row: Row, differences: Sequence[TableDifference], reasons: Sequence[str]) -> tuple[Level, str]:
    """Return the level of a table and what is to know of it."""
    match row["reconciled"]:
        case "unofficial":
            return "explained", f"no official standings; {UNOFFICIAL}"
        case "different":
            return "problem", "differs from the fixtures: " + "; ".join(map(_describe_difference, differences))
        case _ if row["pointsExplained"] == "0":
            return "problem", "no rule gives the official points of most teams"
        case "derived":
            return "ok", "a ranking of results of other tables or seasons, which is not compared"
        case "not started":
            return "ok", "no match is counted yet"
        case "stale":
            until = f"the matches up to {row['countedUntil']} only" if row["countedUntil"] else "no match yet"
            decided = f"; it counts {format_count(len(reasons), 'match', 'matches')} as decided" if reasons else ""
            return "explained", f"the official table counts {until}; its next update has the newer ones{decided}"
        case "decided":
            if not reasons:
                return "explained", "agrees with the fixtures, but does not count all of them"
            first = reasons[0].rstrip(".")
            return (
                "explained",
                f"agrees with the fixtures except {format_count(len(reasons), 'match', 'matches')} ({first})",
            )
        case _:
            return "ok", "agrees with the official one"


def _describe_difference(difference: TableDifference) -> str:
    if difference.figure == "team":
        return f"{difference.team}: no fixtures of this team"
    figure = difference.figure.replace("_", " ")
    return f"{difference.team}: official {figure} {difference.official}, fixtures {difference.computed}"


def _describe_deduction(deduction: PointsDecision) -> str:
    verb = "deducted" if deduction.points < 0 else "added"
    points = abs(deduction.points)
    return f"{deduction.team}: {points} point{'' if points == 1 else 's'} {verb}"


def season_notes(records: SeasonRecords) -> Iterator[SeasonNote]:
    """Yield what else the reconciliation found."""
    for finding in _findings(records, "duplicate"):
        yield _note("duplicates", "explained", finding)
    for finding in _findings(records, "withdrawn"):
        yield _note("withdrawn", "explained", finding)
    yield from _omitted_notes(records)
    for finding in _findings(records, "unknown status"):
        yield _note("unknown status", "problem", finding)
    for finding in _findings(records, "problem"):
        is_harmless = finding["text"].startswith((NO_TABLES, REPEATED_TABLE))
        yield _note("response", "explained" if is_harmless else "problem", finding)


def _omitted_notes(records: SeasonRecords) -> Iterator[SeasonNote]:
    """Yield a note on the fixtures with a result that no table counts, first those of tables that do not agree."""
    disagreeing = {row["tableNumber"] for row in records.tables if row["reconciled"] == "different"}
    omitted = [(int(row["idFixture"]), row["tableNumber"] in disagreeing) for row in _findings(records, "omitted")]
    problems = {fixture_id for fixture_id, is_problem in omitted if is_problem}
    levels: tuple[tuple[Level, set[int]], ...] = (
        ("problem", problems),
        ("explained", {fixture_id for fixture_id, _ in omitted} - problems),
    )
    for level, ids in levels:
        if fixtures := [fixture for fixture in records.fixtures if fixture.id in ids]:
            text = f"{describe_fixtures(fixtures)}. No table counts {'it' if len(fixtures) == 1 else 'them'}."
            yield SeasonNote("not counted", level, text, tuple(fixture.id for fixture in fixtures))


def _note(what: str, level: Level, finding: Row) -> SeasonNote:
    fixture_id = _number(finding["idFixture"])
    return SeasonNote(what, level, finding["text"], () if fixture_id is None else (fixture_id,))


def _findings(records: SeasonRecords, kind: str) -> Iterable[Row]:
    return (row for row in records.findings if row["finding"] == kind)


def _number(text: str) -> int | None:
    return int(text) if text else None
