"""Plan a bootstrap: run its own code in a session that blocks calls that change something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from footlake.aws import READ_PREFIXES, AwsContext, ChangeBlocked
from footlake.aws_errors import is_denied, may_be_absent
from footlake.deploy.executor import OnStep, Step, execute, ignore_step
from footlake.errors import FootlakeError, NotReady, TimedOut
from footlake.resources.base import Resource

# botocore calls these services to obtain and renew credentials, for example sso-oidc:CreateToken for IAM Identity
# Center and signin:CreateOAuth2Token for `aws login`. These calls change nothing in the account.
_SIGN_IN_SERVICES = ("sso", "sso-oidc", "signin", "sts")


def block_changes(session: Any) -> None:
    """Make the clients of this boto3 session raise ChangeBlocked for a call that would change something.

    Calls of sign-in services are allowed.
    """

    def guard(model: Any, **_: Any) -> None:
        if model.service_model.service_name in _SIGN_IN_SERVICES:
            return
        if not model.name.startswith(READ_PREFIXES):
            raise ChangeBlocked(model.name)

    session.events.register("before-call", guard)


def plan_change(aws: AwsContext, resource: Resource) -> str:
    """Return the change that bootstrap would make: `create`, `update`, `unchanged` or `problem: …`.

    `aws` must block changes (see block_changes) and not be patient.
    """
    try:
        change = "update" if resource.exists(aws) else "create"
    except (ClientError, FootlakeError, BotoCoreError) as error:
        if not may_be_absent(error):
            return f"problem: {error}"
        change = "create"  # bootstrap first makes the caller an administrator, who may see what exists
    try:
        resource.ensure(aws)
    except (ChangeBlocked, NotReady, TimedOut):
        return change
    except ClientError as error:
        return f"problem: {error}" if is_denied(error) else change
    except FootlakeError as error:
        return f"problem: {error.message} {error.hint}".strip()
    except ParamValidationError:  # the call needs a value of a resource that does not exist yet
        return change
    except BotoCoreError as error:
        return f"problem: {error}"
    return "unchanged"


def plan_resources(
    aws: AwsContext,
    resources: Sequence[Resource],
    look: Callable[[AwsContext, Resource], str] = plan_change,
    on_step: OnStep = ignore_step,
) -> list[Step]:
    """Return the result of `look` for each resource, in the order of the catalogue."""
    with aws.sharing_reads(resources):
        steps = execute(resources, lambda resource: look(aws, resource), on_step)
    order = {resource.label: position for position, resource in enumerate(resources)}
    return sorted(steps, key=lambda step: order[step.resource])
