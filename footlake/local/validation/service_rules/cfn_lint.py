"""Read the data files of cfn-lint, which are generated from AWS."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def load_data(*path: str) -> Any:
    """Return the content of a JSON file below cfn-lint's data folder.

    The folder is found without an import of cfn-lint, which would load sympy and networkx for its rules.
    """
    spec = find_spec("cfnlint")
    assert spec and spec.origin
    return json.loads(Path(spec.origin).with_name("data").joinpath(*path).read_text(encoding="utf-8"))


def load_extension_schema(resource_type: str, name: str) -> Any:
    """Return one of the JSON schemas that extend a CloudFormation resource type such as `aws_rds_dbinstance`."""
    return load_data("schemas", "extensions", resource_type, f"{name}.json")
