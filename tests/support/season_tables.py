"""What a lake stores of an invented competition: finished matches with invented xG, and the rows of its tables."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from footlake.football.competitions import parse_competition, season_label
from footlake.football.reconciliation import reconcile_season
from footlake.football.season_fixtures import SeasonFixture, parse_season_fixtures
from footlake.football.standings import Standings, parse_standings
from footlake.football.statuses import find_status
from footlake.football.table_rows import TableRows, build_table_rows
from footlake.report.lake_reader import to_record
from footlake.report.matches import Match, Team
from footlake.report.season_records import (
    CountedRecord,
    FindingRecord,
    ReportRecords,
    StandingRecord,
    TableRecord,
)
from tests.support.competitions import InventedCompetition


class LakeSeason(NamedTuple):
    """The rows of the CSVs with a season's tables, and the records that a reader makes of the lake."""

    rows: TableRows
    records: ReportRecords


def store_season(competition: InventedCompetition, official: bool = True) -> LakeSeason:
    """Return what the lake has after the ingestion; without `official` as if there were no standings."""
    fixtures = parse_season_fixtures(competition.fixtures_body["response"]).fixtures
    standings = parse_standings(competition.standings_body) if official else Standings()
    label = season_label(competition.season, [f.kickoff.date() for f in fixtures if f.kickoff])
    named = parse_competition(competition.league, [item["league"] for item in competition.fixtures])
    rows = build_table_rows(reconcile_season(standings, fixtures), named, label)
    teams = {team.id: team.name for fixture in fixtures for _, team in fixture.sides if team}
    records = ReportRecords(
        competition.league,
        competition.season,
        list(_finished(fixtures)),
        # The lake's list lacks one of the teams, and one has no code.
        [Team(i, None if i % 3 else name[:3].upper(), name) for i, name in sorted(teams.items())[1:]],
        [competition.season],
        [to_record(TableRecord, row) for row in rows.league_tables],
        [to_record(StandingRecord, row) for row in rows.standings],
        [to_record(CountedRecord, row) for row in rows.table_fixtures],
        [to_record(FindingRecord, row) for row in rows.table_findings],
    )
    return LakeSeason(rows, records)


def _finished(fixtures: Iterable[SeasonFixture]) -> Iterator[Match]:
    """Yield the matches with a result; those that were played have xG, except every eleventh."""
    rng = random.Random(3)
    for number, fixture in enumerate(sorted(fixtures, key=lambda f: (str(f.kickoff), f.id))):
        result = find_status(fixture.status).result
        if (
            result
            and fixture.home
            and fixture.away
            and fixture.goals_home is not None
            and fixture.goals_away is not None
        ):
            has_xg = result == "played" and number % 11 != 5
            xg = (round(rng.uniform(0, 3.5), 3), round(rng.uniform(0, 3.5), 3)) if has_xg else (None, None)
            kickoff = fixture.kickoff.replace(tzinfo=None) if fixture.kickoff else None
            teams, goals = (fixture.home.id, fixture.away.id), (fixture.goals_home, fixture.goals_away)
            yield Match(fixture.id, kickoff, *teams, *goals, home_xg=xg[0], away_xg=xg[1], round=fixture.round or None)
