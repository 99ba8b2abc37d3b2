"""The command line on a local AWS of its own, for what is measured from outside."""

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
import pymysql


class Footlake:
    """The command, with settings by name: `Footlake(folder, recordings=…)`. Where it fails, the program ends."""

    def __init__(self, folder: str, **settings: object) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOOTLAKE_"))}
        named = {f"FOOTLAKE_{name.upper()}": str(value) for name, value in settings.items()}
        self.environment = kept | named | {"FOOTLAKE_LOCAL_DIR": folder}

    @classmethod
    @contextmanager
    def of_its_own(cls, **settings: object) -> Iterator[Self]:
        """One whose local AWS begins empty, and goes at the end."""
        with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
            footlake = cls(folder, **settings)
            try:
                yield footlake
            finally:
                footlake.run("local", "stop")

    def run(self, *arguments: str) -> Any:
        """The command's document."""
        command = [sys.executable, "-m", "footlake", "--local", "--output", "json", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout)

    @property
    def endpoint(self) -> str:
        """Where its AWS answers."""
        return str(self.run("local", "status")["endpoint"])

    def mysql(self, query: str, *values: Any) -> tuple[tuple[Any, ...], ...]:
        """The rows of a query."""
        where = self.run("local", "status")["mysql"]
        with pymysql.connect(**where, ssl={"check_hostname": False}) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def client(self, service: str) -> Any:
        """A client of its AWS that may do everything."""
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.endpoint, **keys)

    @cached_property
    def bucket(self) -> str:
        """The data lake."""
        buckets = self.client("s3").list_buckets()["Buckets"]
        return next(one["Name"] for one in buckets if one["Name"].startswith("footlake-"))
