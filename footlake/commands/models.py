"""models: list the trained models and their evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from footlake.cli_context import CliContext
from footlake.errors import FootlakeCommand, Hint
from footlake.handlers.scoring import SAGEMAKER, THIS_MACHINE
from footlake.model import registry
from footlake.model.registry import ModelRecord

RUNS_ON = {SAGEMAKER: "SageMaker", THIS_MACHINE: "this machine"}

HEADER = ("", "model", "runs on", "trained on", "test")


def format_models(records: Sequence[ModelRecord], in_use: str | None) -> Iterator[str]:
    """Yield the lines of a table of models; an asterisk marks the one in use."""
    rows = [HEADER, *(_format_cells(record, record.model == in_use) for record in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield "* marks the model in use. MSE is the mean squared error on seasons that the model was not trained on."


def _format_cells(record: ModelRecord, in_use: bool) -> tuple[str, ...]:
    evaluation = record.evaluation
    tested = f"MSE {evaluation.scores[0].mse:.3f} on {', '.join(evaluation.tested_on)}" if evaluation else "not tested"
    trained = f"{record.rows} rows of {', '.join(record.seasons)}, {len(record.features)} features"
    return "*" if in_use else "", record.model, RUNS_ON.get(record.runs, record.runs), trained, tested


def run(cli: CliContext) -> None:
    """Print the trained models."""
    aws = cli.connect()
    records, current = registry.list_records(aws), registry.current_model(aws)
    name = current.model if current else None
    none = Hint("This lake has no trained model. To train one: ", FootlakeCommand("train-autopilot"))
    lines = format_models(records, name) if records else [cli.format_hint(none)]
    document = {"in_use": name, "models": [asdict(record) for record in records]}
    cli.output.print_result(document, lines, football=cli.describe_data_source(aws))
