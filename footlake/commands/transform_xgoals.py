"""transform-xgoals: invoke etlGetXGoals until every team row has its expected goals."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.model import registry
from footlake.model.scoring import ScoringResult, evaluate_model, score


def transform_xgoals(aws: AwsContext, model: str | None = None) -> ScoringResult:
    """Score the team rows that have no prediction of the model in use. `model`, if given, becomes that model."""
    if model:
        registry.set_current_model(aws, model)
    result = score(aws)
    # A training that was interrupted before its rows were scored has not been evaluated yet.
    if record := registry.current_model(aws):
        registry.mark_scored(aws, evaluate_model(aws, record))
    return result


def format_scoring(result: ScoringResult) -> str:
    """Return the line of the result. The lake scores new team rows by itself, so the command may have scored none."""
    return f"every team row is scored by {result.model} ({result.rows} by this command)"


def model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of models; return an empty list if the lake cannot be read."""
    cli = CliContext.from_options(**context.find_root().params)
    try:
        records = registry.list_records(cli.connect(read_only=True)) if cli.is_running() else []
    except Exception:  # the shell cannot show an error during completion
        return []
    return [CompletionItem(record.model) for record in records if record.model.startswith(incomplete)]


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
    aws = cli.connect()
    result = transform_xgoals(aws, model)
    cli.output.print_result(result, [format_scoring(result)], football=cli.describe_data_source(aws))
