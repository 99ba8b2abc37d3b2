"""teardown: the catalogue backwards, then another look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.app import App
from footlake.catalogue import catalogue
from footlake.commands.bootstrap import Step, line
from footlake.errors import FootlakeError, Leftovers
from footlake.lake import Lake
from footlake.resources.base import Resource
from footlake.resources.s3 import Bucket, Object


@dataclass(frozen=True)
class TornDown:
    """What teardown did, and what is still there or could not be looked at."""

    resources: list[Step]
    left: list[str]


def teardown(lake: Lake, keep_data: bool = False, tell: Callable[[Step], None] = lambda step: None) -> TornDown:
    """Walk the catalogue backwards, past failures, then look whether anything is left."""
    steps: list[Step] = []
    left: list[str] = []
    resources = [one for one in catalogue(lake.config) if not (keep_data and _is_data(one, lake))]
    for resource in reversed(resources):
        try:
            step = Step(resource.label, resource.destroy(lake))
        except (ClientError, BotoCoreError, FootlakeError) as error:
            step = Step(resource.label, f"failed: {error}")
        tell(step)
        steps.append(step)
    kept = {step.resource for step in steps if step.outcome == "kept"}
    for resource in resources:
        if resource.label in kept:
            continue
        try:
            if resource.exists(lake):
                left.append(resource.label)
        except (ClientError, BotoCoreError, FootlakeError) as error:
            left.append(f"{resource.label} (cannot see: {error})")
    return TornDown(steps, left)


def _is_data(resource: Resource, lake: Lake) -> bool:
    bucket = resource.bucket if isinstance(resource, Object) else resource
    return isinstance(bucket, Bucket) and bucket.name == lake.config.bucket


@click.command("teardown")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-data", is_flag=True, help="Keep the data lake's bucket.")
@click.pass_obj
def command(app: App, yes: bool, keep_data: bool) -> None:
    """Remove everything that footlake made, then look whether anything is left."""
    lake = app.lake()
    if not yes:
        app.note(f"This removes the lake {lake.config.lake} from account {lake.config.account}, {lake.config.region}.")
        if click.prompt("Type the lake's name to go on", err=True) != lake.config.lake:
            raise click.Abort
    done = teardown(lake, keep_data, lambda step: app.line(line(step)))
    app.show(done, [] if done.left else ["Nothing is left."])
    if done.left:
        raise Leftovers(f"Still there: {'; '.join(done.left)}.", "Run footlake teardown again.")
