"""Columns of the lake's CSV tables and of the training set.

The Glue jobs import this module: it must not import anything but the standard library.
"""

from __future__ import annotations

from collections.abc import Iterable

from footlake.lake import s3_keys

FIXTURE_COLUMNS = (
    "idFixture",
    "status",
    "date",
    "time",
    "idHomeTeam",
    "idAwayTeam",
    "goalsHomeTeam",
    "goalsAwayTeam",
    "round",
)
STATISTICS_COLUMNS = (
    "idFixture",
    "idHomeTeam",
    "idAwayTeam",
    "shotsOnGoalHomeTeam",
    "shotsOnGoalAwayTeam",
    "shotsInsideBoxHomeTeam",
    "shotsInsideBoxAwayTeam",
    "totalShotsHomeTeam",
    "totalShotsAwayTeam",
    "ballPossessionHomeTeam",
    "ballPossessionAwayTeam",
)
# Statistics that the original walk-through does not use, in a separate table. `goals_prevented` is left out because
# it is derived from the goals. `expectedGoals` is the API's own xG: it is compared with the model's and is no feature.
EXTENDED_NAMES = (
    "shotsOffGoal",
    "blockedShots",
    "shotsOutsideBox",
    "fouls",
    "cornerKicks",
    "offsides",
    "yellowCards",
    "redCards",
    "goalkeeperSaves",
    "totalPasses",
    "passesAccurate",
    "passesPercent",
    "expectedGoals",
)
EXTENDED_COLUMNS = (
    "idFixture",
    "idHomeTeam",
    "idAwayTeam",
    *(name + team for name in EXTENDED_NAMES for team in ("HomeTeam", "AwayTeam")),
)
FEATURES = ("shotsongoal", "shotsinsidebox", "totalshots", "ballpossession")
PROVIDERS_XG = "expectedgoals"
EXTENDED_FEATURES = tuple(name.lower() for name in EXTENDED_NAMES if name.lower() != PROVIDERS_XG)
TRAINING_COLUMNS = ("goals", *FEATURES)
ROW_COLUMNS = ("idfixture", "idteam", "goals")
TEAM_ROW_COLUMNS = (*ROW_COLUMNS, *FEATURES)
TEAMCODE_COLUMNS = ("idTeam", "code", "name")
PREDICTION_COLUMNS = ("idfixture", "idteam", "xg")
# The tables of a season, see `football.table_rows`. An empty cell is unknown; booleans are 0 or 1.
LEAGUE_TABLE_COLUMNS = (
    "tableNumber",
    "name",
    "kind",
    "derived",
    "superseded",
    "official",
    "reconciled",
    "countedUntil",
    "carryOver",
    "pointsExplained",
    "competition",
    "country",
    "seasonLabel",
)
STANDINGS_COLUMNS = (
    "tableNumber",
    "rank",
    "idTeam",
    "team",
    "idTeamStandings",
    "matchedBy",
    "points",
    "pointsEarned",
    "pointsCarried",
    "pointsAdjusted",
    "played",
    "won",
    "drawn",
    "lost",
    "goalsFor",
    "goalsAgainst",
    "form",
    "status",
    "description",
    "updated",
)
TABLE_FIXTURE_COLUMNS = (
    "tableNumber",
    "idFixture",
    "side",
    "idTeam",
    "won",
    "drawn",
    "lost",
    "goalsFor",
    "goalsAgainst",
    "reason",
)
TABLE_FINDING_COLUMNS = (
    "tableNumber",
    "finding",
    "idFixture",
    "idTeam",
    "team",
    "figure",
    "official",
    "computed",
    "text",
)


def _hive_types(columns: Iterable[str], strings: Iterable[str] = (), doubles: Iterable[str] = ()) -> dict[str, str]:
    types = dict.fromkeys(columns, "bigint") | dict.fromkeys(strings, "string")
    return types | dict.fromkeys(doubles, "double")


# Types of the columns in the Glue catalog, by the folder of the table.
HIVE_TYPES = {
    s3_keys.FIXTURES: _hive_types(FIXTURE_COLUMNS, ("status", "date", "time", "round")),
    s3_keys.STATISTICS: _hive_types(STATISTICS_COLUMNS),
    s3_keys.EXTENDED: _hive_types(EXTENDED_COLUMNS, doubles=("expectedGoalsHomeTeam", "expectedGoalsAwayTeam")),
    s3_keys.TEAM_ROWS: _hive_types(TEAM_ROW_COLUMNS),
    s3_keys.TRAINING: _hive_types(TRAINING_COLUMNS),
    s3_keys.PREDICTIONS: _hive_types(PREDICTION_COLUMNS, doubles=("xg",)),
}
