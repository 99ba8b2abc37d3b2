"""Parsing and CSV: the football API's answers as tables of the lake, beside what pandas makes of the same files.

    python -m bench.parsing [--seasons 1 10 100] [--times 3]

Claimed: time grows in line with the seasons, parsing is at least as fast as `pandas.json_normalize`, and memory is that
of one file, however many there are. Each way reads the same files, a season's fixtures and then twenty matches with
their statistics to a file, as the API answers, and writes CSV:

- footlake: what the handlers do between an answer and S3: every value checked, parts of ten fixtures, three tables;
- json_normalize: a season's columns at once, nothing checked, one table of fixtures and one of statistics;
- append: the document's way, one row after the other put at the end of a data frame.

What they write must have the same matches, goals and shots. Left out: network and S3, which `bench.lake` has.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from bench.measure import best, peak, table
from footlake.football.api import IDS_PER_REQUEST
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.statistics import BALL_POSSESSION, REQUIRED_COUNTS, TOTAL_SHOTS, parse_statistics
from footlake.lake import s3_keys, schemas
from footlake.lake.tables import merge_rows
from footlake.local.football.simulator import YEARS, Simulator

LEAGUES_OF_TWENTY = (39, 135, 140)
FIXTURES_PER_SEASON = 380
LATER = datetime(2200, 1, 1, tzinfo=UTC)
# What a way is not tried with: it is known by then how it grows.
MOST_SEASONS = {"append": 10}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seasons", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        print(section(Path(folder), sorted(options.seasons), options.times))


def section(folder: Path, sizes: list[int], times: int) -> str:
    """The Markdown section."""
    answers = folder / "answers"
    record(answers, max(sizes))
    rates: dict[str, dict[int, float]] = defaultdict(dict)
    memory: dict[str, dict[int, float]] = defaultdict(dict)
    for way, size in product(WAYS, sizes):
        if size <= MOST_SEASONS.get(way, size):
            target = folder / f"{way}-{size}"
            work = partial(convert, way, answers, target, size)
            _, memory[way][size] = peak(work)
            rates[way][size] = size * FIXTURES_PER_SEASON / best(work, times if size < 100 else 1)
            assert totals(target) == totals(folder / f"footlake-{size}"), way
    rows = [
        (size, way, rates[way][size], memory[way][size], faster(rates, way, size))
        for size, way in product(sizes, WAYS)
        if size in rates[way]
    ]
    least, most = min(rates["footlake"].values()), max(rates["footlake"].values())
    smallest, largest = memory["footlake"][sizes[0]], memory["footlake"][sizes[-1]]
    slowest = min(rates["footlake"][size] / rates["json_normalize"][size] for size in sizes)
    return table(
        "Parsing and CSV",
        ("seasons", "way", "fixtures a second", "peak MiB", "footlake is faster by"),
        rows,
    ) + (
        f"\nBetween {least:,.0f} and {most:,.0f} fixtures a second, whatever the number of seasons; at least"
        f" {slowest:.2f} × json_normalize's rate, with every value checked. From {sizes[0]} to {sizes[-1]} seasons"
        f" memory grows by {largest - smallest:.0f} MiB.\n"
    )


def faster(rates: dict[str, dict[int, float]], way: str, size: int) -> str:
    """By how much footlake is faster than this way."""
    return "—" if way == "footlake" else f"{rates['footlake'][size] / rates[way][size]:.2f} ×"


def record(answers: Path, seasons: int) -> None:
    """A folder for each simulated season, with a file for each answer of the API."""
    simulator = Simulator()
    for league, year in list(product(LEAGUES_OF_TWENTY, YEARS))[:seasons]:
        folder = answers / f"{league}-{year}"
        folder.mkdir(parents=True)
        fixtures = simulator.fixtures(league, year, LATER)
        (folder / "fixtures.json").write_text(json.dumps({"errors": [], "response": fixtures}))
        for start in range(0, len(fixtures), IDS_PER_REQUEST):
            full = [
                one | {"statistics": simulator.statistics(one["fixture"]["id"], LATER)}
                for one in fixtures[start : start + IDS_PER_REQUEST]
            ]
            (folder / f"ids-{start:03}.json").write_text(json.dumps({"errors": [], "response": full}))


def convert(way: str, answers: Path, target: Path, seasons: int) -> None:
    """The CSVs of so many seasons."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for season in sorted(answers.iterdir())[:seasons]:
        WAYS[way](season, target)


def response(path: Path) -> list[Any]:
    """What the API answered."""
    answer: list[Any] = json.loads(path.read_text())["response"]
    return answer


def with_footlake(season: Path, target: Path) -> None:
    """The three tables, an answer at a time."""
    fixtures, _ = parse_fixtures(response(season / "fixtures.json"))
    put(target, "fixtures", schemas.FIXTURE_COLUMNS, ((one, one.row) for one in fixtures))
    known = {fixture.id: fixture for fixture in fixtures}
    for path in season.glob("ids-*.json"):
        read = []
        for item in response(path):
            fixture = known[item["fixture"]["id"]]
            statistics = parse_statistics(fixture, item["statistics"])
            assert statistics
            read.append((fixture, statistics))
        put(target, "statistics", schemas.STATISTICS_COLUMNS, ((one, figures.row) for one, figures in read))
        put(target, "extended", schemas.EXTENDED_COLUMNS, ((one, figures.extended_row) for one, figures in read))


def put(target: Path, name: str, columns: tuple[str, ...], rows: Iterable[tuple[Fixture, Mapping[str, str]]]) -> None:
    """Put rows into the files of their parts, as the handlers put them into objects."""
    parts: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for fixture, row in rows:
        parts[s3_keys.part_of(fixture.season, fixture.id)].append(row)
    for part, of_part in parts.items():
        path = target / f"{name}-{part}.csv"
        path.write_text(merge_rows(columns, of_part, path.read_text() if path.exists() else None))


def with_json_normalize(season: Path, target: Path) -> None:
    """Two tables of a season, by pandas' own means."""
    import pandas as pd

    fixtures = pd.json_normalize(response(season / "fixtures.json"))
    fixtures[[*NORMALIZED]].rename(columns=NORMALIZED).to_csv(target / f"fixtures-{season.name}.csv", index=False)
    answers = [item for path in sorted(season.glob("ids-*.json")) for item in response(path)]
    long = pd.json_normalize(answers, ["statistics", "statistics"], ["fixture", ["statistics", "team", "id"]])
    long["id"] = [fixture["id"] for fixture in long["fixture"]]
    sides = long.pivot(index=["id", "statistics.team.id"], columns="type", values="value")
    together = sides.reset_index().rename(columns={"statistics.team.id": "team"})
    ids = fixtures[["fixture.id", "teams.home.id", "teams.away.id"]].set_axis(["id", "home", "away"], axis="columns")
    ids = ids.merge(together, left_on=["id", "home"], right_on=["id", "team"])
    wide = ids.merge(together, left_on=["id", "away"], right_on=["id", "team"], suffixes=("HomeTeam", "AwayTeam"))
    wide.to_csv(target / f"statistics-{season.name}.csv", index=False)


NORMALIZED = {
    "fixture.id": "idFixture",
    "fixture.status.long": "status",
    "fixture.date": "date",
    "teams.home.id": "idHomeTeam",
    "teams.away.id": "idAwayTeam",
    "goals.home": "goalsHomeTeam",
    "goals.away": "goalsAwayTeam",
    "league.round": "round",
}


def with_append(season: Path, target: Path) -> None:
    """Two tables of a season, row by row. `DataFrame.append`, which the document has, is `concat` today."""
    import pandas as pd

    fixtures = pd.DataFrame(columns=[*schemas.FIXTURE_COLUMNS])
    statistics = pd.DataFrame(columns=[*schemas.STATISTICS_COLUMNS])
    for item in response(season / "fixtures.json"):
        fixtures = pd.concat([fixtures, pd.DataFrame([fixture_row(item)])], ignore_index=True)
    for path in sorted(season.glob("ids-*.json")):
        for item in response(path):
            statistics = pd.concat([statistics, pd.DataFrame([statistics_row(item)])], ignore_index=True)
    fixtures.to_csv(target / f"fixtures-{season.name}.csv", index=False)
    statistics.to_csv(target / f"statistics-{season.name}.csv", index=False)


def fixture_row(item: Any) -> dict[str, Any]:
    """The document's columns of a fixture, and its round."""
    about, teams, goals = item["fixture"], item["teams"], item["goals"]
    date, time = about["date"][:10], about["date"][11:16]
    cells = (about["id"], about["status"]["long"], date, time, teams["home"]["id"], teams["away"]["id"])
    return dict(
        zip(schemas.FIXTURE_COLUMNS, (*cells, goals["home"], goals["away"], item["league"]["round"]), strict=True)
    )


def statistics_row(item: Any) -> dict[str, Any]:
    """The document's columns of a fixture's statistics, by their type."""
    home, away = ({one["type"]: one["value"] for one in side["statistics"]} for side in item["statistics"])
    ids = (item["fixture"]["id"], item["teams"]["home"]["id"], item["teams"]["away"]["id"])
    figures = (side[kind] for kind in (*REQUIRED_COUNTS, BALL_POSSESSION) for side in (home, away))
    return dict(zip(schemas.STATISTICS_COLUMNS, (*ids, *figures), strict=True))


WAYS: dict[str, Callable[[Path, Path], None]] = {
    "footlake": with_footlake,
    "json_normalize": with_json_normalize,
    "append": with_append,
}


def totals(folder: Path) -> tuple[int, int, int]:
    """Matches, goals and shots in a folder's CSVs."""
    fixtures, statistics = rows(folder, "fixtures"), rows(folder, "statistics")
    matches = goals = shots = 0
    for row in fixtures:
        matches += 1
        goals += int(row["goalsHomeTeam"]) + int(row["goalsAwayTeam"])
    for row in statistics:
        for team in ("HomeTeam", "AwayTeam"):
            shots += int(row[f"totalShots{team}"] if f"totalShots{team}" in row else row[f"{TOTAL_SHOTS}{team}"])
    return matches, goals, shots


def rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Every row of a table's files."""
    for path in folder.glob(f"{name}-*.csv"):
        with path.open(newline="") as file:
            yield from csv.DictReader(file)


if __name__ == "__main__":
    main()
