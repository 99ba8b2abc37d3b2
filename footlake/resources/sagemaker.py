"""What training and scoring leave behind: models, and what still runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from footlake.aws import AwsContext
from footlake.resources.base import Destroyed, Ensured, get_or_none, is_owned
from footlake.resources.iam import IamRole
from footlake.resources.s3 import Bucket

JOBS = {"AutoMLJob": "auto_ml_job", "TransformJob": "transform_job"}


@dataclass(frozen=True)
class SageMakerModels:
    """The models that training made, all of them, and the trainings and transforms that run; bootstrap makes none.

    It holds what a job works with: the jobs are over before that goes.
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
        return bool(self._names(aws)) or any(self._jobs(aws))

    def ensure(self, aws: AwsContext) -> Ensured:
        return "unchanged"

    def destroy(self, aws: AwsContext) -> Destroyed:
        client, jobs = aws.client("sagemaker"), list(self._jobs(aws))
        for kind, name, status in jobs:
            if status == "InProgress":  # which it may be no more
                get_or_none(getattr(client, f"stop_{JOBS[kind]}"), "ValidationException", **{f"{kind}Name": name})
        if jobs:
            gone = "trainings and transforms to stop"
            aws.wait_until(gone, lambda: None if any(self._jobs(aws)) else True, every=10, limit=900)
        names = self._names(aws)
        for name in names:
            client.delete_model(ModelName=name)
        return "deleted" if names or jobs else "absent"

    def _names(self, aws: AwsContext) -> list[str]:
        """This lake's models."""
        pages = aws.client("sagemaker").get_paginator("list_models").paginate(NameContains=f"{self.name}-")
        models = [model for page in pages for model in page["Models"]]
        return [one["ModelName"] for one in models if self._is_ours(aws, one["ModelName"], one["ModelArn"])]

    def _jobs(self, aws: AwsContext) -> Iterator[tuple[str, str, str]]:
        """This lake's trainings and transforms that are not over: kind, name, status."""
        for kind, job in JOBS.items():
            pages = aws.client("sagemaker").get_paginator(f"list_{job}s")
            for status in ("InProgress", "Stopping"):
                for page in pages.paginate(NameContains=f"{self.name}-", StatusEquals=status):
                    for one in page[f"{kind}Summaries"]:
                        if self._is_ours(aws, one[f"{kind}Name"], one[f"{kind}Arn"]):
                            yield kind, one[f"{kind}Name"], status

    def _is_ours(self, aws: AwsContext, name: str, arn: str) -> bool:
        """Whether it is named so, and tagged."""
        return name.startswith(f"{self.name}-") and is_owned(
            aws, aws.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]
        )
