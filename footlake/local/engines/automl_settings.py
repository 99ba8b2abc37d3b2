"""The AutoGluon settings with which Autopilot trains: problem types, metrics, algorithms and library versions."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# SageMaker's names of the algorithms that AutoGluon offers without further libraries.
ALGORITHMS = {"lightgbm": "GBM", "randomforest": "RF", "extra-trees": "XT", "linear-learner": "LR"}


class ProblemType(NamedTuple):
    """AutoGluon's names of an Autopilot problem type and of its metrics; the first metric is the default."""

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


def predictor_arguments(target: str, problem: str, metric: str) -> dict[str, Any]:
    """Return the arguments of AutoGluon's TabularPredictor, for Autopilot's names of problem type and metric."""
    problem_type = PROBLEM_TYPES[problem]
    return {"label": target, "problem_type": problem_type.autogluon, "eval_metric": problem_type.metrics[metric]}


def fit_arguments(algorithms: Iterable[str]) -> dict[str, Any]:
    """Return the arguments of TabularPredictor.fit, for AutoGluon's names of the algorithms.

    Folds are trained in sequence in one process, because a cluster of processes does not pay for small tables.
    """
    return {
        "hyperparameters": {algorithm: {} for algorithm in algorithms},
        "num_bag_folds": 5,
        "num_bag_sets": 1,
        "num_stack_levels": 0,
        "num_gpus": 0,
        "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
    }


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a model depends on."""
    libraries = ("autogluon.tabular", "lightgbm", "scikit-learn", "pandas", "numpy")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in libraries}
