"""Start the AutoGluon process (model_worker) and unpack the model archives that it creates."""

from __future__ import annotations

import ctypes.util
import importlib.util
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from footlake.local.engines.worker import Worker

OPENMP_LIBRARY = "libgomp.so.1"
# Python 3.11.2, the version of Debian 12, lacks extraction filters.
_EXTRACT_OPTIONS: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


def start_model_worker(environment: Mapping[str, str], folder: Path, log: Path) -> Worker:
    """Return a worker that trains and predicts with AutoGluon. `folder` is for libraries that the system lacks."""
    command = [sys.executable, "-m", "footlake.local.engines.model_worker"]
    return Worker(command, with_openmp(environment, folder), log)


def extract_model(archive: BinaryIO, folder: Path) -> None:
    """Extract a `model.tar.gz`. Raises TarError or OSError."""
    with tarfile.open(fileobj=archive) as tar:
        tar.extractall(folder, **_EXTRACT_OPTIONS)


def with_openmp(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment in which LightGBM finds the OpenMP library, and its threads wait without using a core.

    A minimal Debian system lacks the library. scikit-learn contains a copy, to which a link in `folder` then points.
    By default a waiting thread keeps its core busy, which other threads and processes then lack.
    """
    environment = {"OMP_WAIT_POLICY": "passive", **environment}
    if ctypes.util.find_library("gomp"):
        return environment
    spec = importlib.util.find_spec("sklearn")
    bundled = Path(spec.origin).parent.parent / "scikit_learn.libs" if spec and spec.origin else None
    copies = sorted(bundled.glob("libgomp*.so*")) if bundled else []
    if not copies:
        return environment
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / OPENMP_LIBRARY
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(copies[0])
    path = environment.get("LD_LIBRARY_PATH")
    return {**environment, "LD_LIBRARY_PATH": f"{folder}:{path}" if path else str(folder)}
