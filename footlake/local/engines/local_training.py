"""AutoGluon on this machine without an AWS around it, for `train-autopilot --on-this-machine`."""

from __future__ import annotations

import importlib.util
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footlake.aws_jobs import SHOWN_LINES
from footlake.errors import NotReady, StepFailed
from footlake.local.engines import autopilot_notebooks
from footlake.local.engines.model_worker import ALGORITHMS, FIT_SETTINGS, PROBLEM_TYPES, library_versions
from footlake.local.engines.openmp import with_openmp
from footlake.local.engines.transform import SAFE
from footlake.local.engines.worker import Worker, WorkerDied

PROBLEM, METRIC = "Regression", "MSE"


@dataclass(frozen=True)
class TrainedModel:
    """The best of the `candidates` models: its archive, its metric, and both notebooks by Autopilot's names."""

    archive: bytes
    best_model: str
    candidates: int
    metric: str
    value: float
    versions: dict[str, str]
    notebooks: dict[str, str]


class LocalTrainer:
    """AutoGluon in a child process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "engine.log"
        command = [sys.executable, "-m", "footlake.local.engines.model_worker"]
        self._worker = Worker(command, with_openmp(os.environ, folder / "lib"), self.log)

    def close(self) -> None:
        """End the child."""
        self._worker.close()

    def train(
        self, name: str, training_set: str, source: tuple[str, str], target: str, max_candidates: int, max_seconds: int
    ) -> TrainedModel:
        """Train on a CSV for at most `seconds`; `source` is its bucket and key, for the notebooks."""
        folder = self.folder / name
        folder.mkdir()
        path = folder / "training-set.csv"
        path.write_text(training_set)
        data = {"files": [str(path)], "gzip": False, "target": target}
        analysis = self._ask("analyse", problem=PROBLEM, **data)
        algorithms = list(ALGORITHMS.values())
        done = self._ask(
            "train",
            problem=PROBLEM,
            metric=METRIC,
            algorithms=algorithms,
            candidates=max_candidates,
            seconds=max_seconds,
            seconds_per_model=None,
            folder=str(folder),
            **data,
        )
        if not done["candidates"]:
            raise StepFailed(f"No model was trained within {max_seconds} seconds.", "Give it more: --max-runtime")
        for one in done["candidates"]:
            one["name"] = one["model"]
        best = done["candidates"][0]
        problem = PROBLEM_TYPES[PROBLEM]
        predictor = {"label": target, "problem_type": problem.autogluon, "eval_metric": problem.metrics[METRIC]}
        fit = {"hyperparameters": {algorithm: {} for algorithm in algorithms}, **FIT_SETTINGS}
        libraries = library_versions()
        written = {
            "DataExploration": autopilot_notebooks.data_exploration(name, [source], target, analysis, False),
            "CandidateDefinition": autopilot_notebooks.candidate_definition(
                name, [source], False, predictor, fit, done["candidates"], libraries
            ),
        }
        archive = Path(best["archive"]).read_bytes()
        count, value = len(done["candidates"]), best["metrics"][METRIC]
        return TrainedModel(archive, best["model"], count, METRIC, value, libraries, written)

    def unpack(self, archive: Path) -> Path:
        """The folder of a model's archive, ready to predict."""
        folder = archive.with_name(f"{archive.name}-unpacked")
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, **SAFE)
        except (tarfile.TarError, OSError) as error:
            raise StepFailed(f"The model's archive cannot be read: {error}.", "Train it again.") from error
        return folder

    def predict(self, model: Path, rows: Sequence[Sequence[str]]) -> list[float]:
        """The model's answers, as they are."""
        answer = self._ask("predict", folder=str(model), rows=rows)
        return [float(text) for text in answer["predictions"]]

    def _ask(self, action: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._worker.call({"do": action, **request})
        except WorkerDied as error:
            raise StepFailed(f"AutoGluon's process ended: {error}.", log=self._last_lines()) from error
        if "error" in answer:
            raise StepFailed(f"AutoGluon: {answer['error']}")
        if "crash" in answer:
            raise StepFailed(f"AutoGluon: {answer['crash']}", log=self._last_lines())
        return answer

    def _last_lines(self) -> list[str]:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line for line in lines if line.strip()][-SHOWN_LINES:]


def require_autogluon() -> None:
    """NotReady where AutoGluon is not installed."""
    if importlib.util.find_spec("autogluon") is None:
        raise NotReady("AutoGluon is not installed here.", "pip install 'footlake[local]'")


@contextmanager
def local_trainer() -> Iterator[LocalTrainer]:
    """An engine for the time of a block; NotReady where AutoGluon is not installed."""
    require_autogluon()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        one = LocalTrainer(Path(folder))
        try:
            yield one
        finally:
            one.close()
