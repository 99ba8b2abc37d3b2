"""What training leaves behind: models."""

from __future__ import annotations

from dataclasses import dataclass

from footlake.lake import Lake
from footlake.resources.base import Destroyed, Ensured, is_ours


@dataclass(frozen=True)
class Models:
    """The models that training made, all of them; bootstrap makes none."""

    name: str

    @property
    def label(self) -> str:
        return f"models {self.name}-*"

    def exists(self, lake: Lake) -> bool:
        return bool(self._names(lake))

    def ensure(self, lake: Lake) -> Ensured:
        return "unchanged"

    def destroy(self, lake: Lake) -> Destroyed:
        names = self._names(lake)
        for name in names:
            lake.client("sagemaker").delete_model(ModelName=name)
        return "deleted" if names else "absent"

    def _names(self, lake: Lake) -> list[str]:
        """This lake's models: named so, and tagged."""
        client = lake.client("sagemaker")
        pages = client.get_paginator("list_models").paginate(NameContains=f"{self.name}-")
        models = [model for page in pages for model in page["Models"]]
        return [
            model["ModelName"]
            for model in models
            if model["ModelName"].startswith(f"{self.name}-")
            and is_ours(lake, client.list_tags(ResourceArn=model["ModelArn"])["Tags"])
        ]
