"""Columns of the lake's CSV tables and of the training set."""

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
# What the API tells besides, in a table of its own: the document's columns are the document's. Not kept is what
# has the goals in it (`goals_prevented`); `expectedGoals` is the provider's own xG, to compare with, no feature.
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
