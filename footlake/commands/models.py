"""models: the models that were trained, and how good each of them is."""

from __future__ import annotations

from dataclasses import asdict

import click

from footlake.cli_context import CliContext
from footlake.model import registry
from footlake.model.registry import ModelRecord


def line(record: ModelRecord, used: bool) -> str:
    """A model, for people."""
    judged = record.evaluation
    tested = f"MSE {judged.scores[0].mse:.3f} on {', '.join(judged.tested_on)}" if judged else "not evaluated"
    of = f"{record.rows} rows of {', '.join(record.seasons)}, {len(record.features)} features"
    return f"{'*' if used else ' '} {record.model}  {record.runs:<9}  {of}  {tested}"


@click.command("models")
@click.pass_obj
def command(cli: CliContext) -> None:
    """The models that can score, the newest first; * is the one in use.

    As JSON with their features, versions and evaluations.
    """
    aws = cli.connect()
    known, used = registry.list_records(aws), registry.current_model(aws)
    name = used.model if used else None
    document = {"in_use": name, "models": [asdict(record) for record in known]}
    lines = [line(record, record.model == name) for record in known]
    cli.print_result(
        document, lines or [cli.here("There is no model yet: footlake train-autopilot makes one.")], football=True
    )
