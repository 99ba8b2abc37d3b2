"""Summarise the outcomes of many resources by AWS service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from footlake.deploy.executor import Step
from footlake.resources.base import Resource
from footlake.resources.cloudwatch import SnsTopic
from footlake.resources.walkthrough_extras import IamUser, ManagedPolicies, S3InterfaceEndpoint

# The service of the classes in each module of footlake.resources, except for those in _EXCEPTIONS.
_SERVICES = {
    "budgets": "Budgets",
    "cloudwatch": "CloudWatch",
    "events": "EventBridge",
    "glue": "Glue",
    "iam": "IAM",
    "lakeformation": "Lake Formation",
    "lambdas": "Lambda",
    "logs": "CloudWatch",
    "network": "VPC",
    "rds": "RDS",
    "s3": "S3",
    "sagemaker": "SageMaker",
    "scheduler": "EventBridge",
    "sqs": "SQS",
    "ssm": "Systems Manager",
    "walkthrough_extras": "SageMaker",
}
_EXCEPTIONS: dict[type, str] = {
    SnsTopic: "SNS",
    IamUser: "IAM",
    ManagedPolicies: "IAM",
    S3InterfaceEndpoint: "VPC",
}


def service_of(resource: Resource) -> str:
    """Return the name of the AWS service that a resource belongs to."""
    kind = type(resource)
    return _EXCEPTIONS.get(kind) or _SERVICES[kind.__module__.rpartition(".")[2]]


def kind_of(step: Step) -> str:
    """Return the outcome without the reason that follows a colon."""
    return step.outcome.partition(":")[0]


def format_step(step: Step) -> str:
    """Return the outcome, the resource and, if there is one, the reason."""
    kind, _, reason = step.outcome.partition(": ")
    return f"{kind:<10} {step.resource}{f': {reason}' if reason else ''}"


def summarise_services(
    resources: Sequence[Resource], steps: Sequence[Step], words: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield a line for each service, such as `Lambda  12 unchanged, 1 updated`, in alphabetical order.

    `words` replaces outcomes in the lines. An outcome with an empty word is not counted.
    """
    services = {resource.label: service_of(resource) for resource in resources}
    counts: dict[str, Counter[str]] = {}
    for step in steps:
        if word := (words or {}).get(kind_of(step), kind_of(step)):
            counts.setdefault(services[step.resource], Counter())[word] += 1
    width = max(map(len, counts), default=0)
    for service, counter in sorted(counts.items()):
        (first, number), *others = counter.most_common()
        yield f"{service:<{width}}  {number:>3} {first}{''.join(f', {count} {word}' for word, count in others)}"


def format_counts(steps: Sequence[Step], words: Mapping[str, str] | None = None) -> str:
    """Return the number of resources with each outcome, such as `74 resources created, 1 unchanged`."""
    kinds = [word for step in steps if (word := (words or {}).get(kind_of(step), kind_of(step)))]
    (first, number), *others = Counter(kinds).most_common() or [("", 0)]
    noun = "resource" if number == 1 else "resources"
    return f"{number} {noun} {first}".rstrip() + "".join(f", {count} {word}" for word, count in others)
