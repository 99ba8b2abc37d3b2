"""The AutoGluon process: trains models and predicts with them (`-m footlake.local.engines.model_worker`).

Autopilot's ENSEMBLING mode is AutoGluon: bagged models of several families and a weighted ensemble of them.
A request is `{"do": name of an action, **its arguments}`. The answer is the result of the action, `{"error": message}`
if the data is unusable, or `{"crash": message, "trace": traceback}` if the action failed otherwise.
"""

from __future__ import annotations

import io
import json
import logging
import math
import os
import tarfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footlake.local.engines.automl_settings import (
    PROBLEM_TYPES,
    SMALLER_IS_BETTER,
    fit_arguments,
    library_versions,
    predictor_arguments,
)
from footlake.local.engines.worker import serve

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_ROWS = 500  # "A minimum of 500 rows is required for the training dataset", CreateAutoMLJob
PREDICTORS_KEPT = 4
HISTOGRAM_BINS = 20
# The threads of LightGBM wait for each other at every split of a tree, which takes longer than the split of few rows.
ROWS_FOR_SEVERAL_CORES = 10_000


class DataRejected(Exception):
    """The data is unusable; the message is the reason."""


def load() -> dict[str, Any]:
    """Import the libraries, so that the first training or prediction does not wait for them."""
    import autogluon.tabular  # noqa: F401
    import lightgbm  # noqa: F401
    import sklearn.ensemble  # noqa: F401

    return {}


def analyse(files: Sequence[str], gzip: bool, target: str, problem: str | None) -> dict[str, Any]:
    """Describe CSV files of training data: number of rows, problem type, and statistics per column.

    The problem type is inferred from the target column if `problem` is None. Raises DataRejected.
    """
    data = _read_training_data(files, gzip, target)
    problem = problem or _infer_problem(data[target])
    target_values = _to_numbers(data[target]) if problem == "Regression" else data[target]
    if len(data) < MINIMUM_ROWS:
        raise DataRejected(
            f"The training dataset has {len(data)} rows. A minimum of {MINIMUM_ROWS} rows is required for the "
            "training dataset."
        )
    if target_values.nunique() < 2:
        raise DataRejected(f"The target attribute {target} has fewer than two different values.")
    columns = [_describe_column(data[name], None if name == target else target_values) for name in data.columns]
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
    """Train models and return at most `candidates` of them, the best by `metric` first.

    Each has its metrics on out-of-fold predictions and the path of its `model.tar.gz` in `folder`. `seconds` limits the
    training, `seconds_per_model` that of each model. `complete` is false if a limit kept models from being trained.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    data = _read_training_data(files, gzip, target)
    if problem == "Regression":
        data[target] = _to_numbers(data[target])
    predictor = _create_predictor(target, problem, metric, Path(folder))
    seconds_left = None if deadline is None else deadline - time.monotonic()
    if seconds_left is not None and seconds_left <= 0:
        return {"candidates": [], "complete": False}
    limits = {"ag_args_fit": {"max_time_limit": seconds_per_model}} if seconds_per_model else {}
    predictor.fit(
        data,
        time_limit=seconds_left,
        num_cpus=_count_cores() if len(data) >= ROWS_FOR_SEVERAL_CORES else 1,
        raise_on_no_models_fitted=False,
        **fit_arguments(algorithms),
        **limits,
    )
    names = predictor.model_names()
    trained = [_evaluate_model(predictor, name, data, problem) for name in names]
    trained.sort(key=lambda candidate: candidate["metrics"][metric], reverse=metric not in SMALLER_IS_BETTER)
    best = trained[:candidates]
    with _suppress_warnings():
        for candidate in best:
            candidate["archive"] = str(_archive_model(predictor, candidate, data, problem, metric, Path(folder)))
    return {"candidates": best, "complete": len(names) == len(algorithms) + 1}


_predictors: dict[str, tuple[Any, dict[str, Any]]] = {}


def predict(folder: str, rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the prediction for each row as text, from the model extracted in `folder`, which stays loaded.

    Raises DataRejected for unusable rows.
    """
    predictor, metadata = _load_model(folder)
    predictions = predictor.predict(_to_features(rows, metadata))
    if metadata["problem"] != "Regression":
        return {"predictions": [str(prediction) for prediction in predictions]}
    import numpy as np

    return {"predictions": [np.format_float_positional(number, trim="0") for number in predictions.to_numpy()]}


def _read_training_data(files: Sequence[str], gzip: bool, target: str) -> pd.DataFrame:
    """Return the rows of all files that have a value in the target column."""
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


def _to_numbers(target: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    numbers = pd.to_numeric(target, errors="coerce")
    if numbers.isna().any():
        example = target[numbers.isna()].iloc[0]
        raise DataRejected(
            f"The target attribute {target.name} must be numeric for a regression problem, but has {example!r}."
        )
    return numbers


def _infer_problem(target: pd.Series[Any]) -> str:
    from autogluon.core.utils import infer_problem_type

    inferred = infer_problem_type(target, silent=True)
    return next(name for name, problem in PROBLEM_TYPES.items() if problem.autogluon == inferred)


def _describe_column(values: pd.Series[Any], target: pd.Series[Any] | None) -> dict[str, Any]:
    """Return the statistics of a column, with its correlation to a numeric target."""
    from pandas.api.types import is_numeric_dtype

    statistics: dict[str, Any] = {
        "name": str(values.name),
        "numeric": bool(is_numeric_dtype(values)),
        "count": int(values.count()),
        "missing": int(values.isna().sum()),
        "unique": int(values.nunique()),
    }
    if not statistics["numeric"]:
        return statistics | {"frequent": [[str(value), int(n)] for value, n in values.value_counts().head(5).items()]}
    present = values.dropna().astype(float)
    quartiles = present.quantile([0, 0.25, 0.5, 0.75, 1])
    for name, value in zip(("min", "q1", "median", "q3", "max"), quartiles, strict=True):
        statistics[name] = _finite(value)
    statistics |= {"mean": _finite(present.mean()), "sd": _finite(present.std())}
    statistics["histogram"] = _histogram(present)
    if target is not None and is_numeric_dtype(target) and statistics["unique"] > 1:
        statistics["correlation"] = _finite(values.corr(target))
    return statistics


def _histogram(values: pd.Series[Any]) -> list[list[Any]]:
    """Return bins as lowest value, highest value and count; a bin per value if there are few values."""
    import numpy as np

    if values.nunique() <= HISTOGRAM_BINS:
        return [[value, value, int(n)] for value, n in values.value_counts().sort_index().items()]
    counts, edges = np.histogram(values, bins=HISTOGRAM_BINS)
    return [[float(low), float(high), int(n)] for low, high, n in zip(edges, edges[1:], counts, strict=False)]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _count_cores() -> int:
    """Return the number of cores available to this process; on macOS, all cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _create_predictor(target: str, problem: str, metric: str, folder: Path) -> Any:
    from autogluon.tabular import TabularPredictor

    logging.getLogger("autogluon.common.utils.resource_utils").addFilter(_is_relevant)
    # AutoGluon would write to the log of each training in this process.
    logger = logging.getLogger("autogluon")
    for handler in [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler)]:
        logger.removeHandler(handler)
        handler.close()
    return TabularPredictor(
        **predictor_arguments(target, problem, metric),
        path=str(folder / "predictor"),
        verbosity=2,
        log_to_file=True,
        log_file_path=str(folder / "autogluon.log"),
    )


def _is_relevant(record: logging.LogRecord) -> bool:
    """Return whether a log record is not about torch, which is missing and which none of the algorithms needs."""
    return "torch" not in record.getMessage()


def _evaluate_model(predictor: Any, model: str, data: pd.DataFrame, problem: str) -> dict[str, Any]:
    """Return a model's metrics from its out-of-fold predictions: each row is scored by folds not trained on it."""
    scores = predictor.evaluate_predictions(data[predictor.label], predictor.predict_oof(model), auxiliary_metrics=True)
    metrics = {
        # AutoGluon negates the metrics of which smaller values are better.
        name: float(-scores[autogluon_name] if name in SMALLER_IS_BETTER else scores[autogluon_name])
        for name, autogluon_name in PROBLEM_TYPES[problem].metrics.items()
        if autogluon_name in scores
    }
    return {"model": model, "metrics": metrics}


def _archive_model(
    predictor: Any, candidate: Mapping[str, Any], data: pd.DataFrame, problem: str, metric: str, folder: Path
) -> Path:
    """Create the `model.tar.gz` of a candidate: metadata.json and AutoGluon's files for prediction in `predictor/`."""
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
def _suppress_warnings() -> Iterator[None]:
    """Keep AutoGluon's warnings on copied folders out of the training log."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _load_model(folder: str) -> tuple[Any, dict[str, Any]]:
    if folder not in _predictors:
        from autogluon.tabular import TabularPredictor

        metadata = json.loads((Path(folder) / "metadata.json").read_text(encoding="utf-8"))
        predictor = TabularPredictor.load(str(Path(folder) / "predictor"), verbosity=0)
        predictor.persist()
        while len(_predictors) >= PREDICTORS_KEPT:
            del _predictors[next(iter(_predictors))]
        _predictors[folder] = predictor, metadata
    return _predictors[folder]


def _to_features(rows: Sequence[Sequence[str]], metadata: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows as a table of the model's features, in their order; an empty cell is a missing value."""
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
        invalid = (numbers.isna() & data[name].notna()) | numbers.abs().eq(math.inf)
        if invalid.any():
            number = int(invalid.to_numpy().argmax())
            raise DataRejected(f"record {number}: {name} must be a number, not {data[name].iloc[number]!r}")
        data[name] = numbers
    return data


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "load": load,
    "analyse": analyse,
    "train": train,
    "predict": predict,
}


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request of the parent process."""
    action = ACTIONS[request.pop("do")]
    try:
        return action(**request)
    except DataRejected as error:
        return {"error": str(error)}
    except Exception as error:
        traceback.print_exc()
        return {"crash": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}


if __name__ == "__main__":
    serve(handle)
