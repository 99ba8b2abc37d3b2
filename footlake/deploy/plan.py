"""What bootstrap would do, found out by bootstrap's own code with AWS's changing calls held back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from footlake.aws import AwsContext
from footlake.deploy.executor import Step, execute
from footlake.errors import FootlakeError, NotReady, TimedOut
from footlake.resources.base import Resource, is_denied

_READING = ("Get", "List", "Describe", "Head", "BatchGet", "Search", "Lookup", "Simulate", "Assume")


class ChangeBlocked(Exception):
    """A call that would have changed something was about to be made."""


def block_changes(session: Any) -> None:
    """Make clients of this boto3 session raise ChangeBlocked instead of making a call that changes something."""

    def guard(model: Any, **_: Any) -> None:
        if not model.name.startswith(_READING):
            raise ChangeBlocked(model.name)

    session.events.register("before-call", guard)


def plan_change(aws: AwsContext, resource: Resource) -> str:
    """`create`, `update`, `unchanged`, or `problem: …`. The lake's session must hold back changes, and not wait."""
    try:
        change = "update" if resource.exists(aws) else "create"
    except (ClientError, FootlakeError, BotoCoreError) as error:
        return f"problem: {error}"
    try:
        resource.ensure(aws)
    except (ChangeBlocked, NotReady, TimedOut):
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


def plan_all(
    aws: AwsContext, resources: Sequence[Resource], look: Callable[[AwsContext, Resource], str] = plan_change
) -> list[Step]:
    """What `look` says of each resource, in the catalogue's order."""
    steps = execute(resources, lambda resource: look(aws, resource))
    order = {one.label: number for number, one in enumerate(resources)}
    return sorted(steps, key=lambda step: order[step.resource])
