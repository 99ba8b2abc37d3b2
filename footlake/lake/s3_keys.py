"""Every key of the lake, as a pure function.

A fixture's row lives in exactly one object of each kind, named by what never changes about a fixture: its
league, its season and its id. Ten consecutive ids share a *part* such as `39-2020-592140` (ids 592140 to
592149), so a moved kick-off or a late correction rewrites a row where it stands and can never double it, and
a week touches a handful of small objects, however long the season has been going on.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal, NamedTuple, cast

Side = Literal["home", "away"]
Quality = Literal["", "doubtful", "without"]

FIXTURES_PER_PART = 10

RAW = "raw-data/api-football/"
RAW_FIXTURES = RAW + "fixtures/"
RAW_STATISTICS = RAW + "statistics/"
PLAN = RAW + "plan.json"

PROCESSED = "processed-data/"
TEAMCODES = PROCESSED + "teamcodes.csv"
DATASETS = PROCESSED + "api-football/"
FIXTURES = DATASETS + "fixtures/"
STATISTICS = DATASETS + "statistics/"
EXTENDED = DATASETS + "statistics-extended/"
TEAM_ROWS = DATASETS + "teams-fixtures-statistics/"
TRAINING = DATASETS + "sagemaker-autopilot/"
TRAINING_SET = TRAINING + "training-set.csv"
PREDICTIONS = DATASETS + "xGoals-predictions/"

# Beside the document's folders, so that neither a crawler nor a second training reads them as data.
MODELS = "models/"
TRANSFORM_INPUTS = "transform-inputs/"
LEASES = "leases/"
PENDING = "pending/"

# A note on a raw fixtures object: no statistics are to follow it by themselves.
NO_FOLLOW_UP = "alone"

MODEL_IN_USE = MODELS + "in-use.json"


class Season(NamedTuple):
    """One league's season, named by the year in which it begins."""

    league: int
    year: int

    def __str__(self) -> str:
        return f"{self.league}-{self.year}"


class Window(NamedTuple):
    """The days, both included, that one weekly run asks for."""

    first: date
    last: date

    @classmethod
    def of_week(cls, day: date) -> Window:
        """The document's window for a run on `day`: the seven days before it, it and the six after."""
        return cls(day - timedelta(days=7), day + timedelta(days=6))

    def touches(self, year: int) -> bool:
        """Whether the season that begins in `year` can have matches on these days; some end in that very year."""
        return self.first.year <= year + 1 and self.last.year >= year

    def __str__(self) -> str:
        return f"{self.first}-to-{self.last}"


def part_of(season: Season, fixture_id: int) -> str:
    """The part in which a fixture lives: `39-2020-592140` for fixture 592143."""
    return f"{season}-{fixture_id // FIXTURES_PER_PART * FIXTURES_PER_PART}"


def raw_fixtures(season: Season, window: Window | None = None) -> str:
    """The fixtures as the API answered: a whole season, or the days of one window."""
    return f"{RAW_FIXTURES}{season}{f'-{window}' if window else ''}.json"


_RAW_FIXTURES_KEY = re.compile(
    rf"{re.escape(RAW_FIXTURES)}(\d+)-(\d+)(?:-(\d{{4}}-\d\d-\d\d)-to-(\d{{4}}-\d\d-\d\d))?\.json"
)


def parse_raw_fixtures(key: str) -> tuple[Season, Window | None] | None:
    """The season and window that a raw fixtures key stands for, or None if it is not such a key."""
    match = _RAW_FIXTURES_KEY.fullmatch(key)
    if not match:
        return None
    league, year, first, last = match.groups()
    window = Window(date.fromisoformat(first), date.fromisoformat(last)) if first else None
    return Season(int(league), int(year)), window


def raw_statistics_folder(season: Season) -> str:
    """Where the raw statistics of a season's fixtures lie, one object each."""
    return f"{RAW_STATISTICS}{season}/"


def raw_statistics(season: Season, fixture_id: int, verdict: Quality = "") -> str:
    """One fixture with its statistics, as the API answered.

    Answers that do not agree with themselves are in a folder `doubtful`, those without full statistics in `without`:
    a listing tells what should be asked for again.
    """
    return f"{raw_statistics_folder(season)}{f'{verdict}/' if verdict else ''}{fixture_id}.json"


def parse_raw_statistics(key: str) -> tuple[int, Quality] | None:
    """The fixture and the verdict that a raw statistics key stands for, or None if it is not such a key."""
    match = re.fullmatch(rf"{re.escape(RAW_STATISTICS)}\d+-\d+/(?:(doubtful|without)/)?(\d+)\.json", key)
    return (int(match[2]), cast(Quality, match[1] or "")) if match else None


def season_lease(kind: str, season: Season) -> str:
    """The key to hold while asking the football API about a season's `fixtures` or `statistics`."""
    return f"{LEASES}{kind}/{season}"


def fixtures(part: str) -> str:
    """The fixtures CSV of a part."""
    return f"{FIXTURES}{part}.csv"


def parse_fixtures(key: str) -> tuple[Season, int] | None:
    """The season and the first of the ten ids that a fixtures key stands for, or None if it is not such a key."""
    match = re.fullmatch(rf"{re.escape(FIXTURES)}(\d+)-(\d+)-(\d+)\.csv", key)
    return (Season(int(match[1]), int(match[2])), int(match[3])) if match else None


def statistics(part: str) -> str:
    """The statistics CSV of a part."""
    return f"{STATISTICS}{part}.csv"


def extended(part: str) -> str:
    """The CSV of a part's further statistics."""
    return f"{EXTENDED}{part}.csv"


def team_rows(part: str, side: Side) -> str:
    """The team rows of a part's home or away sides."""
    return f"{TEAM_ROWS}{part}-{side}.csv"


def predictions(part: str, side: Side) -> str:
    """The xG of a part's home or away sides: batch transform appends `.out` to the input's name."""
    return f"{PREDICTIONS}{part}-{side}.csv.out"


class TeamRows(NamedTuple):
    """What an object of team rows is about."""

    season: Season
    part: str
    side: Side


def parse_team_rows(key: str) -> TeamRows | None:
    """The season, part and side that a team-rows key stands for, or None if it is not such a key."""
    match = re.fullmatch(rf"{re.escape(TEAM_ROWS)}((\d+)-(\d+)-\d+)-(home|away)\.csv", key)
    return TeamRows(Season(int(match[2]), int(match[3])), match[1], cast(Side, match[4])) if match else None


def model_record(model: str) -> str:
    """What is known of a model: its training rows, features, versions and metrics."""
    return f"{MODELS}{model}/record.json"


def model_training_set(model: str) -> str:
    """What a model was trained on, as it was then."""
    return f"{MODELS}{model}/training-set.csv"


def model_figure(model: str) -> str:
    """The picture of a model's evaluation."""
    return f"{MODELS}{model}/evaluation.svg"


def model_archive(model: str) -> str:
    """A model that was trained on somebody's machine."""
    return f"{MODELS}{model}/model.tar.gz"


def model_notebook(model: str, kind: str) -> str:
    """A notebook of a model that was trained on somebody's machine, by Autopilot's own name for it."""
    return f"{MODELS}{model}/notebooks/SageMakerAutopilot{kind}Notebook.ipynb"
