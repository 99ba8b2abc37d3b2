"""Change what moto answers differently from AWS, and add the operations that moto lacks.

One module per AWS service (plus `routing`, for moto's server). Each has `install()`, which puts the module's functions
in the place of methods of moto's classes. A function keeps the name and the arguments of the method that it replaces;
`original_<method>` is moto's own. Operations that need an engine, such as running a job, belong in
`footlake.local.engines`. These modules may import moto, `footlake.local.context` and `footlake.local.validation`.

moto reads its settings when it is imported: set `footlake.local.server.MOTO_SETTINGS` first.
"""

from __future__ import annotations

from footlake.local.patches import (
    budgets,
    ce,
    cloudwatch,
    ec2,
    events,
    freetier,
    glue,
    iam,
    lakeformation,
    lambda_,
    logs,
    rds,
    routing,
    s3,
    sagemaker,
    sagemaker_studio,
    scheduler,
    service_quotas,
)

SERVICES = (
    *(budgets, ce, cloudwatch, ec2, events, freetier, glue, iam, lakeformation, lambda_, logs, rds, routing),
    *(s3, sagemaker, sagemaker_studio, scheduler, service_quotas),
)


def install() -> None:
    """Install the patches of all services. Installing them again changes nothing."""
    for service in SERVICES:
        service.install()
