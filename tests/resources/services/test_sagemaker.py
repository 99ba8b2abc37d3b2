"""What trains and scores for the lake is ended with it."""

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
def aws(local_aws: Local) -> Iterator[Trial]:
    role = service_role(local_aws, "SageMakerRole", "sagemaker.amazonaws.com")
    assert role == ROLE
    for executor in (autopilot, transform):  # others' tests may have had them elsewhere
        executor.install(local_aws)
    aws = Trial(local_aws, MODELS.bucket.name)
    aws.put("training/data.csv", f"{HEADER}\n{lines(team_rows(600))}")
    yield aws
    iam = local_aws.client("iam")
    iam.delete_role_policy(RoleName="SageMakerRole", PolicyName="anything")
    iam.delete_role(RoleName="SageMakerRole")


def tag(aws: Trial, kind: str, name: str, tags: Any) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/{name}"
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=tags)


def test_trainings_and_transforms_of_the_lake_are_stopped_and_no_others(lake: AwsContext, aws: Trial) -> None:
    model = aws.model("kept", aws.training_ends(aws.train("for-models")))
    for number in range(4):
        aws.put(f"long/{number}.csv", "1,2,0,4,6,12,50\n" * 60_000)
    assert not MODELS.exists(lake)
    for name, tags in (("xGoals-ours", tag_list(lake)), ("xGoals-theirs", THEIRS), ("notxGoals-x", tag_list(lake))):
        tag(aws, "automl-job", aws.train(name), tags)
    tag(aws, "transform-job", aws.transform("xGoals-ours", model, "long/"), tag_list(lake))
    assert MODELS.exists(lake)
    assert MODELS.destroy(lake) == "deleted"
    assert aws.sagemaker.describe_auto_ml_job_v2(AutoMLJobName="xGoals-ours")["AutoMLJobStatus"] == "Stopped"
    assert aws.sagemaker.describe_transform_job(TransformJobName="xGoals-ours")["TransformJobStatus"] == "Stopped"
    assert not MODELS.exists(lake)
    assert MODELS.destroy(lake) == "absent"
    assert [aws.training_ends(name)["AutoMLJobStatus"] for name in ("xGoals-theirs", "notxGoals-x")] == [
        "Completed",
        "Completed",
    ]
