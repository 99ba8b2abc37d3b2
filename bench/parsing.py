"""Measure converting the football API's responses to the lake's CSV tables, compared with pandas on the same files.

    python -m bench.parsing [--seasons 1 30] [--times 3]

Claims: time grows linearly with the seasons, parsing is at least as fast as `pandas.json_normalize`, and memory does
not grow with the number of files. Each method reads the same files (a season's fixtures, then twenty matches with
statistics per file, as the API responds) and writes CSV:

- footlake: the handlers' work between a response and S3: every value checked, parts of ten fixtures, three tables;
- json_normalize: a season's columns at once, no checks, one table of fixtures and one of statistics;
- append: as in the original walk-through, one row at a time appended to a data frame.

The results must have the same matches, goals and shots. Left out: network and S3.
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

from bench.measure import Claim, best_seconds, format_claims, markdown_section, measure_peak
from footlake.football.api import IDS_PER_REQUEST
from footlake.football.fixtures import Fixture, parse_fixtures
from footlake.football.statistics import BALL_POSSESSION, REQUIRED_COUNTS, TOTAL_SHOTS, parse_statistics
from footlake.lake import s3_keys, schemas
from footlake.lake.tables import merge_rows
from footlake.local.football.simulator import YEARS, Simulator

LEAGUES_OF_TWENTY = (39, 135, 140)
FIXTURES_PER_SEASON = 380
AFTER_SEASONS = datetime(2200, 1, 1, tzinfo=UTC)
MAX_SEASONS = {"append": 1}  # its time per fixture does not depend on the number of seasons
MAX_GROWTH_MIB = 10
MAX_SLOWDOWN = 1.3
Figures = dict[str, dict[int, float]]  # by method and number of seasons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seasons", type=int, nargs="+", default=[1, 30])
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    sizes = sorted(options.seasons)
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        print(format_report(sizes, *measure_methods(Path(folder), sizes, options.times)))


def measure_methods(folder: Path, sizes: list[int], times: int) -> tuple[Figures, Figures]:
    """Return fixtures per second and peak MiB by method and number of seasons."""
    responses = folder / "responses"
    write_responses(responses, max(sizes))
    rates: Figures = defaultdict(dict)
    memory: Figures = defaultdict(dict)
    for method, size in product(METHODS, sizes):
        if size <= MAX_SEASONS.get(method, size):
            target = folder / f"{method}-{size}"
            work = partial(convert, method, responses, target, size)
            _, memory[method][size] = measure_peak(work)
            rates[method][size] = size * FIXTURES_PER_SEASON / best_seconds(work, times)
            assert sum_contents(target) == sum_contents(folder / f"footlake-{size}"), method
    return rates, memory


def format_report(sizes: list[int], rates: Figures, memory: Figures) -> str:
    """Format the section and the claims."""
    footlake = rates["footlake"]
    rows = []
    for size, method in product(sizes, METHODS):
        if size in rates[method]:
            ratio = "—" if method == "footlake" else f"{footlake[size] / rates[method][size]:.2f} ×"
            rows.append((size, method, rates[method][size], memory[method][size], ratio))
    slowest, fastest = min(footlake.values()), max(footlake.values())
    growth = memory["footlake"][sizes[-1]] - memory["footlake"][sizes[0]]
    lead = min(footlake[size] / rates["json_normalize"][size] for size in sizes)
    slowdown = footlake[sizes[0]] / footlake[sizes[-1]]
    text = (
        f"footlake converts between {slowest:,.0f} and {fastest:,.0f} fixtures per second for any number of seasons."
        f" This is at least {lead:.2f} × the rate of json_normalize, with every value checked. From {sizes[0]} to"
        f" {sizes[-1]} seasons memory grows by {growth:.0f} MiB."
    )
    claims = [
        Claim("Parsing is at least as fast as `pandas.json_normalize`", f"{lead:.2f} ×", "≥ 1 ×", lead >= 1),
        Claim(
            f"Parsing time grows linearly: time per fixture with {sizes[-1]} seasons compared with {sizes[0]}",
            f"{slowdown:.2f} ×",
            f"≤ {MAX_SLOWDOWN} ×",
            slowdown <= MAX_SLOWDOWN,
        ),
        Claim(
            f"Parsing memory does not grow with the files: growth from {sizes[0]} to {sizes[-1]} seasons",
            f"{growth:.0f} MiB",
            f"≤ {MAX_GROWTH_MIB} MiB",
            growth <= MAX_GROWTH_MIB,
        ),
    ]
    columns = ("seasons", "method", "fixtures per second", "peak MiB", "footlake's rate ÷ this")
    return markdown_section("Parsing and CSV", columns, rows, text) + format_claims(claims)


def write_responses(responses: Path, seasons: int) -> None:
    """Write a folder per simulated season with a file per response of the API."""
    simulator = Simulator()
    for league, year in list(product(LEAGUES_OF_TWENTY, YEARS))[:seasons]:
        folder = responses / f"{league}-{year}"
        folder.mkdir(parents=True)
        fixtures = simulator.fixtures(league, year, AFTER_SEASONS)
        (folder / "fixtures.json").write_text(json.dumps({"errors": [], "response": fixtures}))
        for start in range(0, len(fixtures), IDS_PER_REQUEST):
            items = [
                item | {"statistics": simulator.statistics(item["fixture"]["id"], AFTER_SEASONS)}
                for item in fixtures[start : start + IDS_PER_REQUEST]
            ]
            (folder / f"ids-{start:03}.json").write_text(json.dumps({"errors": [], "response": items}))


def convert(method: str, responses: Path, target: Path, seasons: int) -> None:
    """Convert this number of seasons to CSV files in a new folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for season in sorted(responses.iterdir())[:seasons]:
        METHODS[method](season, target)


def read_response(path: Path) -> list[Any]:
    """Return the items of a response."""
    items: list[Any] = json.loads(path.read_text())["response"]
    return items


def convert_with_footlake(season: Path, target: Path) -> None:
    """Write the three tables, one response at a time."""
    fixtures, _ = parse_fixtures(read_response(season / "fixtures.json"))
    write_parts(target, "fixtures", schemas.FIXTURE_COLUMNS, ((fixture, fixture.row) for fixture in fixtures))
    fixtures_by_id = {fixture.id: fixture for fixture in fixtures}
    for path in season.glob("ids-*.json"):
        parsed = []
        for item in read_response(path):
            fixture = fixtures_by_id[item["fixture"]["id"]]
            statistics = parse_statistics(fixture, item["statistics"])
            assert statistics
            parsed.append((fixture, statistics))
        rows = ((fixture, statistics.row) for fixture, statistics in parsed)
        write_parts(target, "statistics", schemas.STATISTICS_COLUMNS, rows)
        extended_rows = ((fixture, statistics.extended_row) for fixture, statistics in parsed)
        write_parts(target, "extended", schemas.EXTENDED_COLUMNS, extended_rows)


def write_parts(
    target: Path, name: str, columns: tuple[str, ...], rows: Iterable[tuple[Fixture, Mapping[str, str]]]
) -> None:
    """Merge rows into the files of their parts, as the handlers merge them into objects."""
    parts: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for fixture, row in rows:
        parts[s3_keys.part_of(fixture.season, fixture.id)].append(row)
    for part, part_rows in parts.items():
        path = target / f"{name}-{part}.csv"
        path.write_text(merge_rows(columns, part_rows, path.read_text() if path.exists() else None))


def convert_with_json_normalize(season: Path, target: Path) -> None:
    """Write two tables of a season with `json_normalize` and joins."""
    import pandas as pd

    fixtures = pd.json_normalize(read_response(season / "fixtures.json"))
    fixtures[[*NORMALIZED]].rename(columns=NORMALIZED).to_csv(target / f"fixtures-{season.name}.csv", index=False)
    items = [item for path in sorted(season.glob("ids-*.json")) for item in read_response(path)]
    long = pd.json_normalize(items, ["statistics", "statistics"], ["fixture", ["statistics", "team", "id"]])
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


def convert_with_append(season: Path, target: Path) -> None:
    """Write two tables of a season row by row. `concat` replaces the walk-through's `DataFrame.append`."""
    import pandas as pd

    fixtures = pd.DataFrame(columns=[*schemas.FIXTURE_COLUMNS])
    statistics = pd.DataFrame(columns=[*schemas.STATISTICS_COLUMNS])
    for item in read_response(season / "fixtures.json"):
        fixtures = pd.concat([fixtures, pd.DataFrame([create_fixture_row(item)])], ignore_index=True)
    for path in sorted(season.glob("ids-*.json")):
        for item in read_response(path):
            statistics = pd.concat([statistics, pd.DataFrame([create_statistics_row(item)])], ignore_index=True)
    fixtures.to_csv(target / f"fixtures-{season.name}.csv", index=False)
    statistics.to_csv(target / f"statistics-{season.name}.csv", index=False)


def create_fixture_row(item: Any) -> dict[str, Any]:
    """Return a fixture's cells in the walk-through's columns, and its round."""
    fixture, teams, goals = item["fixture"], item["teams"], item["goals"]
    date, time = fixture["date"][:10], fixture["date"][11:16]
    cells = (fixture["id"], fixture["status"]["long"], date, time, teams["home"]["id"], teams["away"]["id"])
    return dict(
        zip(schemas.FIXTURE_COLUMNS, (*cells, goals["home"], goals["away"], item["league"]["round"]), strict=True)
    )


def create_statistics_row(item: Any) -> dict[str, Any]:
    """Return a fixture's statistics in the walk-through's columns."""
    home, away = ({entry["type"]: entry["value"] for entry in side["statistics"]} for side in item["statistics"])
    ids = (item["fixture"]["id"], item["teams"]["home"]["id"], item["teams"]["away"]["id"])
    values = (side[kind] for kind in (*REQUIRED_COUNTS, BALL_POSSESSION) for side in (home, away))
    return dict(zip(schemas.STATISTICS_COLUMNS, (*ids, *values), strict=True))


METHODS: dict[str, Callable[[Path, Path], None]] = {
    "footlake": convert_with_footlake,
    "json_normalize": convert_with_json_normalize,
    "append": convert_with_append,
}


def sum_contents(folder: Path) -> tuple[int, int, int]:
    """Return the numbers of matches, goals and shots in a folder's CSV files."""
    matches = goals = shots = 0
    for row in read_rows(folder, "fixtures"):
        matches += 1
        goals += int(row["goalsHomeTeam"]) + int(row["goalsAwayTeam"])
    for row in read_rows(folder, "statistics"):
        for team in ("HomeTeam", "AwayTeam"):
            shots += int(row[f"totalShots{team}"] if f"totalShots{team}" in row else row[f"{TOTAL_SHOTS}{team}"])
    return matches, goals, shots


def read_rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of all files of a table."""
    for path in folder.glob(f"{name}-*.csv"):
        with path.open(newline="") as file:
            yield from csv.DictReader(file)


if __name__ == "__main__":
    main()
