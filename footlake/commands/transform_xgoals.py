"""transform-xgoals: etlGetXGoals, until every team row has its expected goals."""

from __future__ import annotations

from dataclasses import dataclass

import click

from footlake.app import App
from footlake.errors import NotReady
from footlake.lake import Lake
from footlake.steps import invoke, wait_for_transform


@dataclass(frozen=True)
class Transformed:
    """The transform jobs that ran, and the team-row files and rows that they scored."""

    model: str
    jobs: list[str]
    files: int
    rows: int


def transform_xgoals(lake: Lake) -> Transformed:
    """Score what is not scored yet, after waiting for a transform that the lake started by itself."""
    jobs: list[str] = []
    files = rows = 0
    while True:
        answer = invoke(lake, "etlGetXGoals", {})
        if "skipped" in answer:
            raise NotReady("There is no trained model named xGoals.", "Run footlake train-autopilot first.")
        if "running" in answer:
            wait_for_transform(lake, answer["running"])
        elif answer["job"] is None:
            return Transformed(answer["model"], jobs, files, rows)
        else:
            wait_for_transform(lake, answer["job"])
            jobs.append(answer["job"])
            files += answer["files"]
            rows += answer["rows"]


def line(done: Transformed) -> str:
    """The scoring, for people. New team rows start it by themselves, so there may be nothing left to do."""
    return f"every team row is scored by {done.model} ({done.rows} by this command)"


@click.command("transform-xgoals")
@click.pass_obj
def command(app: App) -> None:
    """Score the team rows that have no expected goals yet, or have changed, or were scored by an older model."""
    done = transform_xgoals(app.lake())
    app.show(done, [line(done)], football=True)
