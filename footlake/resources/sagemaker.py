"""SageMaker models, and running training and transform jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from footlake.aws import AwsContext
from footlake.aws_errors import get_or_none
from footlake.resources.base import Destroyed, Ensured, is_owned
from footlake.resources.iam import IamRole
from footlake.resources.s3 import Bucket

JOBS = {"AutoMLJob": "auto_ml_job", "TransformJob": "transform_job"}


@dataclass(frozen=True)
class SageMakerModels:
    """All models created by training, and the training and transform jobs that run. Bootstrap creates none of them.

    Holds the resources that a job uses, so that jobs end before these are deleted.
    """

    name: str
    role: IamRole
    bucket: Bucket

    @property
    def label(self) -> str:
        return f"models {self.name}-*"

    @property
    def traces(self) -> tuple[str, ...]:
        """Patterns of the models' ARNs."""
        return (f"arn:*:sagemaker:*:model/{self.name.lower()}-*",)

    def exists(self, aws: AwsContext) -> bool:
        return bool(self._model_names(aws)) or any(self._active_jobs(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        return "unchanged"

    def destroy(self, aws: AwsContext) -> Destroyed:
        client, jobs = aws.client("sagemaker"), list(self._active_jobs(aws))
        for kind, name, status in jobs:
            if status == "InProgress":  # the job may have ended meanwhile: ValidationException
                get_or_none(getattr(client, f"stop_{JOBS[kind]}"), "ValidationException", **{f"{kind}Name": name})
        if jobs:
            awaited = "training and transform jobs to stop"
            aws.wait_until(awaited, lambda: None if any(self._active_jobs(aws)) else True, every=10, limit=900)
        models = self._model_names(aws)
        for model in models:
            client.delete_model(ModelName=model)
        return "deleted" if models or jobs else "absent"

    def _model_names(self, aws: AwsContext) -> list[str]:
        """Return the names of this lake's models."""
        pages = aws.client("sagemaker").get_paginator("list_models").paginate(NameContains=f"{self.name}-")
        models = [model for page in pages for model in page["Models"]]
        return [model["ModelName"] for model in models if self._is_ours(aws, model["ModelName"], model["ModelArn"])]

    def _active_jobs(self, aws: AwsContext) -> Iterator[tuple[str, str, str]]:
        """Yield kind, name and status of this lake's training and transform jobs that have not ended."""
        for kind, job in JOBS.items():
            paginator = aws.client("sagemaker").get_paginator(f"list_{job}s")
            for status in ("InProgress", "Stopping"):
                for page in paginator.paginate(NameContains=f"{self.name}-", StatusEquals=status):
                    for summary in page[f"{kind}Summaries"]:
                        if self._is_ours(aws, summary[f"{kind}Name"], summary[f"{kind}Arn"]):
                            yield kind, summary[f"{kind}Name"], status

    def _is_ours(self, aws: AwsContext, name: str, arn: str) -> bool:
        """Return whether a model or job has this lake's name prefix and tag."""
        return name.startswith(f"{self.name}-") and is_owned(
            aws, aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
        )
