"""How good the xGoals model is: trained on all recorded seasons but the last, tested on the last.

    python -m bench.evaluation RECORDINGS [--figure FILE]

Reads recorded API-Football answers (`fixtures-YEAR.json`, `statistics-YEAR.json`) as the pipeline does, trains with
its engine, once with the document's four features and once with every team statistic, and prints the evaluation of
each beside the baselines. Nothing is chosen by looking at the last season.
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
    """A row for each side of each fixture: goals, the four features, the further statistics, by fixture and side."""
    fixtures, _ = parse_fixtures(json.loads((recordings / f"fixtures-{year}.json").read_text())["response"])
    statistics = json.loads((recordings / f"statistics-{year}.json").read_text())
    rows = []
    for fixture in sorted(fixtures, key=lambda one: one.id):
        known = parse_statistics(fixture, statistics[str(fixture.id)]["response"])
        if known is None or not fixture.played:
            continue
        for team, goals in (("HomeTeam", fixture.goals_home), ("AwayTeam", fixture.goals_away)):
            every = known.row | known.extended_row
            of_team = {name.removesuffix(team).lower(): value for name, value in every.items() if name.endswith(team)}
            rows.append({evaluation.GOALS: goals, **of_team})
    return pd.DataFrame(rows).drop(columns="id").apply(pd.to_numeric)


def evaluations(recordings: Path) -> Iterator[tuple[str, evaluation.Evaluation]]:
    """The evaluation of each choice of features, by its name."""
    years = sorted(int(path.stem.removeprefix("fixtures-")) for path in recordings.glob("fixtures-*.json"))
    tables = {year: team_rows(recordings, year) for year in years}
    training, test = pd.concat(tables[year] for year in years[:-1]), tables[years[-1]]
    choices = {"default": schemas.FEATURES, "extended": (*schemas.FEATURES, *schemas.EXTENDED_FEATURES)}
    with local_trainer() as autogluon:
        for name, wanted in choices.items():
            features = [feature for feature in wanted if training[feature].notna().any()]
            columns = [evaluation.GOALS, *features]
            source = ("recordings", "training-set.csv")
            text = training[columns].to_csv(index=False)
            trained = autogluon.train(name, text, source, evaluation.GOALS, max_candidates=1, max_seconds=3600)
            archive = autogluon.folder / f"{name}.tar.gz"
            archive.write_bytes(trained.archive)
            rows = test[features].astype(object).where(test[features].notna(), "").astype(str).values.tolist()
            xg = autogluon.predict(autogluon.unpack(archive), rows)
            provided = [None if pd.isna(one) else float(one) for one in test[schemas.PROVIDERS_XG]]
            before, last = [str(year) for year in years[:-1]], [str(years[-1])]
            yield (
                name,
                evaluation.evaluate("xGoals", training[columns], test[columns], xg, before, last, provided),
            )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--figure", type=Path, help="write the picture of the last evaluation, as SVG")
    options = parser.parse_args()
    for name, judged in evaluations(options.recordings):
        print(f"--features {name}: " + "\n".join(evaluation.summary_lines(judged)) + "\n")
        if options.figure:
            options.figure.write_text(evaluation.evaluation_svg(judged))


if __name__ == "__main__":
    main()
