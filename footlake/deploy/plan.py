"""What bootstrap would do, found out by bootstrap's own code with AWS's changing calls held back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from footlake.aws import Lake
from footlake.deploy.executor import Step, walk
from footlake.errors import FootlakeError, NotReady, TimedOut
from footlake.resources.base import Resource, is_denied

_READING = ("Get", "List", "Describe", "Head", "BatchGet", "Search", "Lookup", "Simulate", "Assume")


class WouldChange(Exception):
    """A call that would have changed something was about to be made."""


def hold_back_changes(session: Any) -> None:
    """From now on, clients of this boto3 session raise WouldChange instead of making a call that changes something."""

    def guard(model: Any, **_: Any) -> None:
        if not model.name.startswith(_READING):
            raise WouldChange(model.name)

    session.events.register("before-call", guard)


def foresee(lake: Lake, resource: Resource) -> str:
    """`create`, `update`, `unchanged`, or `problem: …`. The lake's session must hold back changes, and not wait."""
    try:
        change = "update" if resource.exists(lake) else "create"
    except (ClientError, FootlakeError, BotoCoreError) as error:
        return f"problem: {error}"
    try:
        resource.ensure(lake)
    except (WouldChange, NotReady, TimedOut):
        return change
    except ClientError as error:
        return f"problem: {error}" if is_denied(error) else change
    except FootlakeError as error:
        return f"problem: {error.message} {error.hint}".strip()
    except ParamValidationError:  # a call that cannot even be put together yet, as what it names is not there
        return change
    except BotoCoreError as error:
        return f"problem: {error}"
    return "unchanged"


def foresee_all(
    lake: Lake, resources: Sequence[Resource], look: Callable[[Lake, Resource], str] = foresee
) -> list[Step]:
    """What `look` says of each resource, in the catalogue's order."""
    steps = walk(resources, lambda resource: look(lake, resource))
    order = {one.label: number for number, one in enumerate(resources)}
    return sorted(steps, key=lambda step: order[step.resource])
