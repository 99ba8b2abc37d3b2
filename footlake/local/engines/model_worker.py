"""The child that trains with AutoGluon and scores with what it trained: `-m footlake.local.engines.model_worker`.

Autopilot's ENSEMBLING mode is AutoGluon: bagged models of several families and a weighted ensemble of them.
A request names what to `do`; what the data is to blame for comes back as `{"error": sentence}`.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import logging
import math
import os
import platform
import tarfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from footlake.local.engines.worker import serve

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_ROWS = 500  # "A minimum of 500 rows is required for the training dataset", CreateAutoMLJob
PREDICTORS_KEPT = 4
HISTOGRAM_BINS = 20

# SageMaker's names of the algorithms that AutoGluon has without further libraries.
ALGORITHMS = {"lightgbm": "GBM", "randomforest": "RF", "extra-trees": "XT", "linear-learner": "LR"}

# One process, one fold after another: the folds of a small table are not worth a cluster of processes.
FIT_SETTINGS: dict[str, Any] = {
    "num_bag_folds": 5,
    "num_bag_sets": 1,
    "num_stack_levels": 0,
    "num_gpus": 0,
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
}


class ProblemType(NamedTuple):
    """A problem type of Autopilot: AutoGluon's name for it, its metrics by AutoGluon's names, the default first."""

    autogluon: str
    metrics: Mapping[str, str]


PROBLEM_TYPES = {
    "Regression": ProblemType(
        "regression",
        {"MSE": "mean_squared_error", "RMSE": "root_mean_squared_error", "MAE": "mean_absolute_error", "R2": "r2"},
    ),
    "BinaryClassification": ProblemType(
        "binary", {"F1": "f1", "Accuracy": "accuracy", "BalancedAccuracy": "balanced_accuracy"}
    ),
    "MulticlassClassification": ProblemType(
        "multiclass", {"Accuracy": "accuracy", "BalancedAccuracy": "balanced_accuracy", "F1macro": "f1_macro"}
    ),
}
SMALLER_IS_BETTER = {"MSE", "RMSE", "MAE"}


class DataRejected(Exception):
    """The data cannot be used; the message says why."""


def analyse(files: Sequence[str], gzip: bool, target: str, problem: str | None) -> dict[str, Any]:
    """What the training data is: rows, problem type, and per column its kind and statistics."""
    data = _training_data(files, gzip, target)
    problem = problem or _inferred(data[target])
    truth = data[target]
    if problem == "Regression":
        truth = _numbers(truth, target)
    if len(data) < MINIMUM_ROWS:
        raise DataRejected(
            f"The training dataset has {len(data)} rows. A minimum of {MINIMUM_ROWS} rows is required for the "
            "training dataset."
        )
    if truth.nunique() < 2:
        raise DataRejected(f"The target attribute {target} has fewer than two different values.")
    columns = [_column(data[name], None if name == target else truth) for name in data.columns]
    return {"rows": len(data), "problem": problem, "columns": columns}


def train(
    files: Sequence[str],
    gzip: bool,
    target: str,
    problem: str,
    metric: str,
    algorithms: Sequence[str],
    candidates: int | None,
    seconds: float | None,
    seconds_per_model: float | None,
    folder: str,
) -> dict[str, Any]:
    """Trained candidates, the best first, each with its metrics on rows it had not seen and its `model.tar.gz`.

    `seconds` and `seconds_per_model` limit the training; `complete` tells whether everything asked for was trained.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    data = _training_data(files, gzip, target)
    if problem == "Regression":
        data[target] = _numbers(data[target], target)
    predictor = _new_predictor(target, problem, metric, Path(folder))
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        return {"candidates": [], "complete": False}
    limits = {"ag_args_fit": {"max_time_limit": seconds_per_model}} if seconds_per_model else {}
    predictor.fit(
        data,
        hyperparameters={algorithm: {} for algorithm in algorithms},
        time_limit=left,
        num_cpus=_cores(),
        raise_on_no_models_fitted=False,
        **FIT_SETTINGS,
        **limits,
    )
    names = predictor.model_names()
    trained = [_candidate(predictor, name, data, problem) for name in names]
    trained.sort(key=lambda one: one["metrics"][metric], reverse=metric not in SMALLER_IS_BETTER)
    kept = trained[:candidates]
    with _quiet():
        for candidate in kept:
            candidate["archive"] = str(_archive(predictor, candidate, data, problem, metric, Path(folder)))
    return {"candidates": kept, "complete": len(names) == len(algorithms) + 1}


_predictors: dict[str, tuple[Any, dict[str, Any]]] = {}


def predict(folder: str, rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The model's answer to each row, as text; the model stays loaded for the next call."""
    predictor, metadata = _loaded(folder)
    answers = predictor.predict(_features(rows, metadata))
    if metadata["problem"] != "Regression":
        return {"predictions": [str(answer) for answer in answers]}
    import numpy as np

    for number, answer in enumerate(answers):
        if not math.isfinite(answer):
            raise DataRejected(f"record {number}: the model has no finite prediction for {','.join(rows[number])}")
    return {"predictions": [np.format_float_positional(answer, trim="0") for answer in answers.to_numpy()]}


def _training_data(files: Sequence[str], gzip: bool, target: str) -> pd.DataFrame:
    """All files below each other; rows without a target cannot be learnt from."""
    import pandas as pd

    frames = []
    for file in files:
        try:
            frames.append(pd.read_csv(file, compression="gzip" if gzip else None))
        except (ValueError, OSError) as error:
            raise DataRejected(f"The training dataset cannot be read as CSV: {error}") from error
        if list(frames[-1].columns) != list(frames[0].columns):
            raise DataRejected("The objects of the training dataset do not have the same header.")
    data = pd.concat(frames, ignore_index=True)
    if target not in data.columns:
        raise DataRejected(f"Target attribute name {target} does not exist in header.")
    return data[data[target].notna()].reset_index(drop=True)


def _numbers(values: pd.Series[Any], name: str) -> pd.Series[Any]:
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.isna().any():
        example = values[numbers.isna()].iloc[0]
        raise DataRejected(
            f"The target attribute {name} must be numeric for a regression problem, but has {example!r}."
        )
    return numbers


def _inferred(target: pd.Series[Any]) -> str:
    from autogluon.core.utils import infer_problem_type

    found = infer_problem_type(target, silent=True)
    return next(name for name, problem in PROBLEM_TYPES.items() if problem.autogluon == found)


def _column(values: pd.Series[Any], target: pd.Series[Any] | None) -> dict[str, Any]:
    """One column's statistics, with its correlation to a numeric target."""
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    facts: dict[str, Any] = {
        "name": str(values.name),
        "numeric": bool(is_numeric_dtype(values)),
        "count": int(values.count()),
        "missing": int(values.isna().sum()),
        "unique": int(values.nunique()),
    }
    if not facts["numeric"]:
        return facts | {"frequent": [[str(value), int(n)] for value, n in values.value_counts().head(5).items()]}
    present = values.dropna().astype(float)
    quarters = present.quantile([0, 0.25, 0.5, 0.75, 1])
    for name, value in zip(("min", "q1", "median", "q3", "max"), quarters, strict=True):
        facts[name] = _finite(value)
    facts |= {"mean": _finite(present.mean()), "sd": _finite(present.std())}
    if facts["unique"] <= HISTOGRAM_BINS:
        facts["histogram"] = [[value, value, int(n)] for value, n in present.value_counts().sort_index().items()]
    else:
        counts, edges = np.histogram(present, bins=HISTOGRAM_BINS)
        facts["histogram"] = [
            [float(low), float(high), int(n)] for low, high, n in zip(edges, edges[1:], counts, strict=False)
        ]
    if target is not None and is_numeric_dtype(target) and facts["unique"] > 1:
        facts["correlation"] = _finite(values.corr(target))
    return facts


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cores() -> int:
    """The processor's cores that this process may use."""
    # macOS does not tell which.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _new_predictor(target: str, problem: str, metric: str, folder: Path) -> Any:
    from autogluon.tabular import TabularPredictor

    # Without torch there is nothing to miss: none of the algorithms needs it.
    logging.getLogger("autogluon.common.utils.resource_utils").addFilter(lambda line: "torch" not in line.getMessage())
    return TabularPredictor(
        label=target,
        problem_type=PROBLEM_TYPES[problem].autogluon,
        eval_metric=PROBLEM_TYPES[problem].metrics[metric],
        path=str(folder / "predictor"),
        verbosity=2,
        log_to_file=True,
        log_file_path=str(folder / "autogluon.log"),
    )


def _candidate(predictor: Any, model: str, data: pd.DataFrame, problem: str) -> dict[str, Any]:
    """A model's metrics from its out-of-fold predictions: each row scored by the folds that did not see it."""
    scores = predictor.evaluate_predictions(data[predictor.label], predictor.predict_oof(model), auxiliary_metrics=True)
    metrics = {
        name: float(-scores[theirs] if name in SMALLER_IS_BETTER else scores[theirs])  # AutoGluon's scores all grow
        for name, theirs in PROBLEM_TYPES[problem].metrics.items()
        if theirs in scores
    }
    return {"model": model, "metrics": metrics}


def _archive(
    predictor: Any, candidate: Mapping[str, Any], data: pd.DataFrame, problem: str, metric: str, folder: Path
) -> Path:
    """The `model.tar.gz` of one candidate: metadata.json, and in `predictor` the part of AutoGluon's that predicts."""
    from pandas.api.types import is_numeric_dtype

    model = candidate["model"]
    deployment = folder / "deployment" / model
    predictor.clone_for_deployment(str(deployment), model=model)
    features = [name for name in data.columns if name != predictor.label]
    metadata = {
        "features": features,
        "numeric": [name for name in features if is_numeric_dtype(data[name])],
        "target": predictor.label,
        "problem": problem,
        "model": model,
        "rows": len(data),
        "objective": metric,
        "metrics": candidate["metrics"],
        "libraries": library_versions(),
    }
    archive = folder / "archives" / f"{model}.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=4) as tar:
        tar.add(deployment, arcname="predictor")
        content = json.dumps(metadata, indent=1).encode()
        member = tarfile.TarInfo("metadata.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return archive


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what AutoGluon says of copying its folders out of the training's log."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def library_versions() -> dict[str, str]:
    """The versions that a model depends on."""
    libraries = ("autogluon.tabular", "lightgbm", "scikit-learn", "pandas", "numpy")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in libraries}


def _loaded(folder: str) -> tuple[Any, dict[str, Any]]:
    if folder not in _predictors:
        from autogluon.tabular import TabularPredictor

        metadata = json.loads((Path(folder) / "metadata.json").read_text())
        predictor = TabularPredictor.load(str(Path(folder) / "predictor"), verbosity=0)
        predictor.persist()
        while len(_predictors) >= PREDICTORS_KEPT:
            del _predictors[next(iter(_predictors))]
        _predictors[folder] = predictor, metadata
    return _predictors[folder]


def _features(rows: Sequence[Sequence[str]], metadata: Mapping[str, Any]) -> pd.DataFrame:
    """The rows as the model's features, by position; an empty cell is a missing value."""
    import pandas as pd

    names = metadata["features"]
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise DataRejected(
                f"record {number} has {len(row)} columns, the model expects {len(names)}: {', '.join(names)}"
            )
    data = pd.DataFrame(rows, columns=names).replace("", None)
    for name in metadata["numeric"]:
        numbers = pd.to_numeric(data[name], errors="coerce")
        wrong = (numbers.isna() & data[name].notna()) | numbers.abs().eq(math.inf)
        if wrong.any():
            number = int(wrong.to_numpy().argmax())
            raise DataRejected(f"record {number}: {name} must be a number, not {data[name].iloc[number]!r}")
        data[name] = numbers
    return data


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {"analyse": analyse, "train": train, "predict": predict}


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request of the parent."""
    action = ACTIONS[request.pop("do")]
    try:
        return action(**request)
    except DataRejected as refused:
        return {"error": str(refused)}
    except Exception as error:
        traceback.print_exc()
        return {"crash": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}


if __name__ == "__main__":
    serve(handle)
