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
from tests.support.sagemaker import HEADER, ROLE, SageMakerHarness, random_team_rows, to_csv

MODELS = SageMakerModels("xGoals", IamRole("SageMakerRole", "sagemaker.amazonaws.com", {}), Bucket("models-sagemaker"))
THEIRS = [{"Key": "footlake", "Value": "another"}]


@pytest.fixture(scope="module")
def sagemaker(local_aws: Local) -> Iterator[SageMakerHarness]:
    role = service_role(local_aws, "SageMakerRole", "sagemaker.amazonaws.com")
    assert role == ROLE
    for executor in (autopilot, transform):  # other tests may have installed them for another local AWS
        executor.install(local_aws)
    sagemaker = SageMakerHarness(local_aws, MODELS.bucket.name)
    sagemaker.put_object("training/data.csv", f"{HEADER}\n{to_csv(random_team_rows(600))}")
    yield sagemaker
    iam = local_aws.client("iam")
    iam.delete_role_policy(RoleName="SageMakerRole", PolicyName="anything")
    iam.delete_role(RoleName="SageMakerRole")


def tag(sagemaker: SageMakerHarness, kind: str, name: str, tags: Any) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}"
    sagemaker.sagemaker.add_tags(ResourceArn=arn, Tags=tags)


@pytest.mark.thorough
def test_trainings_and_transforms_of_the_lake_are_stopped_and_no_others(
    aws: AwsContext, sagemaker: SageMakerHarness
) -> None:
    model = sagemaker.create_model("kept", sagemaker.wait_for_training(sagemaker.start_training("for-models")))
    for number in range(4):
        sagemaker.put_object(f"long/{number}.csv", "1,2,0,4,6,12,50\n" * 60_000)
    assert not MODELS.exists(aws)
    for name, tags in (("xGoals-ours", tag_list(aws)), ("xGoals-theirs", THEIRS), ("notxGoals-x", tag_list(aws))):
        tag(sagemaker, "automl-job", sagemaker.start_training(name), tags)
    tag(sagemaker, "transform-job", sagemaker.start_transform("xGoals-ours", model, "long/"), tag_list(aws))
    assert MODELS.exists(aws)
    assert MODELS.destroy(aws) == "deleted"
    assert sagemaker.sagemaker.describe_auto_ml_job_v2(AutoMLJobName="xGoals-ours")["AutoMLJobStatus"] == "Stopped"
    assert sagemaker.sagemaker.describe_transform_job(TransformJobName="xGoals-ours")["TransformJobStatus"] == "Stopped"
    assert not MODELS.exists(aws)
    assert MODELS.destroy(aws) == "absent"
    assert [sagemaker.wait_for_training(name)["AutoMLJobStatus"] for name in ("xGoals-theirs", "notxGoals-x")] == [
        "Completed",
        "Completed",
    ]
