"""The bookmark of a Glue job, of which the local AWS keeps none."""

from __future__ import annotations

from collections.abc import Mapping

from awsglue.context import GlueContext


class Job:
    """Accepts what a script says of its progress."""

    def __init__(self, glue_context: GlueContext) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: Mapping[str, str] | None = None) -> None:
        """Begin a job."""

    def commit(self) -> None:
        """End a job."""
