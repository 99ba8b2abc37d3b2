"""Standings that the local football API computes, ingested by etlGetFixtures and explained by reconciliation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season
from footlake.local.football.recordings import Recordings
from footlake.local.football.table_rules import parse_rules
from tests.support import competitions
from tests.support.competitions import InventedCompetition, teams
from tests.support.ingestion_trial import IngestionTrial, ingestion_trial

SPLIT = {"after": 14, "groups": {"Championship Round": 4, "Relegation Round": 4}, "regular_table": True}


@dataclass
class Example:
    """A competition with rules, and what the lake has at the end: the kind of each current table, and deductions.

    `rounds` are the weeks after which the fixtures are ingested.
    """

    competition: InventedCompetition
    rules: Any
    kinds: list[str]
    adjusted: dict[str, str] = field(default_factory=dict)
    carry_over: str = ""
    weeks: tuple[float, ...] = (-1, 2.3, 6.3, 60)


def decided() -> Example:
    """A match that ended 1-1 and was re-decided without a trace in the fixture."""
    competition = competitions.with_award("silent")
    fixture_id = competition.fixtures[9]["fixture"]["id"]
    return Example(competition, {"results": {str(fixture_id): [0, 3]}}, ["league"])


ZONES = {"Group A": teams(4), "Group B": teams(4, 905)}
CONFERENCES = {"Eastern Conference": teams(6), "Western Conference": teams(6, 907)}
GROUPS = {f"Group {letter}": teams(4, 901 + 4 * number) for number, letter in enumerate("ABCD")}
BACK = [{"points": 10, "from": "2023-09-01"}, {"points": -4, "from": "2023-10-20"}]
AT_THE_SPLIT = (-1, 6.3, 13.5, 20.2, 60)
EXAMPLES: dict[str, Callable[[], Example]] = {
    "deduction": lambda: Example(
        competitions.league(8), {"deductions": {"902": 8, "903": 4}}, ["league"], {"Bravo": "-8", "Carmo": "-4"}
    ),
    "reduced deduction": lambda: Example(
        competitions.league(8), {"deductions": {"902": BACK}}, ["league"], {"Bravo": "-6"}
    ),
    "head to head": lambda: Example(competitions.league(8), {"ranking": "head to head"}, ["league"]),
    "groups": lambda: Example(
        competitions.group_tournament(), {"groups": GROUPS, "places": {"Third-placed teams": 3}}, ["group"] * 4
    ),
    "conferences": lambda: Example(
        competitions.conferences(), {"groups": CONFERENCES, "overall": "Overall"}, ["conference"] * 2
    ),
    "split": lambda: Example(competitions.split(), {"split": SPLIT}, ["split"] * 2, weeks=AT_THE_SPLIT),
    "split with half the points": lambda: Example(
        *(competitions.split(), {"split": {**SPLIT, "points": "halved"}}, ["split"] * 2, {}, "halved", AT_THE_SPLIT)
    ),
    "deduction and split": lambda: Example(
        competitions.split(),
        {"split": {**SPLIT, "points": "halved", "matches": "later"}, "deductions": {"902": 8}},
        *(["split"] * 2, {"Bravo": "-8"}, "halved", AT_THE_SPLIT),
    ),
    "two tournaments": lambda: Example(
        competitions.apertura_clausura(), {"overall": "Anual 2025"}, ["stage"], weeks=(-1, 5, 13, 26, 60)
    ),
    "two tournaments in zones": lambda: Example(
        competitions.apertura_clausura(zones=True), {"groups": ZONES, "overall": "Anual 2025"}, ["stage"] * 2
    ),
    "decided": decided,
    "play-offs": lambda: Example(competitions.with_play_offs(), {}, ["league"]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_standings_by_any_rule_are_explained_at_any_time(
    client: Callable[[str], Any], tmp_path: Path, name: str
) -> None:
    example = EXAMPLES[name]()
    competition = example.competition
    season = Season(competition.league, competition.season)
    (tmp_path / "fixtures.json").write_text(json.dumps(competition.fixtures_body))
    with ingestion_trial(client("s3"), Recordings(tmp_path), competition.start) as trial:
        trial.rules = parse_rules({str(season): example.rules})
        for weeks in example.weeks:
            trial.time.football_date = competition.start + timedelta(weeks=weeks)
            result = trial.fixtures(season)
            assert (result["official"], result["unreconciled"], result["standings_problem"]) == (True, [], ""), weeks
            expect_explained(trial)
    tables = {table["tableNumber"]: table for table in trial.rows(s3_keys.LEAGUE_TABLES)}
    current = [number for number, table in tables.items() if (table["derived"], table["superseded"]) == ("0", "0")]
    assert [(tables[number]["kind"], tables[number]["carryOver"]) for number in current] == [
        (kind, example.carry_over) for kind in example.kinds
    ]
    rows = [row for row in trial.rows(s3_keys.STANDINGS) if row["tableNumber"] in current]
    assert {row["team"]: row["pointsAdjusted"] for row in rows if row["pointsAdjusted"] != "0"} == example.adjusted


def expect_explained(trial: IngestionTrial) -> None:
    """Assert that the tables in the lake are those of the API, and that nothing in them is unexplained."""
    tables = trial.rows(s3_keys.LEAGUE_TABLES)
    assert {table["reconciled"] for table in tables} <= {"equal", "decided", "not started", "derived"}
    assert {(table["official"], table["pointsExplained"]) for table in tables} == {("1", "1")}
    assert trial.rows(s3_keys.TABLE_FINDINGS) == []
    (body,) = (json.loads(trial.text(key)) for key in trial.keys(s3_keys.RAW_STANDINGS))
    answered = [
        (str(number), str(row["rank"]), row["team"]["name"], str(row["points"]), str(row["all"]["played"]))
        for number, table in enumerate(body["response"][0]["league"]["standings"], 1)
        for row in table
    ]
    stored = trial.rows(s3_keys.STANDINGS)
    columns = ("tableNumber", "rank", "team", "points", "played")
    assert sorted(tuple(row[column] for column in columns) for row in stored) == sorted(answered)
