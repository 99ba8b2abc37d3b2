"""The code that bootstrap uploads."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from footlake.deploy.packaging import zip_layer

IMPORT_ALL = """
import importlib, sys
sys.path.append(sys.argv[1])
for name in sys.argv[2:]:
    print(name, importlib.import_module(name).__file__.startswith(sys.argv[1]))
"""


def test_the_layer_has_requests_and_everything_that_it_imports(tmp_path: Path) -> None:
    """AWS's runtime may lack any of them, and runs another version of Python."""
    (tmp_path / "layer.zip").write_bytes(zip_layer())
    required = [line for line in importlib.metadata.requires("requests") or () if "extra" not in line]
    names = ["requests", *(line.split(">")[0].split("<")[0].strip().replace("-", "_") for line in required)]
    path = str(tmp_path / "layer.zip" / "python")
    program = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, path, *names]
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == [f"{name} True" for name in names]
    assert len(names) > 4
