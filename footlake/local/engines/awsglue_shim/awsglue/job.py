"""awsglue.job: job bookmarks, which the local AWS does not keep."""

from __future__ import annotations

from collections.abc import Mapping

from awsglue.context import GlueContext


class Job:
    """Accepts the calls with which a script marks its start and end."""

    def __init__(self, glue_context: GlueContext) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: Mapping[str, str] | None = None) -> None:
        """Mark the start of a job; does nothing."""

    def commit(self) -> None:
        """Mark the end of a job; does nothing."""
