"""Run footlake's command line against a temporary local AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Self

import boto3


class FootlakeCli:
    """The footlake command with a local AWS in `folder`. `settings` become FOOTLAKE_ variables.

    A failing command ends the program.
    """

    def __init__(self, folder: str, **settings: object) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOOTLAKE_"))}
        variables = {f"FOOTLAKE_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment = inherited | variables | {"FOOTLAKE_LOCAL_DIR": folder}

    @classmethod
    @contextmanager
    def temporary(cls, **settings: object) -> Iterator[Self]:
        """Yield a command line with an empty local AWS, which is stopped and removed at the end."""
        with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
            footlake = cls(folder, **settings)
            try:
                yield footlake
            finally:
                footlake.run("local", "stop")

    def run(self, *arguments: str) -> Any:
        """Run a command and return its JSON document."""
        command = [sys.executable, "-m", "footlake", "--local", "--output", "json", *arguments]
        process = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if process.returncode:
            sys.exit(f"{' '.join(arguments)}: {process.stderr}")
        return json.loads(process.stdout)

    @property
    def endpoint(self) -> str:
        """The URL of the local AWS."""
        return str(self.run("local", "status")["endpoint"])

    def client(self, service: str) -> Any:
        """Return a boto3 client of the local AWS with unrestricted permissions."""
        session = boto3.Session("x", "x", region_name="us-east-1")
        return session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    @cached_property
    def bucket(self) -> str:
        """The name of the lake's bucket."""
        buckets = self.client("s3").list_buckets()["Buckets"]
        return next(str(bucket["Name"]) for bucket in buckets if bucket["Name"].startswith("footlake-"))
