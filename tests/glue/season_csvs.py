"""Store invented competitions in a lake as etlGetFixtures does: fixtures, and the CSVs with a season's tables."""

from __future__ import annotations

from collections import defaultdict

from footlake.football.competitions import parse_competition, season_label
from footlake.football.fixtures import parse_fixtures
from footlake.football.reconciliation import reconcile_season
from footlake.football.season_fixtures import parse_season_fixtures
from footlake.football.standings import parse_standings
from footlake.football.table_rows import SeasonFindings, TableRows, build_table_rows
from footlake.lake import s3_keys, schemas
from footlake.lake.s3_keys import Season
from tests.glue.conftest import LakeBucket
from tests.support.competitions import InventedCompetition

COLUMNS = {
    s3_keys.league_tables: schemas.LEAGUE_TABLE_COLUMNS,
    s3_keys.standings: schemas.STANDINGS_COLUMNS,
    s3_keys.table_fixtures: schemas.TABLE_FIXTURE_COLUMNS,
    s3_keys.table_findings: schemas.TABLE_FINDING_COLUMNS,
}


def season_of(made: InventedCompetition) -> Season:
    """Return the competition's season."""
    return Season(made.league, made.season)


def move_to_league(made: InventedCompetition, league: int) -> InventedCompetition:
    """Give the competition another league id, and its fixtures other ids."""
    made.league = league
    for number, item in enumerate(made.fixtures):
        item["fixture"]["id"] = league * 1000 + number
        item["league"]["id"] = league
    return made


def build_rows(made: InventedCompetition, findings: SeasonFindings | None = None) -> TableRows:
    """Return the rows of the competition's tables."""
    fixtures = parse_season_fixtures(made.fixtures).fixtures
    label = season_label(made.season, (fixture.kickoff.date() for fixture in fixtures if fixture.kickoff))
    named = parse_competition(made.league, [item["league"] for item in made.fixtures])
    return build_table_rows(reconcile_season(parse_standings(made.standings_body), fixtures), named, label, findings)


def store_tables(lake: LakeBucket, made: InventedCompetition, findings: SeasonFindings | None = None) -> None:
    """Store the four CSVs with the tables of the competition's season."""
    for (key, columns), rows in zip(COLUMNS.items(), build_rows(made, findings), strict=True):
        lake.put_csv(key(season_of(made)), columns, [[*row.values()] for row in rows])


def store_fixtures(lake: LakeBucket, made: InventedCompetition) -> None:
    """Store the fixtures of the competition's season, one object for each part."""
    parts = defaultdict(list)
    for fixture in parse_fixtures(made.fixtures)[0]:
        parts[s3_keys.part_of(season_of(made), fixture.id)].append([*fixture.row.values()])
    for part, rows in parts.items():
        lake.put_csv(s3_keys.fixtures(part), schemas.FIXTURE_COLUMNS, rows)
