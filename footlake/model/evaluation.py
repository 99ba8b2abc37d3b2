"""How good a model's xG is on seasons that it was not trained on, beside what is simpler: figures, table, picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

GOALS = "goals"
GROUPS = 10


@dataclass(frozen=True)
class Score:
    """How far predictions are from goals: mean squared error and its standard error, mean absolute error, and R².

    R² is the share of the squared error that is gone, compared with predicting the mean of the training rows.
    """

    name: str
    rows: int
    mse: float
    mse_error: float
    mae: float
    r2: float


@dataclass(frozen=True)
class CalibrationBin:
    """A tenth of the rows, by their xG: the means of xG and goals, and the standard error of the latter."""

    rows: int
    predicted: float
    goals: float
    goals_error: float


@dataclass(frozen=True)
class Evaluation:
    """A model and its baselines on the seasons `tested_on`; all learnt from the seasons `trained_on` alone."""

    trained_on: tuple[str, ...]
    trained_rows: int
    tested_on: tuple[str, ...]
    tested_rows: int
    scores: tuple[Score, ...]
    calibration: tuple[CalibrationBin, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Evaluation:
        """An evaluation from its JSON document."""
        return cls(
            tuple(document["trained_on"]),
            document["trained_rows"],
            tuple(document["tested_on"]),
            document["tested_rows"],
            tuple(Score(**one) for one in document["scores"]),
            tuple(CalibrationBin(**one) for one in document["calibration"]),
        )


def evaluate(
    name: str,
    training: pd.DataFrame,
    test: pd.DataFrame,
    predicted: Sequence[float],
    trained_on: Sequence[str],
    tested_on: Sequence[str],
    provided: Sequence[float | None] | None = None,
) -> Evaluation:
    """The evaluation of what the model `name` `predicted` for the rows of `test`.

    Both tables have the column `goals` and the model's features. The baselines are the mean of the training rows,
    least squares, a Poisson regression with its logarithmic link, all from the same features, and the provider's own
    xG of the rows for which it is `provided`. Nobody predicts less than 0.
    """
    import numpy as np

    goals, truth = training[GOALS].to_numpy(float), test[GOALS].to_numpy(float)
    mean = np.full(len(test), goals.mean())
    xg = np.clip(np.asarray(predicted, float), 0, None)
    linear, poisson = _regressions(training, test)

    def score(name: str, guess: Numbers, rows: Any = slice(None)) -> Score:
        errors = (guess - truth)[rows] ** 2
        spread = float(errors.std(ddof=1) / np.sqrt(len(errors))) if len(errors) > 1 else 0.0
        of_mean = float(((mean - truth)[rows] ** 2).mean())
        mse = float(errors.mean())
        absolute = float(np.abs((guess - truth)[rows]).mean())
        return Score(name, len(errors), mse, spread, absolute, 1 - mse / of_mean if of_mean else 0.0)

    scores = [score(name, xg), score("mean", mean), score("linear", linear), score("Poisson", poisson)]
    theirs = np.asarray([np.nan if one is None else one for one in provided or [None] * len(test)], float)
    known = ~np.isnan(theirs)
    if known.any():
        scores.append(score("provider", theirs, known))
        if not known.all():
            scores.append(score(f"{name}, same rows", xg, known))
    groups = []
    for rows in np.array_split(np.argsort(xg, kind="stable"), GROUPS):
        if len(rows):
            error = float(truth[rows].std(ddof=1) / np.sqrt(len(rows))) if len(rows) > 1 else 0.0
            groups.append(CalibrationBin(len(rows), float(xg[rows].mean()), float(truth[rows].mean()), error))
    return Evaluation(tuple(trained_on), len(training), tuple(tested_on), len(test), tuple(scores), tuple(groups))


def _regressions(training: pd.DataFrame, test: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """What least squares and Poisson regression predict; a value that is missing is taken for the mean."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, PoissonRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = [column for column in training.columns if column != GOALS]
    guesses = []
    for regression in (LinearRegression(), PoissonRegressor(alpha=0, max_iter=1000)):
        fitted = make_pipeline(SimpleImputer(), StandardScaler(), regression).fit(training[features], training[GOALS])
        guesses.append(fitted.predict(test[features]).clip(min=0))
    return guesses[0], guesses[1]


def summary_lines(evaluation: Evaluation) -> Iterator[str]:
    """The table for people."""
    one = evaluation
    yield f"tested on {', '.join(one.tested_on)} ({one.tested_rows} rows), trained on {', '.join(one.trained_on)} only"
    width = max(len(score.name) for score in one.scores)
    yield f"  {'':<{width}}  rows    MSE      ±    MAE     R²"
    for score in one.scores:
        figures = f"{score.rows:>5}  {score.mse:.3f}  {score.mse_error:.3f}  {score.mae:.3f}  {score.r2:5.2f}"
        yield f"  {score.name:<{width}} {figures}"
    yield "calibration by tenths of the rows, from the lowest xG to the highest"
    yield "  xG    " + "".join(f"{group.predicted:7.2f}" for group in one.calibration)
    yield "  goals " + "".join(f"{group.goals:7.2f}" for group in one.calibration)


STYLE = """
text{font:12px system-ui,sans-serif;fill:#1b1f24}.m{fill:#59636e}
.t{font-weight:600;font-size:13px}.bg{fill:#fff}
.g{stroke:#d1d9e0}.b{fill:#afb8c1}.o{fill:#0969da}.l{stroke:#59636e;stroke-dasharray:4 4}.e{stroke:#0969da}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}.g{stroke:#3d444d}.b{fill:#656c76}.o{fill:#4493f8}
.l{stroke:#9198a1}.e{stroke:#4493f8}.bg{fill:#0d1117}}
"""
WIDTH, HEIGHT = 760, 330


def evaluation_svg(evaluation: Evaluation) -> str:
    """The picture, as SVG: the squared errors beside each other, and goals against xG by tenths of the rows."""
    one = evaluation
    told = "; ".join(f"{score.name} {score.mse:.3f}" for score in one.scores)
    title = f"Mean squared error on {', '.join(one.tested_on)}: {told}"
    shapes = [*_bars(one), *_calibration(one)]
    style = STYLE.replace("\n", "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><style>{style}</style>'
        f'<rect class="bg" width="{WIDTH}" height="{HEIGHT}"/>' + "".join(shapes) + "</svg>\n"
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _bars(one: Evaluation) -> Iterator[str]:
    left, top, room, step = 138, 60, 170, min(40, 230 / len(one.scores))
    most = max(score.mse for score in one.scores) or 1
    yield _text(16, 26, "Mean squared error", "t")
    yield _text(16, 43, f"on {', '.join(one.tested_on)}, {one.tested_rows} rows: less is better", "m")
    for number, score in enumerate(one.scores):
        y, long = top + number * step, room * score.mse / most
        yield _text(left - 8, y + step / 2 + 1, score.name, "", "end")
        box = f'x="{left}" y="{y + 4:.1f}" width="{long:.1f}" height="{step - 12:.1f}" rx="2"'
        yield f'<rect class="{"b" if number else "o"}" {box}/>'
        yield _text(left + long + 6, y + step / 2 + 1, f"{score.mse:.3f}", "m")


def _calibration(one: Evaluation) -> Iterator[str]:
    left, top, size = 430, 60, 230
    most = 1.08 * max(max(group.predicted, group.goals + group.goals_error) for group in one.calibration) or 1

    def x(value: float) -> float:
        return left + size * value / most

    def y(value: float) -> float:
        return top + size - size * value / most

    yield _text(left - 30, 26, "Calibration", "t")
    yield _text(left - 30, 43, "mean goals by tenths of the rows, ± 1 standard error", "m")
    for tick in range(int(most) + 1):
        yield f'<path class="g" d="M{x(0):.1f} {y(tick):.1f}H{x(most):.1f}M{x(tick):.1f} {y(0):.1f}V{y(most):.1f}"/>'
        yield _text(left - 8, y(tick) + 4, str(tick), "m", "end") + _text(x(tick), y(0) + 17, str(tick), "m", "middle")
    yield f'<path class="l" d="M{x(0):.1f} {y(0):.1f}L{x(most):.1f} {y(most):.1f}"/>'
    for group in one.calibration:
        low, high = max(0.0, group.goals - group.goals_error), group.goals + group.goals_error
        told = f"xG {group.predicted:.2f}, goals {group.goals:.2f}, {group.rows} rows"
        yield f'<path class="e" d="M{x(group.predicted):.1f} {y(low):.1f}V{y(high):.1f}"/>'
        at = f'cx="{x(group.predicted):.1f}" cy="{y(group.goals):.1f}"'
        yield f'<circle class="o" {at} r="4.5"><title>{told}</title></circle>'
    yield _text(left + size / 2, top + size + 34, "xG", "m", "middle")
