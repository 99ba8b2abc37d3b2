"""Rules of AWS Glue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footlake.deploy.schedule import is_cron
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation

GLUE_VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0")


def check_job(call: ApiCall, propagation: Propagation) -> None:
    """Check Glue version, capacity settings and role of a job that is created or updated."""
    job = call.parameters.get("JobUpdate", call.parameters)
    version, role = job.get("GlueVersion"), job.get("Role")
    if version and version not in GLUE_VERSIONS:
        raise _invalid_input(f"Given GlueVersion [{version}] is not valid.")
    if job.get("WorkerType") and job.get("MaxCapacity") is not None:
        raise _invalid_input("Please do not set Max Capacity if using Worker Type and Number of Workers.")
    if role and not propagation.can_assume(call, role, "glue.amazonaws.com"):
        raise _invalid_input(f"Role {role} should be given assume role permissions for Glue Service.")


def check_crawler(call: ApiCall, propagation: Propagation) -> None:
    """Check schedule, targets and role of a crawler."""
    _check_schedule(call.parameters)
    targets = call.parameters.get("Targets", {})
    if targets.get("CatalogTargets"):
        if any(targets[kind] for kind in targets if kind != "CatalogTargets"):
            raise _invalid_input("Catalog targets cannot be combined with other targets.")
        # https://docs.aws.amazon.com/glue/latest/dg/crawler-source-type.html
        if call.parameters.get("SchemaChangePolicy", {}).get("DeleteBehavior") != "LOG":
            raise _invalid_input("The SchemaChangePolicy for Catalog targets must have the DeleteBehavior LOG.")
    role = call.parameters.get("Role")
    if role and not propagation.can_assume(call, role, "glue.amazonaws.com"):
        raise _invalid_input("Service is unable to assume provided role. Please verify role's TrustPolicy")


def check_schedule(call: ApiCall, propagation: Propagation) -> None:
    """Check the schedule of a trigger or crawler."""
    _check_schedule(call.parameters.get("TriggerUpdate", call.parameters))


def _check_schedule(parameters: Mapping[str, Any]) -> None:
    """Reject schedules other than cron expressions: Glue has no `rate(…)`."""
    schedule = parameters.get("Schedule")
    if schedule and not is_cron(schedule):
        raise _invalid_input(f"Schedule expression {schedule} is not valid.")


def _invalid_input(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidInputException", message)


RULES = {
    "CreateCrawler": check_crawler,
    "CreateJob": check_job,
    "CreateTrigger": check_schedule,
    "UpdateCrawler": check_crawler,
    "UpdateCrawlerSchedule": check_schedule,
    "UpdateJob": check_job,
    "UpdateTrigger": check_schedule,
}
