"""Columns of the lake's CSV tables and of the training set.

The Glue jobs import this module: it must not import anything but the standard library.
"""

from __future__ import annotations

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
