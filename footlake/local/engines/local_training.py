"""Train and predict with AutoGluon without an AWS, for `train-autopilot --on-this-machine`."""

from __future__ import annotations

import importlib.util
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
from footlake.local.engines.automl_settings import ALGORITHMS, library_versions
from footlake.local.engines.model_process import extract_model, start_model_worker
from footlake.local.engines.worker import WorkerDied
from footlake.local.environment import inherited_environment
from footlake.local.files import require_support

PROBLEM, METRIC = "Regression", "MSE"


@dataclass(frozen=True)
class TrainedModel:
    """The best model: the bytes of its archive, its name and the `value` of its `metric`.

    `candidates` is the number of trained models. `notebooks` maps Autopilot's names of the notebooks to their JSON.
    """

    archive: bytes
    best_model: str
    candidates: int
    metric: str
    value: float
    versions: dict[str, str]
    notebooks: dict[str, str]


class LocalTrainer:
    """Trains and predicts in an AutoGluon process. `folder` holds its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "engine.log"
        self._worker = start_model_worker(inherited_environment(), folder / "lib", self.log)

    def close(self) -> None:
        """End the AutoGluon process."""
        self._worker.close()

    def train(
        self, name: str, training_set: str, source: tuple[str, str], target: str, max_candidates: int, max_seconds: int
    ) -> TrainedModel:
        """Train on a CSV text; `source` is its bucket and key, which the notebooks show. Raises StepFailed."""
        folder = self.folder / name
        folder.mkdir()
        path = folder / "training-set.csv"
        path.write_text(training_set, encoding="utf-8")
        files = {"files": [str(path)], "gzip": False, "target": target}
        algorithms = list(ALGORITHMS.values())
        analysis = self._request("analyse", problem=PROBLEM, **files)
        candidates = self._request(
            "train",
            problem=PROBLEM,
            metric=METRIC,
            algorithms=algorithms,
            candidates=max_candidates,
            seconds=max_seconds,
            seconds_per_model=None,
            folder=str(folder),
            **files,
        )["candidates"]
        if not candidates:
            raise StepFailed(
                f"No model was trained within {max_seconds} seconds.", "Allow more time with --max-runtime."
            )
        for candidate in candidates:
            candidate["name"] = candidate["model"]
        best = candidates[0]
        data = autopilot_notebooks.TrainingData(name, [source], gzip=False, target=target)
        return TrainedModel(
            archive=Path(best["archive"]).read_bytes(),
            best_model=best["model"],
            candidates=len(candidates),
            metric=METRIC,
            value=best["metrics"][METRIC],
            versions=library_versions(),
            notebooks={
                "DataExploration": autopilot_notebooks.data_exploration(data, analysis),
                "CandidateDefinition": autopilot_notebooks.candidate_definition(
                    data, PROBLEM, METRIC, algorithms, candidates
                ),
            },
        )

    def unpack(self, archive: Path) -> Path:
        """Extract a model's archive next to it and return the folder. Raises StepFailed."""
        folder = archive.with_name(f"{archive.name}-unpacked")
        try:
            with archive.open("rb") as file:
                extract_model(file, folder)
        except (tarfile.TarError, OSError) as error:
            raise StepFailed(f"Cannot read the model archive: {error}.", "Train the model again.") from error
        return folder

    def predict(self, model: Path, rows: Sequence[Sequence[str]]) -> list[float]:
        """Return the prediction for each row, by the model extracted in the folder `model`."""
        answer = self._request("predict", folder=str(model), rows=rows)
        return [float(text) for text in answer["predictions"]]

    def _request(self, action: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._worker.call({"do": action, **arguments})
        except WorkerDied as error:
            raise StepFailed(f"The AutoGluon process ended: {error}.", log=self._last_log_lines()) from error
        if "error" in answer:
            raise StepFailed(f"AutoGluon: {answer['error']}")
        if "crash" in answer:
            raise StepFailed(f"AutoGluon: {answer['crash']}", log=self._last_log_lines())
        return answer

    def _last_log_lines(self) -> list[str]:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        return [line for line in lines if line.strip()][-SHOWN_LINES:]


def require_autogluon() -> None:
    """Raise NotReady if AutoGluon is not installed, and FootlakeError if it cannot run on this system."""
    require_support()
    if importlib.util.find_spec("autogluon") is None:
        raise NotReady("AutoGluon is not installed.", "Install it: pip install 'footlake[local]'")


@contextmanager
def local_trainer() -> Iterator[LocalTrainer]:
    """Yield a trainer with a temporary folder. Raises NotReady if AutoGluon is not installed."""
    require_autogluon()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        trainer = LocalTrainer(Path(folder))
        try:
            yield trainer
        finally:
            trainer.close()
