"""Rules of Amazon SageMaker: execution roles and instance quotas."""

from __future__ import annotations

import os

from footlake.config import LOCAL_QUOTAS_VARIABLE
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation

AUTOPILOT_INSTANCE = "ml.m5.4xlarge"
DEFAULT_QUOTA = 4.0  # instances


def check_role(call: ApiCall, propagation: Propagation) -> None:
    """Reject an execution role that SageMaker cannot assume."""
    role = call.parameters.get("ExecutionRoleArn") or call.parameters.get("RoleArn")
    if role and not propagation.can_assume(call, role, "sagemaker.amazonaws.com"):
        raise ServiceRejection(
            "ValidationException",
            f"Could not assume role {role}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role.",
        )


def check_automl_job(call: ApiCall, propagation: Propagation) -> None:
    """Check the role and the quotas of the instances that Autopilot uses."""
    check_role(call, propagation)
    for kind in ("processing", "training"):
        _check_quota(f"{AUTOPILOT_INSTANCE} for {kind} job usage")


def check_transform_job(call: ApiCall, propagation: Propagation) -> None:
    """Check the quota of the instances of a batch transform job."""
    _check_quota(f"{call.parameters['TransformResources']['InstanceType']} for transform job usage")


def sagemaker_quotas() -> dict[str, float]:
    """Return the number of instances by quota name.

    The environment variable FOOTLAKE_LOCAL_QUOTAS overrides and adds quotas: `<name>=<value>;…`.
    """
    defaults = {
        f"{instance} for {kind} job usage": DEFAULT_QUOTA
        for instance in ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge")
        for kind in ("training", "processing", "transform")
    }
    settings = os.environ.get(LOCAL_QUOTAS_VARIABLE, "").split(";")
    pairs = (setting.rpartition("=") for setting in settings if setting.strip())
    return defaults | {name.strip(): float(value) for name, _, value in pairs}


def _check_quota(name: str) -> None:
    """Reject a request for instances whose quota is 0. Larger quotas are not counted against."""
    if sagemaker_quotas().get(name, 1) < 1:
        raise ServiceRejection(
            "ResourceLimitExceeded",
            f"The account-level service limit '{name}' is 0 Instances, with current utilization of 0 Instances and a "
            "request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
            "Service Quotas is not available, contact AWS support to request an increase for this quota.",
        )


RULES = {
    "CreateAutoMLJob": check_automl_job,
    "CreateAutoMLJobV2": check_automl_job,
    "CreateModel": check_role,
    "CreateNotebookInstance": check_role,
    "CreateProcessingJob": check_role,
    "CreateTrainingJob": check_role,
    "CreateTransformJob": check_transform_job,
}
