"""Options and help text of train-autopilot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footlake.cli.root import pass_cli
from footlake.commands.options import NewFile

if TYPE_CHECKING:
    from footlake.cli_context import CliContext


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
@pass_cli
def command(cli: CliContext, **options: Any) -> None:
    """Train the expected-goals model with SageMaker Autopilot, and test it on the last season.

    Prints the price before it starts, and what it has cost when it has ended. The new model then scores every team row
    and is the model in use.
    """
    from footlake.commands import train_autopilot

    train_autopilot.run(cli, **options)
