"""transform-xgoals: etlGetXGoals, until every team row has its expected goals."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.model import registry
from footlake.model.scoring import ScoringResult, evaluate_model, score


def transform_xgoals(aws: AwsContext, model: str | None = None) -> ScoringResult:
    """Score what is not scored yet by the model in use, which from now on is `model` if one is given."""
    if model:
        registry.set_current_model(aws, model)
    done = score(aws)
    # A training that could not score its rows is judged as soon as they are.
    if record := registry.current_model(aws):
        registry.mark_scored(aws, evaluate_model(aws, record))
    return done


def line(done: ScoringResult) -> str:
    """The scoring, for people. New team rows start it by themselves, so there may be nothing left to do."""
    return f"every team row is scored by {done.model} ({done.rows} by this command)"


def model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The models that there are, for the shell to complete; none where the lake cannot be asked."""
    cli = CliContext(**context.find_root().params)
    try:
        known = registry.list_records(cli.connect(read_only=True)) if cli.is_running() else []
    except Exception:  # there is nobody to tell: the shell shows what was typed, and no more
        return []
    return [CompletionItem(one.model) for one in known if one.model.startswith(incomplete)]


@click.command("transform-xgoals")
@click.option(
    "--model",
    metavar="NAME",
    shell_complete=model_names,
    help="Use this model from now on; footlake models shows those that there are.",
)
@click.pass_obj
def command(cli: CliContext, model: str | None) -> None:
    """Score the team rows that have no expected goals yet, or have changed, or were scored by another model.

    They are scored where the model runs: on SageMaker, or on this machine if it was trained so.
    """
    done = transform_xgoals(cli.connect(), model)
    cli.print_result(done, [line(done)], football=True)
