"""models: list the trained models and their evaluations."""

from __future__ import annotations

from dataclasses import asdict

import click

from footlake.cli_context import CliContext
from footlake.errors import FootlakeCommand, Hint
from footlake.model import registry
from footlake.model.registry import ModelRecord


def format_model(record: ModelRecord, in_use: bool) -> str:
    """Return the line of a model; an asterisk marks the one in use."""
    evaluation = record.evaluation
    tested = (
        f"MSE {evaluation.scores[0].mse:.3f} on {', '.join(evaluation.tested_on)}" if evaluation else "not evaluated"
    )
    trained = f"{record.rows} rows of {', '.join(record.seasons)}, {len(record.features)} features"
    return f"{'*' if in_use else ' '} {record.model}  {record.runs:<9}  {trained}  {tested}"


@click.command("models")
@click.pass_obj
def command(cli: CliContext) -> None:
    """The models that can score, the newest first; * is the one in use.

    As JSON with their features, versions and evaluations.
    """
    aws = cli.connect()
    records, current = registry.list_records(aws), registry.current_model(aws)
    name = current.model if current else None
    none = Hint("There is no model yet: ", FootlakeCommand("train-autopilot"), " makes one.")
    lines = [format_model(record, record.model == name) for record in records] or [cli.format_hint(none)]
    document = {"in_use": name, "models": [asdict(record) for record in records]}
    cli.output.print_result(document, lines, football=cli.describe_data_source(aws))
