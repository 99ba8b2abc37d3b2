"""Teardown ends the lake's training and transform jobs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from footlake.aws import AwsContext
from footlake.local.context import Local
from footlake.local.engines import autopilot, transform
from footlake.resources.base import tag_list
from footlake.resources.iam import IamRole
from footlake.resources.s3 import Bucket
from footlake.resources.sagemaker import SageMakerModels
from tests.conftest import service_role
from tests.local.sagemaker_kit import HEADER, ROLE, Trial, lines, team_rows

MODELS = SageMakerModels("xGoals", IamRole("SageMakerRole", "sagemaker.amazonaws.com", {}), Bucket("models-trial"))
THEIRS = [{"Key": "footlake", "Value": "another"}]


@pytest.fixture(scope="module")
def trial(local_aws: Local) -> Iterator[Trial]:
    role = service_role(local_aws, "SageMakerRole", "sagemaker.amazonaws.com")
    assert role == ROLE
    for executor in (autopilot, transform):  # other tests may have installed them for another local AWS
        executor.install(local_aws)
    trial = Trial(local_aws, MODELS.bucket.name)
    trial.put("training/data.csv", f"{HEADER}\n{lines(team_rows(600))}")
    yield trial
    iam = local_aws.client("iam")
    iam.delete_role_policy(RoleName="SageMakerRole", PolicyName="anything")
    iam.delete_role(RoleName="SageMakerRole")


def tag(trial: Trial, kind: str, name: str, tags: Any) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}"
    trial.sagemaker.add_tags(ResourceArn=arn, Tags=tags)


def test_trainings_and_transforms_of_the_lake_are_stopped_and_no_others(aws: AwsContext, trial: Trial) -> None:
    model = trial.model("kept", trial.training_ends(trial.train("for-models")))
    for number in range(4):
        trial.put(f"long/{number}.csv", "1,2,0,4,6,12,50\n" * 60_000)
    assert not MODELS.exists(aws)
    for name, tags in (("xGoals-ours", tag_list(aws)), ("xGoals-theirs", THEIRS), ("notxGoals-x", tag_list(aws))):
        tag(trial, "automl-job", trial.train(name), tags)
    tag(trial, "transform-job", trial.transform("xGoals-ours", model, "long/"), tag_list(aws))
    assert MODELS.exists(aws)
    assert MODELS.destroy(aws) == "deleted"
    assert trial.sagemaker.describe_auto_ml_job_v2(AutoMLJobName="xGoals-ours")["AutoMLJobStatus"] == "Stopped"
    assert trial.sagemaker.describe_transform_job(TransformJobName="xGoals-ours")["TransformJobStatus"] == "Stopped"
    assert not MODELS.exists(aws)
    assert MODELS.destroy(aws) == "absent"
    assert [trial.training_ends(name)["AutoMLJobStatus"] for name in ("xGoals-theirs", "notxGoals-x")] == [
        "Completed",
        "Completed",
    ]
