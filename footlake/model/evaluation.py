"""Evaluate a model's xG on seasons that it was not trained on, compared with simple baselines; table and chart."""

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
    """Errors of predicted goals: mean squared error with its standard error, mean absolute error, and R².

    R² is 1 minus the ratio of the squared error to that of predicting the mean of the training rows.
    """

    name: str
    rows: int
    mse: float
    mse_error: float
    mae: float
    r2: float


@dataclass(frozen=True)
class CalibrationBin:
    """A tenth of the rows in the order of their xG: mean xG, mean goals, and the standard error of the mean goals."""

    rows: int
    predicted: float
    goals: float
    goals_error: float


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model and its baselines on the seasons `tested_on`, after training on `trained_on` only."""

    trained_on: tuple[str, ...]
    trained_rows: int
    tested_on: tuple[str, ...]
    tested_rows: int
    scores: tuple[Score, ...]
    calibration: tuple[CalibrationBin, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation that a JSON document describes."""
        return cls(
            tuple(document["trained_on"]),
            document["trained_rows"],
            tuple(document["tested_on"]),
            document["tested_rows"],
            tuple(Score(**score) for score in document["scores"]),
            tuple(CalibrationBin(**group) for group in document["calibration"]),
        )


def evaluate(
    name: str,
    training: pd.DataFrame,
    test: pd.DataFrame,
    predicted: Sequence[float],
    trained_on: Sequence[str],
    tested_on: Sequence[str],
    providers_xg: Sequence[float | None] | None = None,
) -> Evaluation:
    """Evaluate the model `name`, given its predictions for the rows of `test`.

    Both tables have the column `goals` and the model's features. The baselines are the mean of the training rows, least
    squares, a Poisson regression with logarithmic link (all with the same features), and the provider's own xG on the
    rows that have one. Predictions below 0 count as 0.
    """
    import numpy as np

    goals = test[GOALS].to_numpy(float)
    mean = np.full(len(test), training[GOALS].to_numpy(float).mean())
    xg = np.clip(np.asarray(predicted, float), 0, None)
    linear, poisson = _fit_regressions(training, test)
    models = [(name, xg), ("mean", mean), ("linear", linear), ("Poisson", poisson)]
    scores = [_score(label, prediction, goals, mean) for label, prediction in models]
    provided = np.asarray([np.nan if value is None else value for value in providers_xg or [None] * len(test)], float)
    available = ~np.isnan(provided)
    if available.any():
        subset = (goals[available], mean[available])
        scores.append(_score("provider", provided[available], *subset))
        if not available.all():
            scores.append(_score(f"{name}, same rows", xg[available], *subset))
    calibration = _calibrate(xg, goals)
    return Evaluation(tuple(trained_on), len(training), tuple(tested_on), len(test), tuple(scores), calibration)


def _score(name: str, predicted: Numbers, goals: Numbers, mean: Numbers) -> Score:
    """Return the errors of predictions; `mean` is the prediction that R² compares them with."""
    errors = (predicted - goals) ** 2
    mse, mse_of_mean = float(errors.mean()), float(((mean - goals) ** 2).mean())
    mae = float(abs(predicted - goals).mean())
    r2 = 1 - mse / mse_of_mean if mse_of_mean else 0.0
    return Score(name, len(errors), mse, _standard_error(errors), mae, r2)


def _standard_error(values: Numbers) -> float:
    """Return the standard error of the mean; 0 for a single value."""
    return float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else 0.0


def _calibrate(xg: Numbers, goals: Numbers) -> tuple[CalibrationBin, ...]:
    """Return mean xG and mean goals of each tenth of the rows, by their xG."""
    import numpy as np

    groups = [rows for rows in np.array_split(np.argsort(xg, kind="stable"), GROUPS) if len(rows)]
    return tuple(
        CalibrationBin(len(rows), float(xg[rows].mean()), float(goals[rows].mean()), _standard_error(goals[rows]))
        for rows in groups
    )


def _fit_regressions(training: pd.DataFrame, test: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Return the predictions of least squares and of Poisson regression. A missing value is replaced by the mean."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression, PoissonRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = [column for column in training.columns if column != GOALS]

    def predict(regression: Any) -> Numbers:
        pipeline = make_pipeline(SimpleImputer(), StandardScaler(), regression)
        predicted: Numbers = pipeline.fit(training[features], training[GOALS]).predict(test[features]).clip(min=0)
        return predicted

    return predict(LinearRegression()), predict(PoissonRegressor(alpha=0, max_iter=1000))


def summary_lines(evaluation: Evaluation) -> Iterator[str]:
    """Yield the lines of the table for the terminal."""
    tested_on, trained_on = ", ".join(evaluation.tested_on), ", ".join(evaluation.trained_on)
    yield f"tested on {tested_on} ({evaluation.tested_rows} team rows), after training on {trained_on} only"
    width = max(len(score.name) for score in evaluation.scores)
    yield f"  {'':<{width}}  rows    MSE      ±    MAE     R²"
    for score in evaluation.scores:
        figures = f"{score.rows:>5}  {score.mse:.3f}  {score.mse_error:.3f}  {score.mae:.3f}  {score.r2:5.2f}"
        yield f"  {score.name:<{width}} {figures}"
    yield "calibration: mean xG and mean goals of each tenth of the rows, in order of xG"
    yield "  xG    " + "".join(f"{group.predicted:7.2f}" for group in evaluation.calibration)
    yield "  goals " + "".join(f"{group.goals:7.2f}" for group in evaluation.calibration)


STYLE = """
text{font:12px system-ui,sans-serif;fill:#1b1f24}.m{fill:#59636e}
.t{font-weight:600;font-size:13px}.bg{fill:#fff}
.g{stroke:#d1d9e0}.b{fill:#afb8c1}.o{fill:#0969da}.l{stroke:#59636e;stroke-dasharray:4 4}.e{stroke:#0969da}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}.g{stroke:#3d444d}.b{fill:#656c76}.o{fill:#4493f8}
.l{stroke:#9198a1}.e{stroke:#4493f8}.bg{fill:#0d1117}}
"""
WIDTH, HEIGHT = 760, 330


def evaluation_svg(evaluation: Evaluation) -> str:
    """Return the chart as SVG: bars of the squared errors, and goals against xG by tenths of the rows."""
    errors = "; ".join(f"{score.name} {score.mse:.3f}" for score in evaluation.scores)
    title = f"Mean squared error on {', '.join(evaluation.tested_on)}: {errors}"
    shapes = [*_error_bars(evaluation), *_calibration_plot(evaluation)]
    style = STYLE.replace("\n", "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><style>{style}</style>'
        f'<rect class="bg" width="{WIDTH}" height="{HEIGHT}"/>' + "".join(shapes) + "</svg>\n"
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _error_bars(evaluation: Evaluation) -> Iterator[str]:
    left, top, max_width, step = 138, 60, 170, min(40, 230 / len(evaluation.scores))
    max_mse = max(score.mse for score in evaluation.scores) or 1
    yield _text(16, 26, "Mean squared error", "t")
    subtitle = f"on {', '.join(evaluation.tested_on)}, {evaluation.tested_rows} rows: less is better"
    yield _text(16, 43, subtitle, "m")
    for number, score in enumerate(evaluation.scores):
        y, width = top + number * step, max_width * score.mse / max_mse
        yield _text(left - 8, y + step / 2 + 1, score.name, "", "end")
        box = f'x="{left}" y="{y + 4:.1f}" width="{width:.1f}" height="{step - 12:.1f}" rx="2"'
        yield f'<rect class="{"b" if number else "o"}" {box}/>'
        yield _text(left + width + 6, y + step / 2 + 1, f"{score.mse:.3f}", "m")


def _calibration_plot(evaluation: Evaluation) -> Iterator[str]:
    left, top, size = 430, 60, 230
    groups = evaluation.calibration
    most = 1.08 * max(max(group.predicted, group.goals + group.goals_error) for group in groups) or 1

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
    for group in groups:
        low, high = max(0.0, group.goals - group.goals_error), group.goals + group.goals_error
        title = f"xG {group.predicted:.2f}, goals {group.goals:.2f}, {group.rows} rows"
        yield f'<path class="e" d="M{x(group.predicted):.1f} {y(low):.1f}V{y(high):.1f}"/>'
        center = f'cx="{x(group.predicted):.1f}" cy="{y(group.goals):.1f}"'
        yield f'<circle class="o" {center} r="4.5"><title>{title}</title></circle>'
    yield _text(left + size / 2, top + size + 34, "xG", "m", "middle")
