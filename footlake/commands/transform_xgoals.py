"""transform-xgoals: invoke etlGetXGoals until every team row has its expected goals."""

from __future__ import annotations

from footlake.aws import AwsContext
from footlake.aws_jobs import format_count
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
    when = f"{result.rows} scored now" if result.rows else "scored when they arrived or earlier"
    if result.rejected:
        rows = format_count(result.rejected, "team row")
        return f"{rows} without expected goals: {result.model} predicted no number; scored again after a day ({when})"
    return f"every team row has expected goals of {result.model} ({when})"


def run(cli: CliContext, model: str | None) -> None:
    """Score the team rows and print the result."""
    aws = cli.connect()
    result = transform_xgoals(aws, model)
    cli.output.print_result(result, [format_scoring(result)], football=cli.describe_data_source(aws))
