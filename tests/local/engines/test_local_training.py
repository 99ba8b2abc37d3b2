"""The engine without an AWS: what it reaches on the recorded seasons, trained on one and tested on the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.evaluation import evaluations
from footlake.errors import StepFailed
from footlake.local.engines.local_training import local_trainer


@pytest.mark.thorough
def test_the_model_is_worth_trusting_and_more_statistics_make_it_better(recordings: Path) -> None:
    judged = {name: found.scores for name, found in evaluations(recordings)}
    assert [(score.name, score.rows) for score in judged["default"]] == [
        (name, 760) for name in ("xGoals", "mean", "linear", "Poisson")
    ]
    default, extended = (judged[name][0].mse for name in ("default", "extended"))
    assert default <= 1.02
    assert extended <= 1.015
    assert extended < default
    assert round(judged["default"][1].mse, 3) == 1.658


def test_what_fails_on_this_machine_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    with local_trainer() as autogluon, pytest.raises(StepFailed, match="AutoGluon: FileNotFoundError") as failed:
        autogluon.predict(tmp_path / "no-model", [["1"]])
    assert "no-model/metadata.json" in failed.value.log[-1]
