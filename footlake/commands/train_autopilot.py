"""train-autopilot: train the xGoals model and evaluate it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from footlake.cli_context import CliContext
from footlake.commands.options import write_file
from footlake.deploy.usage import format_cost
from footlake.handlers.scoring import SAGEMAKER
from footlake.model import evaluation
from footlake.model.registry import ModelRecord
from footlake.model.training import Features, train_model


def format_model_summary(record: ModelRecord) -> str:
    """Return a short text on the model: its training set and its evaluation."""
    evaluation = record.evaluation
    trained = f"trained on {record.rows} team rows of {', '.join(record.seasons)}"
    if not evaluation:
        return trained
    return f"{trained}; mean squared error {evaluation.scores[0].mse:.3f} on {', '.join(evaluation.tested_on)}"


def describe_model(record: ModelRecord) -> Iterator[str]:
    """Yield the lines on the model and its evaluation."""
    where = "" if record.runs == SAGEMAKER else "on this machine "
    trained = f"{record.rows} team rows of {', '.join(record.seasons)}, {len(record.features)} features"
    yield f"model {record.model}, trained {where}on {trained}"
    validated = "" if record.value is None else f", {record.metric} {record.value:.4f} in the training's own validation"
    yield f"best of {record.candidates} candidates: {record.best}{validated}"
    if record.evaluation:
        yield from evaluation.summary_lines(record.evaluation)
    else:
        yield "not evaluated: no season was held out"


def run(
    cli: CliContext,
    features: Features,
    max_candidates: int | None,
    max_runtime: int | None,
    hold_out: bool,
    on_this_machine: bool,
    figure: Path | None,
) -> None:
    """Train and evaluate a model, and print both."""
    cli = cli.with_overrides(max_candidates=max_candidates, max_runtime=max_runtime)
    aws = cli.connect()
    result = train_model(aws, features, on_this_machine, hold_out, cli.output.notify)
    record = result.record
    if figure and record.evaluation:
        write_file(figure, evaluation.evaluation_svg(record.evaluation))
    elif figure:
        cli.output.notify(f"{figure} was not written: no season was held out, so there is no evaluation.")
    football = cli.describe_data_source(aws)
    values = {**asdict(record), "joined": result.joined, "cost": result.cost and asdict(result.cost)}
    lines = [*describe_model(record), f"cost: {format_cost(result.cost)}"]
    cli.output.print_result(values, lines, football=football)
