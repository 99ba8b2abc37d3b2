"""Rules that a service checks beyond its model: roles, permissions, schedules, versions and sizes.

One module per AWS service. Each has a table RULES from operation names to functions `check(call, propagation)`, which
raise ServiceRejection. They may read moto's state and import `footlake.deploy.schedule`, the modules `policies`,
`universal_targets` and `api_calls` of `footlake.local.validation`, and this package's `lookups`, `cfn_lint` and
`propagation`.
"""

from __future__ import annotations

from footlake.local.validation.api_calls import ApiCall
from footlake.local.validation.service_rules import (
    events,
    glue,
    iam,
    lakeformation,
    lambda_,
    logs,
    rds,
    s3,
    sagemaker,
    scheduler,
)
from footlake.local.validation.service_rules.propagation import Propagation

RULES = {
    "events": events.RULES,
    "glue": glue.RULES,
    "iam": iam.RULES,
    "lakeformation": lakeformation.RULES,
    "lambda": lambda_.RULES,
    "logs": logs.RULES,
    "rds": rds.RULES,
    "s3": s3.RULES,
    "sagemaker": sagemaker.RULES,
    "scheduler": scheduler.RULES,
}


def check_service_rules(call: ApiCall, propagation: Propagation) -> None:
    """Raise ServiceRejection if the service would reject the call."""
    if call.service == "s3":
        s3.check_bucket_owner(call)
    check = RULES.get(call.service, {}).get(call.operation)
    if check:
        check(call, propagation)
