"""teardown: the catalogue backwards, then another look."""

from __future__ import annotations

import sys
from concurrent.futures import Executor
from dataclasses import dataclass

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.app import App
from footlake.catalogue import catalogue
from footlake.commands.bootstrap import line
from footlake.errors import FootlakeError, Leftovers
from footlake.lake import Lake
from footlake.resources.base import Resource
from footlake.resources.s3 import Bucket, Object
from footlake.walk import Step, Tell, silent, walk

_REFUSALS = (ClientError, BotoCoreError, FootlakeError)


@dataclass(frozen=True)
class TornDown:
    """What teardown did, and what is still there or could not be looked at."""

    resources: list[Step]
    left: list[str]


def teardown(lake: Lake, keep_data: bool = False, tell: Tell = silent, pool: Executor | None = None) -> TornDown:
    """Walk the catalogue backwards, past failures, then look whether anything is left."""

    def destroy(resource: Resource) -> str:
        try:
            return resource.destroy(lake)
        except _REFUSALS as error:
            return f"failed: {error}"

    def look(resource: Resource) -> str:
        try:
            return "there" if resource.exists(lake) else "gone"
        except _REFUSALS as error:
            return f"cannot see: {error}"

    resources = [one for one in catalogue(lake.config, everything=True) if not (keep_data and _is_data(one, lake))]
    steps = walk(resources, destroy, tell, backwards=True, pool=pool)
    kept = {step.resource for step in steps if step.outcome == "kept"}
    looks = walk([one for one in resources if one.label not in kept], look, pool=pool)
    left = [step.resource if step.outcome == "there" else f"{step.resource} ({step.outcome})" for step in looks]
    return TornDown(steps, [one for one, step in zip(left, looks, strict=True) if step.outcome != "gone"])


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
        if not sys.stdin.isatty():
            raise FootlakeError("Not confirmed, so nothing was removed.", "Where nobody can answer, use --yes.")
        if click.prompt("Type the lake's name to go on", err=True) != lake.config.lake:
            raise FootlakeError("That is not the lake's name, so nothing was removed.")
    done = teardown(lake, keep_data, lambda step: app.line(line(step)))
    kept = f" but the bucket {lake.config.bucket}" if keep_data else ""
    app.show(done, [] if done.left else [f"Nothing is left{kept}."])
    if done.left:
        raise Leftovers(f"Still there: {'; '.join(done.left)}.", "Run footlake teardown again.")
