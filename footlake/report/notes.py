"""Say in sentences what a table counts, and what does not agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from footlake.football.league_tables import UNOFFICIAL
from footlake.report.matches import Match
from footlake.report.season_records import FindingRecord, ReportRecords, StandingRecord, TableRecord, TeamNames
from footlake.report.team_matches import DRAW, WIN, TeamMatch

LISTED = 5  # teams or matches that do not agree
# Names of the figures in findings.
_FIGURES = {
    "played": "matches played",
    "won": "matches won",
    "drawn": "matches drawn",
    "lost": "matches lost",
    "goals_for": "goals for",
    "goals_against": "goals against",
}


def table_notes(
    table: TableRecord,
    standings: Sequence[StandingRecord],
    matches: Sequence[TeamMatch],
    findings: Sequence[FindingRecord],
    names: TeamNames,
    played: Sequence[Match],
) -> tuple[str, ...]:
    """Return the notes on a table; standings, matches and findings are those of the table.

    `played` are all matches of the season with a result.
    """
    notes = []
    if not table.official:
        notes.append(f"This table is {UNOFFICIAL}.")
    if table.reconciled == "stale":
        until = f"matches until {table.counted_until} only" if table.counted_until else "no match yet"
        notes.append(f"The official table counts {until}.")
    if table.reconciled == "different":
        notes += ["The official table does not agree with the matches.", *_limit(_differences(findings))]
    notes += _carried_points(table, standings)
    if table.points_explained and any(map(_has_other_points, standings)):
        notes.append("Pts are not only 3 for a victory and 1 for a draw: shoot-outs or another rule count.")
    notes += _limit(_decisions(matches, names))
    notes += _omitted(findings, played, names)
    return tuple(notes)


def season_notes(records: ReportRecords, outside: Collection[int], others: Sequence[TableRecord]) -> tuple[str, ...]:
    """Return the notes on a season: matches outside its tables, doubled ones, and tables that are not shown.

    `outside` are the ids of the matches that no table counts. Those in the rounds of a table are in the table's notes.
    """
    notes = []
    in_rounds = {finding.fixture_id for finding in records.findings if finding.finding == "omitted"}
    if count := len(set(outside) - in_rounds):
        noun, verb = ("match", "is") if count == 1 else ("matches", "are")
        notes.append(f"{count} {noun} outside the {_tables(records)} {verb} not counted.")
    notes += _limit(f.text or "" for f in records.findings if f.finding == "duplicate")
    if others:
        notes.append(f"Not shown: {'; '.join(f'{table.name} ({_describe_kind(table)})' for table in others)}.")
    return tuple(notes)


def _tables(records: ReportRecords) -> str:
    return "regular season" if len(records.tables) == 1 else "tables"


def _describe_kind(table: TableRecord) -> str:
    if not table.derived:
        return "not started" if table.reconciled == "not started" else "earlier stage"
    return {"averages": "averages over seasons", "ranking": "ranking of teams of several tables"}.get(
        table.kind, "derived from other tables"
    )


def _limit(notes: Iterable[str]) -> list[str]:
    notes = list(notes)
    more = len(notes) - LISTED
    return [*notes[:LISTED], f"There are {more} more of these."] if more > 1 else notes


def _differences(findings: Iterable[FindingRecord]) -> Iterator[str]:
    """Yield a sentence for each team, such as "Arsenal: 14 matches played officially, 13 here."."""
    by_team: dict[str, list[str]] = {}
    for finding in findings:
        if finding.finding != "difference":
            continue
        if finding.figure in _FIGURES and None not in (finding.official, finding.computed):
            text = f"{finding.official} {_FIGURES[finding.figure]} officially, {finding.computed} here"
        else:
            text = (finding.text or "").removeprefix(f"{finding.team}: ")
        by_team.setdefault(finding.team or "", []).append(text)
    for team, texts in by_team.items():
        yield f"{team}: {'; '.join(texts)}."


def _carried_points(table: TableRecord, standings: Iterable[StandingRecord]) -> Iterator[str]:
    carried = [row.points_carried or 0 for row in standings]
    if not table.points_explained:
        yield "No rule gives the official points of most teams: they are not those of the matches."
    elif max(carried, default=0) > 0:
        kept = "half of the points" if table.carry_over == "halved" else "the points"
        yield f"Pts and xPts include {kept} of an earlier phase; the other columns do not include its matches."
    elif min(carried, default=0) < 0:
        kept = "half of the points" if table.carry_over == "halved" else "no points"
        yield f"Pts includes {kept} of the earlier phase; xPts and the other columns include all its matches."


def _has_other_points(row: StandingRecord) -> bool:
    """Return whether the points are not those of victories and draws, apart from carried and adjusted ones."""
    if row.points is None or row.won is None or row.drawn is None:
        return False
    earned = row.points - (row.points_carried or 0) - (row.points_adjusted or 0)
    return earned != WIN * row.won + DRAW * row.drawn


def _omitted(findings: Iterable[FindingRecord], played: Iterable[Match], names: TeamNames) -> Iterator[str]:
    """Yield a sentence on the matches that no table counts."""
    ids = {finding.fixture_id for finding in findings if finding.finding == "omitted"}
    matches = [match for match in played if match.id in ids]
    if matches:
        shown = [
            f"{names.find(match.home).name} v {names.find(match.away).name}"
            f"{f' ({match.kickoff:%Y-%m-%d})' if match.kickoff else ''}"
            for match in matches[:LISTED]
        ]
        more = f" and {len(matches) - LISTED} more" if len(matches) > LISTED else ""
        yield f"Not counted: {', '.join(shown)}{more}."


def _decisions(matches: Iterable[TeamMatch], names: TeamNames) -> Iterator[str]:
    """Yield a sentence for each match that counts otherwise than its fixture says."""
    seen = set()
    for match in matches:
        if match.reason and match.fixture_id not in seen:
            seen.add(match.fixture_id)
            sides = [names.find(i).name if i is not None else "unknown" for i in (match.team, match.opponent)]
            yield f"{' v '.join(sides if match.at_home else sides[::-1])}: {match.reason}."
