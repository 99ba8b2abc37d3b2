"""Read the data files of cfn-lint, which are generated from AWS."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def load_data(*path: str) -> Any:
    """Return the content of a JSON file below cfn-lint's data folder."""
    return json.loads(files("cfnlint").joinpath("data", *path).read_text(encoding="utf-8"))


def load_extension_schema(resource_type: str, name: str) -> Any:
    """Return one of the JSON schemas that extend a CloudFormation resource type such as `aws_rds_dbinstance`."""
    return load_data("schemas", "extensions", resource_type, f"{name}.json")
