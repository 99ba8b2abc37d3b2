"""Evaluate the xGoals model: train on all recorded seasons except the last, test on the last.

    python -m bench.evaluation RECORDINGS [--figure FILE]

Parses recorded API-Football responses (`fixtures-YEAR.json`, `statistics-YEAR.json`) as the pipeline does, trains with
its engine, once with the four features of the original walk-through and once with every team statistic, and prints
each evaluation with its baselines. No choice depends on the last season.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from footlake.football.fixtures import parse_fixtures
from footlake.football.statistics import parse_statistics
from footlake.lake import schemas
from footlake.local.engines.local_training import local_trainer
from footlake.model import evaluation


def team_rows(recordings: Path, year: int) -> pd.DataFrame:
    """Return one row per team and played fixture, ordered by fixture: goals, then every statistic as a number."""
    fixtures, _ = parse_fixtures(json.loads((recordings / f"fixtures-{year}.json").read_text())["response"])
    statistics = json.loads((recordings / f"statistics-{year}.json").read_text())
    rows = []
    for fixture in sorted(fixtures, key=lambda fixture: fixture.id):
        parsed = parse_statistics(fixture, statistics[str(fixture.id)]["response"])
        if parsed is None or not fixture.played:
            continue
        cells = parsed.row | parsed.extended_row
        for team, goals in (("HomeTeam", fixture.goals_home), ("AwayTeam", fixture.goals_away)):
            team_cells = {name.removesuffix(team).lower(): cell for name, cell in cells.items() if name.endswith(team)}
            rows.append({evaluation.GOALS: goals, **team_cells})
    table: pd.DataFrame = pd.DataFrame(rows).drop(columns="id").apply(pd.to_numeric)
    return table


def evaluations(recordings: Path) -> Iterator[tuple[str, evaluation.Evaluation]]:
    """Yield the name and the evaluation of each choice of features: `default` and `extended`."""
    years = sorted(int(path.stem.removeprefix("fixtures-")) for path in recordings.glob("fixtures-*.json"))
    tables = {year: team_rows(recordings, year) for year in years}
    training, test = pd.concat(tables[year] for year in years[:-1]), tables[years[-1]]
    choices = {"default": schemas.FEATURES, "extended": (*schemas.FEATURES, *schemas.EXTENDED_FEATURES)}
    with local_trainer() as autogluon:
        for name, candidates in choices.items():
            features = [feature for feature in candidates if training[feature].notna().any()]
            columns = [evaluation.GOALS, *features]
            source = ("recordings", "training-set.csv")
            text = training[columns].to_csv(index=False)
            trained = autogluon.train(name, text, source, evaluation.GOALS, max_candidates=1, max_seconds=3600)
            archive = autogluon.folder / f"{name}.tar.gz"
            archive.write_bytes(trained.archive)
            rows = test[features].astype(object).where(test[features].notna(), "").astype(str).values.tolist()
            predicted = autogluon.predict(autogluon.unpack(archive), rows)
            provided = [None if pd.isna(xg) else float(xg) for xg in test[schemas.PROVIDERS_XG]]
            training_years, test_years = [str(year) for year in years[:-1]], [str(years[-1])]
            yield (
                name,
                evaluation.evaluate(
                    "xGoals", training[columns], test[columns], predicted, training_years, test_years, provided
                ),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--figure", type=Path, help="write the chart of the last evaluation to this file (SVG)")
    options = parser.parse_args()
    for name, result in evaluations(options.recordings):
        print(f"--features {name}: " + "\n".join(evaluation.summary_lines(result)) + "\n")
        if options.figure:
            options.figure.write_text(evaluation.evaluation_svg(result))


if __name__ == "__main__":
    main()
