"""Find out which resources exist, and delete those that the settings no longer need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.deploy.catalogue import superfluous
from footlake.deploy.executor import OnStep, execute, ignore_step
from footlake.errors import FootlakeError
from footlake.resources.base import BaseResource, Resource

AWS_FAILURES = (ClientError, BotoCoreError, FootlakeError)


def presence(aws: AwsContext, resource: Resource) -> str:
    """Return `there`, `gone` or `cannot see: …`."""
    try:
        return "there" if resource.exists(aws) else "gone"
    except AWS_FAILURES as error:
        return f"cannot see: {error}"


def list_existing(
    aws: AwsContext,
    resources: Sequence[Resource],
    on_step: OnStep = ignore_step,
    counts: Callable[[str], bool] = lambda presence: presence != "gone",
) -> list[Resource]:
    """Return the resources that exist or cannot be examined, without those that teardown would keep.

    `counts` narrows this down to some results of `presence`.
    """

    def examine(resource: Resource) -> str:
        found = presence(aws, resource)
        if found == "there" and isinstance(resource, BaseResource):
            with suppress(*AWS_FAILURES):
                return "gone" if resource.is_foreign(aws) else found
        return found

    with aws.sharing_reads(resources):
        existing = {step.resource for step in execute(resources, examine, on_step) if counts(step.outcome)}
    return [resource for resource in resources if resource.label in existing]


def list_superfluous(aws: AwsContext) -> list[Resource]:
    """Return the existing resources that the lake has because of an earlier value of the setting `database`.

    Those that the caller may not see are left out: the policy of an earlier version does not show all of them.
    """
    return list_existing(aws, superfluous(aws.config), counts=lambda presence: presence == "there")
