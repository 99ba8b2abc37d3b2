"""The two notebooks that an Autopilot job creates: a description of its data, and the code to repeat its training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from footlake.local.engines.automl_settings import fit_arguments, library_versions, predictor_arguments

BAR_WIDTH = 40
MEASURES = ("count", "missing", "mean", "sd", "min", "q1", "median", "q3", "max")

_LOAD_DATA = """\
import io

import boto3
import pandas as pd

S3 = boto3.client("s3")
SOURCES = {sources}
objects = [S3.get_object(Bucket=bucket, Key=key)['Body'].read() for bucket, key in SOURCES]
data = pd.concat([pd.read_csv(io.BytesIO(content){options}) for content in objects], ignore_index=True)
{expression}"""

_TRAIN = """\
from autogluon.tabular import TabularPredictor

predictor = TabularPredictor(**{predictor})
predictor.fit(data, **{fit})
predictor.leaderboard()"""

Cell = dict[str, Any]
Column = Mapping[str, Any]


@dataclass(frozen=True)
class TrainingData:
    """The data of a training job: bucket and key of each CSV object, their compression, and the target column."""

    job: str
    objects: Sequence[tuple[str, str]]
    gzip: bool
    target: str

    def load_cell(self, expression: str) -> Cell:
        """Return a code cell that loads the data and shows the value of `expression`."""
        options = ', compression="gzip"' if self.gzip else ""
        sources = pformat([tuple(source) for source in self.objects])
        return _code(_LOAD_DATA.format(sources=sources, options=options, expression=expression))


def data_exploration(data: TrainingData, analysis: Mapping[str, Any]) -> str:
    """Return the data exploration notebook as nbformat 4 JSON. `analysis` is the result of `model_worker.analyse`."""
    numeric = [column for column in analysis["columns"] if column["numeric"]]
    others = [column for column in analysis["columns"] if not column["numeric"]]
    rows = [[column["name"], *(column[measure] for measure in MEASURES)] for column in numeric]
    return _notebook(
        [
            _overview_cell(data, analysis),
            data.load_cell("data.describe()"),
            _text("## Numeric columns", _table(("column", *MEASURES), rows)),
            *_other_columns_cells(others),
            *_correlation_cells(numeric, data.target),
            _text("## Distributions"),
            *(_text(f"### {column['name']}", _histogram(column["histogram"])) for column in numeric),
        ]
    )


def candidate_definition(
    data: TrainingData, problem: str, metric: str, algorithms: Iterable[str], candidates: Sequence[Mapping[str, Any]]
) -> str:
    """Return the candidate definition notebook as nbformat 4 JSON: the candidates' metrics, and code to train them."""
    metrics = list(candidates[0]["metrics"])
    rows = [
        [candidate["name"], candidate["model"], *(candidate["metrics"][name] for name in metrics)]
        for candidate in candidates
    ]
    predictor = pformat(predictor_arguments(data.target, problem, metric), sort_dicts=False)
    fit = pformat(fit_arguments(algorithms), sort_dicts=False)
    return _notebook(
        [
            _text(
                f"# Autopilot candidate definition: {data.job}",
                "The candidates, best first, with their metrics on out-of-fold predictions "
                "(each row is scored by the folds that were not trained on it):",
                _table(("candidate", "model", *metrics), rows),
            ),
            _text(
                "## Train the candidates again",
                "Versions of the libraries that trained them:",
                _table(("library", "version"), library_versions().items()),
            ),
            data.load_cell("data.shape"),
            _code(_TRAIN.format(predictor=predictor, fit=fit)),
        ]
    )


def _overview_cell(data: TrainingData, analysis: Mapping[str, Any]) -> Cell:
    return _text(
        f"# Autopilot data exploration: {data.job}",
        f"The dataset has **{analysis['rows']}** rows and **{len(analysis['columns'])}** columns. "
        f"The target attribute is **{data.target}**; the problem type is **{analysis['problem']}**.\n"
        "It was read from:\n" + "\n".join(f"- `s3://{bucket}/{key}`" for bucket, key in data.objects),
    )


def _other_columns_cells(columns: Sequence[Column]) -> list[Cell]:
    if not columns:
        return []
    rows = [
        [
            *(column[measure] for measure in ("name", "count", "missing", "unique")),
            ", ".join(f"{value} ({count})" for value, count in column["frequent"]),
        ]
        for column in columns
    ]
    return [
        _text("## Other columns", _table(("column", "count", "missing", "different values", "most frequent"), rows))
    ]


def _correlation_cells(columns: Sequence[Column], target: str) -> list[Cell]:
    rows = [(column["name"], column["correlation"]) for column in columns if column.get("correlation") is not None]
    rows.sort(key=lambda row: -abs(row[1]))
    return [_text(f"## Correlation with {target}", _table(("column", "correlation"), rows))] if rows else []


def _histogram(bins: Sequence[Sequence[float]]) -> str:
    """Return the bins (lowest value, highest value, count) as bars in a text block."""
    largest = max((count for _, _, count in bins), default=0)
    bars = [
        f"{_format_range(low, high):>24} {'█' * round(BAR_WIDTH * count / largest):<{BAR_WIDTH}} {count:.0f}"
        for low, high, count in bins
    ]
    return "\n".join(["```text", *bars, "```"])


def _format_range(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *([_format_value(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _format_value(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _text(*paragraphs: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n\n".join(paragraphs)}


def _code(source: str) -> Cell:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def _notebook(cells: Sequence[Cell]) -> str:
    notebook = {
        "cells": [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells, 1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False, allow_nan=False)
