"""train-autopilot: train the xGoals model and evaluate it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from footlake.cli_context import CliContext
from footlake.commands.options import NewFile, write_file
from footlake.handlers.scoring import SAGEMAKER
from footlake.model import evaluation
from footlake.model.registry import ModelRecord
from footlake.model.training import Features, train_model


def format_model_summary(record: ModelRecord) -> str:
    """Return a short text on the model: its metric, its training set and its evaluation."""
    evaluation = record.evaluation
    tested = f", {evaluation.scores[0].mse:.3f} on {', '.join(evaluation.tested_on)}" if evaluation else ""
    value = "trained" if record.value is None else f"{record.metric} {record.value:.3f}"
    return f"{value} on {record.rows} team rows of {', '.join(record.seasons)}{tested}"


def describe_model(record: ModelRecord) -> Iterator[str]:
    """Yield the lines on the model and its evaluation."""
    where = "" if record.runs == SAGEMAKER else " on this machine"
    trained = f"{record.rows} rows of {', '.join(record.seasons)}, {len(record.features)} features"
    yield f"model {record.model}, trained{where}: {trained}"
    validated = "" if record.value is None else f", {record.metric} {record.value:.4f} by its own validation"
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
    help="The document's four, or every team statistic that the seasons have.",
)
@click.option(
    "--max-candidates", type=click.IntRange(1, 750), metavar="N", help="How many models to try. Default: the setting."
)
@click.option(
    "--max-runtime",
    type=click.IntRange(60),
    metavar="SECONDS",
    help="For how many seconds at most. Default: the setting.",
)
@click.option(
    "--hold-out/--no-hold-out",
    default=True,
    help="Keep the last season out of the training and test on it; or train on every season, untested.",
)
@click.option("--on-this-machine", is_flag=True, help="Train, and score from now on, here instead of on AWS.")
@click.option(
    "--figure",
    type=NewFile(),
    help="Write the picture of the evaluation to this file, as SVG.",
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
    """Train the xGoals model with SageMaker Autopilot, and test it on the last season.

    Scores every team row with it, so that it can be judged; the season that it is tested on is not trained on.
    """
    cli = cli.with_overrides(max_candidates=max_candidates, max_runtime=max_runtime)
    aws = cli.connect()
    result = train_model(aws, features, on_this_machine, hold_out, cli.output.notify)
    record = result.record
    if figure and record.evaluation:
        write_file(figure, evaluation.evaluation_svg(record.evaluation))
    elif figure:
        cli.output.notify(f"{figure} is not written: no season was held out, so there is no evaluation.")
    football = cli.describe_data_source(aws)
    cli.output.print_result({**asdict(record), "joined": result.joined}, describe_model(record), football=football)
