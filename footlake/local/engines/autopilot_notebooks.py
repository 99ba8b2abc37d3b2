"""The two notebooks that an Autopilot job leaves behind: what it saw in the data, and how to train it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pprint import pformat
from typing import Any

BAR = 40


def data_exploration(
    job: str, sources: Sequence[tuple[str, str]], target: str, analysis: Mapping[str, Any], gzip: bool
) -> str:
    """The data exploration notebook, as nbformat-4 JSON, of `analysis` as `model_worker.analyse` answers it."""
    columns = analysis["columns"]
    numeric = [column for column in columns if column["numeric"]]
    measures = ("count", "missing", "mean", "sd", "min", "q1", "median", "q3", "max")
    cells = [
        _text(
            f"# Autopilot data exploration: {job}",
            f"The dataset has **{analysis['rows']}** rows and **{len(columns)}** columns. "
            f"The target attribute is **{target}**; the problem type is **{analysis['problem']}**.",
            "It was read from:",
            *[f"- `s3://{bucket}/{key}`" for bucket, key in sources],
        ),
        _code(*_reading(sources, gzip), "data.describe()"),
        _text(
            "## Numeric columns",
            *_table(
                ("column", *measures),
                ([column["name"], *(column[measure] for measure in measures)] for column in numeric),
            ),
        ),
    ]
    if others := [column for column in columns if not column["numeric"]]:
        cells.append(
            _text(
                "## Other columns",
                *_table(
                    ("column", "count", "missing", "different values", "most frequent"),
                    (
                        (
                            column["name"],
                            column["count"],
                            column["missing"],
                            column["unique"],
                            ", ".join(f"{value} ({count})" for value, count in column["frequent"]),
                        )
                        for column in others
                    ),
                ),
            )
        )
    correlations = [column for column in numeric if column.get("correlation") is not None]
    correlations.sort(key=lambda column: -abs(column["correlation"]))
    if correlations:
        cells.append(
            _text(
                f"## Correlation with {target}",
                *_table(
                    ("column", "correlation"), ((column["name"], column["correlation"]) for column in correlations)
                ),
            )
        )
    cells.append(_text("## Distributions"))
    cells += [_text(f"### {column['name']}", "```text", *_bars(column["histogram"]), "```") for column in numeric]
    return _notebook(cells)


def candidate_definition(
    job: str,
    sources: Sequence[tuple[str, str]],
    gzip: bool,
    predictor: Mapping[str, Any],
    fit: Mapping[str, Any],
    candidates: Sequence[Mapping[str, Any]],
    libraries: Mapping[str, str],
) -> str:
    """The candidate definition notebook: the candidates' metrics, and the code that trains them again.

    `predictor` and `fit` are the arguments of AutoGluon's TabularPredictor and of its `fit`.
    """
    metrics = list(candidates[0]["metrics"])
    return _notebook(
        [
            _text(
                f"# Autopilot candidate definition: {job}",
                "The candidates, the best first, with their metrics on out-of-fold predictions "
                "(each row is scored by the folds that were not trained on it):",
                *_table(
                    ("candidate", "model", *metrics),
                    (
                        [one["name"], one["model"], *(one["metrics"][metric] for metric in metrics)]
                        for one in candidates
                    ),
                ),
            ),
            _text("## Train them again", "They were trained with:", *_table(("library", "version"), libraries.items())),
            _code(*_reading(sources, gzip), "data.shape"),
            _code(
                "from autogluon.tabular import TabularPredictor",
                "",
                f"predictor = TabularPredictor(**{pformat(dict(predictor), sort_dicts=False)})",
                f"predictor.fit(data, **{pformat(dict(fit), sort_dicts=False)})",
                "predictor.leaderboard()",
            ),
        ]
    )


def _reading(sources: Sequence[tuple[str, str]], gzip: bool) -> list[str]:
    options = ', compression="gzip"' if gzip else ""
    return [
        "import io",
        "",
        "import boto3",
        "import pandas as pd",
        "",
        'S3 = boto3.client("s3")',
        f"SOURCES = {pformat([tuple(source) for source in sources])}",
        "objects = [S3.get_object(Bucket=bucket, Key=key)['Body'].read() for bucket, key in SOURCES]",
        f"data = pd.concat([pd.read_csv(io.BytesIO(content){options}) for content in objects], ignore_index=True)",
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return ["", *lines, *("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _bars(histogram: Sequence[Sequence[float]]) -> list[str]:
    most = max((count for _, _, count in histogram), default=0)
    return [
        f"{_range(low, high):>24} {'█' * round(BAR * count / most):<{BAR}} {count:.0f}"
        for low, high, count in histogram
    ]


def _range(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


def _text(*lines: str) -> dict[str, Any]:
    heading, *rest = lines
    text = "\n".join([heading, "", *rest]).strip()
    return {"cell_type": "markdown", "metadata": {}, "source": re.sub(r"\n{3,}", "\n\n", text)}


def _code(*lines: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": "\n".join(lines),
    }


def _notebook(cells: Sequence[Mapping[str, Any]]) -> str:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    numbered = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells, 1)]
    notebook = {
        "cells": numbered,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False, allow_nan=False)
