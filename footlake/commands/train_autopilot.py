"""train-autopilot: train the xGoals model and evaluate it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from footlake.cli_context import CliContext
from footlake.commands.options import NewFile, write_file
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


@click.command("train-autopilot")
@click.option(
    "--features",
    type=click.Choice(["default", "extended"]),
    default="default",
    show_default=True,
    help="The four features of the original walk-through, or every team statistic that the seasons have.",
)
@click.option(
    "--max-candidates",
    type=click.IntRange(1, 750),
    metavar="N",
    help="Try at most N models. Default: the setting max_candidates.",
)
@click.option(
    "--max-runtime",
    type=click.IntRange(60),
    metavar="SECONDS",
    help="Train for at most this time. Default: the setting max_runtime.",
)
@click.option(
    "--hold-out/--no-hold-out",
    default=True,
    help="Test the model on the last season and train on the others, or train on all seasons without a test.",
    show_default=True,
)
@click.option(
    "--on-this-machine", is_flag=True, help="Train on this machine instead of AWS, and score on it from now on."
)
@click.option(
    "--figure",
    type=NewFile(),
    help="Write the chart of the evaluation to this SVG file.",
)
@click.pass_obj
def command(
    cli: CliContext,
    features: Features,
    max_candidates: int | None,
    max_runtime: int | None,
    hold_out: bool,
    on_this_machine: bool,
    figure: Path | None,
) -> None:
    """Train the expected-goals model with SageMaker Autopilot, and test it on the last season.

    Prints the price before it starts, and what it has cost when it has ended. The new model then scores every team row
    and is the model in use.
    """
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
