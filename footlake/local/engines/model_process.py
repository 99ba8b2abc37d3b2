"""Start the AutoGluon process (model_worker) and unpack the model archives that it creates."""

from __future__ import annotations

import ctypes.util
import importlib.util
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from footlake.local.context import Local
from footlake.local.engines.worker import Worker, WorkerDied

OPENMP_LIBRARY = "libgomp.so.1"
# Python 3.11.2, the version of Debian 12, lacks extraction filters.
_EXTRACT_OPTIONS: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
_workers: ModelWorkers | None = None  # one per process, because moto is global


def model_workers(local: Local) -> ModelWorkers:
    """Return the AutoGluon processes of a local AWS."""
    global _workers
    if _workers is None or _workers.local is not local:
        _workers = ModelWorkers(local)
    return _workers


def start_model_worker(environment: Mapping[str, str], folder: Path, log: Path) -> Worker:
    """Return a worker that trains and predicts with AutoGluon. `folder` is for libraries that the system lacks."""
    command = [sys.executable, "-m", "footlake.local.engines.model_worker"]
    return Worker(command, with_openmp(environment, folder), log)


class ModelWorkers:
    """The AutoGluon processes of one local AWS. Starting one takes seconds, so a job leaves its process to the next."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self._workers: list[Worker] = []
        self._idle: list[Worker] = []
        local.at_close(self.close)

    @contextmanager
    def borrow(self) -> Iterator[Worker]:
        """Provide a worker that no other caller uses meanwhile."""
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = self._create()
        try:
            yield worker
        finally:
            self._idle.append(worker)

    def warm_up(self) -> None:
        """Load AutoGluon in the background, before the first job needs it."""

        def load() -> None:
            with self.borrow() as worker, suppress(WorkerDied):  # the local AWS has stopped
                worker.call({"do": "load"})

        self.local.background(load, "autogluon-start")

    def close(self) -> None:
        """End all processes."""
        for worker in list(self._workers):
            worker.close()

    def _create(self) -> Worker:
        folder = self.local.dir
        worker = start_model_worker(self.local.environment(), folder / "lib", folder / "logs" / "autogluon.log")
        self._workers.append(worker)
        return worker


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
