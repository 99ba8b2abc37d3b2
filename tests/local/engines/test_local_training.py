"""Train and predict on this machine: accuracy on the recorded seasons, trained on one and tested on the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.evaluation import evaluations
from footlake.errors import StepFailed
from footlake.local.engines.local_training import local_trainer


@pytest.mark.thorough
def test_the_model_beats_the_baselines_and_more_statistics_improve_it(recordings: Path) -> None:
    scores = {name: evaluation.scores for name, evaluation in evaluations(recordings)}
    assert [(score.name, score.rows) for score in scores["default"]] == [
        (name, 760) for name in ("xGoals", "mean", "linear", "Poisson")
    ]
    default, extended = (scores[name][0].mse for name in ("default", "extended"))
    assert default <= 1.02
    assert extended <= 1.015
    assert extended < default
    assert round(scores["default"][1].mse, 3) == 1.658


def test_a_failure_on_this_machine_includes_the_end_of_its_log(tmp_path: Path) -> None:
    with local_trainer() as trainer, pytest.raises(StepFailed, match="AutoGluon: FileNotFoundError") as error:
        trainer.predict(tmp_path / "no-model", [["1"]])
    assert "no-model/metadata.json" in error.value.log[-1]
