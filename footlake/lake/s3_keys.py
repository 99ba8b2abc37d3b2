"""S3 keys of the lake's objects.

The row of a fixture is in exactly one object of each kind. Its key consists of what never changes about a fixture:
league, season and id. Ten consecutive ids share a *part* such as `39-2020-592140` (ids 592140 to 592149). A moved
kick-off or a late correction therefore rewrites a row in place and cannot duplicate it, and a week changes a few small
objects, however long the season is.

The Glue jobs import this module: it must not import anything but the standard library.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, cast

Side = Literal["home", "away"]

# Quality of a statistics response. COMPLETE is the empty string because its objects are not in a subfolder.
Quality = Literal["", "doubtful", "without"]
COMPLETE: Final = ""
INCONSISTENT: Final = "doubtful"  # the numbers contradict each other
MISSING: Final = "without"  # no statistics, or not all that the lake needs

FIXTURES_PER_PART = 10

RAW = "raw-data/api-football/"
RAW_FIXTURES = RAW + "fixtures/"
RAW_STANDINGS = RAW + "standings/"
RAW_STATISTICS = RAW + "statistics/"
PLAN = RAW + "plan.json"

PROCESSED = "processed-data/"
TEAMCODES = PROCESSED + "teamcodes.csv"
DATASETS = PROCESSED + "api-football/"
FIXTURES = DATASETS + "fixtures/"
STATISTICS = DATASETS + "statistics/"
EXTENDED = DATASETS + "statistics-extended/"
LEAGUE_TABLES = DATASETS + "league-tables/"
STANDINGS = DATASETS + "standings/"
TABLE_FIXTURES = DATASETS + "table-fixtures/"
TABLE_FINDINGS = DATASETS + "table-findings/"
TEAM_ROWS = DATASETS + "teams-fixtures-statistics/"
TRAINING = DATASETS + "sagemaker-autopilot/"
TRAINING_SET = TRAINING + "training-set.csv"
PREDICTIONS = DATASETS + "xGoals-predictions/"

# Outside the folders of the original walk-through, so that neither a crawler nor a training reads them as data.
MODELS = "models/"
TRANSFORM_INPUTS = "transform-inputs/"
LEASES = "leases/"
PENDING = "pending/"
SCORING_MARKS = PENDING + "etlGetXGoals/"  # empty objects: rows may be without xG
NEW_TEAM_ROWS = SCORING_MARKS + "rows-"  # marks whose arrival invokes etlGetXGoals
REJECTED = PENDING + "xgoals/"  # an object for each object of team rows for which the model predicted no valid xG

# Metadata of a raw fixtures object: do not fetch statistics when it arrives.
NO_FOLLOW_UP = "alone"

MODEL_IN_USE = MODELS + "in-use.json"


class Season(NamedTuple):
    """A league's season, named by the year in which it begins."""

    league: int
    year: int

    def __str__(self) -> str:
        return f"{self.league}-{self.year}"


class Window(NamedTuple):
    """First and last day (inclusive) of the fixtures that a weekly run requests."""

    first: date
    last: date

    @classmethod
    def of_week(cls, day: date) -> Window:
        """Return the window of the original walk-through for a run on `day`: 7 days before it to 6 days after it."""
        return cls(day - timedelta(days=7), day + timedelta(days=6))

    def touches(self, year: int) -> bool:
        """Return whether the season that begins in `year` can have matches in the window.

        A season ends in the year in which it begins or in the next one.
        """
        return self.first.year <= year + 1 and self.last.year >= year

    def __str__(self) -> str:
        return f"{self.first}-to-{self.last}"


class TeamRows(NamedTuple):
    """Season, part and side of a team-rows object."""

    season: Season
    part: str
    side: Side


def part_of(season: Season, fixture_id: int) -> str:
    """Return the part of a fixture: `39-2020-592140` for fixture 592143."""
    return f"{season}-{fixture_id // FIXTURES_PER_PART * FIXTURES_PER_PART}"


def raw_fixtures(season: Season, window: Window | None = None) -> str:
    """Key of the API's fixtures response for a whole season, or for the days of a window."""
    return f"{RAW_FIXTURES}{season}{f'-{window}' if window else ''}.json"


def parse_raw_fixtures(key: str) -> tuple[Season, Window | None] | None:
    """Return season and window of a raw fixtures key, or None for any other key."""
    day = r"(\d{4}-\d\d-\d\d)"
    match = re.fullmatch(rf"{re.escape(RAW_FIXTURES)}(\d+)-(\d+)(?:-{day}-to-{day})?\.json", key)
    if not match:
        return None
    league, year, first, last = match.groups()
    window = Window(date.fromisoformat(first), date.fromisoformat(last)) if first else None
    return Season(int(league), int(year)), window


def raw_standings(season: Season) -> str:
    """Key of the API's standings response for a season."""
    return f"{RAW_STANDINGS}{season}.json"


def raw_statistics_folder(season: Season) -> str:
    """Prefix of the raw statistics of a season, one object per fixture."""
    return f"{RAW_STATISTICS}{season}/"


def raw_statistics(season: Season, fixture_id: int, quality: Quality = COMPLETE) -> str:
    """Key of the API's response with a fixture's statistics.

    Responses that are not complete are in a folder named by their quality, so that a listing shows what to request
    again.
    """
    return f"{raw_statistics_folder(season)}{f'{quality}/' if quality else ''}{fixture_id}.json"


def parse_raw_statistics(key: str) -> tuple[int, Quality] | None:
    """Return fixture id and quality of a raw statistics key, or None for any other key."""
    match = re.fullmatch(rf"{re.escape(RAW_STATISTICS)}\d+-\d+/(?:({INCONSISTENT}|{MISSING})/)?(\d+)\.json", key)
    return (int(match[2]), cast(Quality, match[1] or COMPLETE)) if match else None


def season_lease(kind: str, season: Season) -> str:
    """Key of the lease to hold while requesting a season's `fixtures` or `statistics` from the API."""
    return f"{LEASES}{kind}/{season}"


def fixtures(part: str) -> str:
    """Key of the fixtures CSV of a part."""
    return f"{FIXTURES}{part}.csv"


def parse_fixtures(key: str) -> tuple[Season, int] | None:
    """Return season and first of the ten fixture ids of a fixtures key, or None for any other key."""
    match = re.fullmatch(rf"{re.escape(FIXTURES)}(\d+)-(\d+)-(\d+)\.csv", key)
    return (Season(int(match[1]), int(match[2])), int(match[3])) if match else None


def league_tables(season: Season) -> str:
    """Key of the CSV with a season's tables."""
    return f"{LEAGUE_TABLES}{season}.csv"


def standings(season: Season) -> str:
    """Key of the CSV with the rows of a season's tables, one for each team."""
    return f"{STANDINGS}{season}.csv"


def table_fixtures(season: Season) -> str:
    """Key of the CSV with the fixtures that each of a season's tables counts."""
    return f"{TABLE_FIXTURES}{season}.csv"


def table_findings(season: Season) -> str:
    """Key of the CSV with everything about a season's tables and fixtures that does not agree or was not used."""
    return f"{TABLE_FINDINGS}{season}.csv"


def statistics(part: str) -> str:
    """Key of the statistics CSV of a part."""
    return f"{STATISTICS}{part}.csv"


def extended(part: str) -> str:
    """Key of the extended statistics CSV of a part."""
    return f"{EXTENDED}{part}.csv"


def team_rows(part: str, side: Side) -> str:
    """Key of the team rows of a part's home or away teams."""
    return f"{TEAM_ROWS}{part}-{side}.csv"


def predictions(part: str, side: Side) -> str:
    """Key of the xG of a part's home or away teams: batch transform appends `.out` to the name of its input."""
    return f"{PREDICTIONS}{part}-{side}.csv.out"


def parse_team_rows(key: str) -> TeamRows | None:
    """Return season, part and side of a team-rows key, or None for any other key."""
    match = re.fullmatch(rf"{re.escape(TEAM_ROWS)}((\d+)-(\d+)-\d+)-(home|away)\.csv", key)
    return TeamRows(Season(int(match[2]), int(match[3])), match[1], cast(Side, match[4])) if match else None


def model_record(model: str) -> str:
    """Key of a model's record: training rows, features, versions and metrics."""
    return f"{MODELS}{model}/record.json"


def model_training_set(model: str) -> str:
    """Key of a copy of the training set with which the model was trained."""
    return f"{MODELS}{model}/training-set.csv"


def model_figure(model: str) -> str:
    """Key of the chart of a model's evaluation."""
    return f"{MODELS}{model}/evaluation.svg"


def model_archive(model: str) -> str:
    """Key of a model that was trained outside SageMaker."""
    return f"{MODELS}{model}/model.tar.gz"


def model_notebook(model: str, kind: str) -> str:
    """Key of a notebook of a model that was trained outside SageMaker; `kind` as in Autopilot's file names."""
    return f"{MODELS}{model}/notebooks/SageMakerAutopilot{kind}Notebook.ipynb"
