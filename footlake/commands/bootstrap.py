"""bootstrap: every resource of the catalogue, created or repaired."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from footlake.app import App
from footlake.catalogue import catalogue
from footlake.errors import FootlakeError
from footlake.lake import Lake
from footlake.walk import Step, Tell, silent, walk

ADDRESS_SERVICE = "https://checkip.amazonaws.com"


@dataclass(frozen=True)
class Bootstrapped:
    """What bootstrap did."""

    bucket: str
    resources: list[Step]


def bootstrap(lake: Lake, tell: Tell = silent) -> Bootstrapped:
    """Walk the catalogue forwards, side by side; `tell` hears of each resource as it is done."""
    if not lake.config.client_address:
        lake.config = replace(lake.config, client_address=f"{public_address()}/32")
    steps = walk(catalogue(lake.config), lambda resource: resource.ensure(lake), tell)
    return Bootstrapped(lake.config.bucket, steps)


def public_address() -> str:
    """This machine's address as AWS sees it."""
    import requests

    try:
        answer = requests.get(ADDRESS_SERVICE, timeout=10)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise FootlakeError(
            f"Could not find out this machine's public address: {type(error).__name__}.",
            "Set it: FOOTLAKE_CLIENT_ADDRESS=203.0.113.7/32",
        ) from None
    return answer.text.strip()


def line(step: Step) -> str:
    """A step for people."""
    return f"{step.outcome:<10} {step.resource}"


@click.command("bootstrap")
@click.pass_obj
def command(app: App) -> None:
    """Create every resource of the lake, or repair it.

    Running it again changes nothing but what has drifted.
    """
    done = bootstrap(app.lake(), lambda step: app.line(line(step)))
    changed = sum(step.outcome != "unchanged" for step in done.resources)
    app.show(done, [f"{len(done.resources)} resources, {changed} changed. The data lake is s3://{done.bucket}."])
