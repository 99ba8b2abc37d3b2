"""The evaluation of a model, compared with values computed by hand."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict
from xml.etree import ElementTree

import pandas as pd
import pytest

from footlake.model import evaluation
from footlake.model.evaluation import Evaluation, evaluate, summary_lines

TRAINING = pd.DataFrame({"goals": [0, 1, 2, 1], "shots": [1, 3, 5, 3]})
TEST = pd.DataFrame({"goals": [0, 1, 2, 4], "shots": [1, 3, 5, 9]})


def by_name(judged: Evaluation) -> dict[str, evaluation.Score]:
    return {score.name: score for score in judged.scores}


def test_errors_equal_a_calculation_by_hand() -> None:
    judged = evaluate("xGoals", TRAINING, TEST, [0.5, 1, 1, 3], ["39-2019"], ["39-2020"])
    scores = by_name(judged)
    assert list(scores) == ["xGoals", "mean", "linear", "Poisson"]
    assert scores["xGoals"].mse == pytest.approx((0.25 + 0 + 1 + 1) / 4)
    # of the four squared errors the mean is 0.5625, the sum of their squares 2.0625
    assert scores["xGoals"].mse_error == pytest.approx(math.sqrt((2.0625 - 4 * 0.5625**2) / (4 - 1) / 4))
    assert scores["xGoals"].mae == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    # the mean of the training rows is 1, whatever the mean of the test rows is
    assert scores["mean"].mse == pytest.approx((1 + 0 + 1 + 9) / 4)
    assert scores["mean"].r2 == 0
    assert scores["xGoals"].r2 == pytest.approx(1 - 2.25 / 11)
    assert scores["linear"].mse == pytest.approx(0)  # goals are (shots - 1) / 2
    assert (judged.trained_rows, judged.tested_rows) == (4, 4)


def test_poisson_regression_of_two_kinds_of_rows_predicts_the_mean_of_each() -> None:
    """As nothing pulls it towards the mean of all."""
    training = pd.DataFrame({"goals": [0, 2, 2, 4], "shots": [1, 1, 5, 5]})
    test = pd.DataFrame({"goals": [1, 3], "shots": [1, 5]})
    scores = by_name(evaluate("xGoals", training, test, [1, 3], ["a"], ["b"]))
    assert scores["Poisson"].mae == pytest.approx(0, abs=1e-3)


def test_the_xg_of_the_provider_is_compared_on_rows_that_have_it() -> None:
    judged = evaluate("xGoals", TRAINING, TEST, [0, 1, 2, 3], ["a"], ["b"], [None, 1.5, None, 2])
    scores = by_name(judged)
    assert scores["provider"].rows == 2
    assert scores["provider"].mse == pytest.approx((0.25 + 4) / 2)
    assert (scores["xGoals, same rows"].rows, scores["xGoals, same rows"].mse) == (2, 0.5)
    assert scores["xGoals"].rows == 4


def test_negative_predictions_count_as_zero() -> None:
    judged = evaluate("xGoals", TRAINING, TEST, [-2, 1, 2, 4], ["a"], ["b"])
    assert by_name(judged)["xGoals"].mse == 0
    assert min(group.predicted for group in judged.calibration) == 0


def test_calibration_groups_contain_all_rows_in_order_of_xg() -> None:
    chance = random.Random(1)
    xg = [chance.uniform(0, 4) for _ in range(205)]
    table = pd.DataFrame({"goals": [chance.random() < 0.5 for _ in xg], "shots": xg}).astype(float)
    groups = evaluate("xGoals", table, table, xg, ["a"], ["b"]).calibration
    assert len(groups) == 10
    assert sum(group.rows for group in groups) == 205
    assert [group.predicted for group in groups] == sorted(group.predicted for group in groups)
    assert sum(group.predicted * group.rows for group in groups) == pytest.approx(sum(xg))
    assert sum(group.goals * group.rows for group in groups) == pytest.approx(table["goals"].sum())


def test_a_calibration_group_of_two_rows_equals_a_calculation_by_hand() -> None:
    table = pd.DataFrame({"goals": [0, 1] * 10, "shots": range(20)})
    groups = evaluate("xGoals", table, table, list(range(20)), ["a"], ["b"]).calibration
    assert [(group.rows, group.goals) for group in groups] == [(2, 0.5)] * 10
    # the sample variance of 0 and 1 is 1/2, that of their mean is half of it
    assert [group.goals_error for group in groups] == pytest.approx([0.5] * 10)


def test_baselines_accept_missing_statistics() -> None:
    gap = TRAINING.assign(fouls=[math.nan, 3, 4, 5])
    judged = evaluate("xGoals", gap, TEST.assign(fouls=[math.nan, 1, math.nan, 2]), [0, 1, 2, 3], ["a"], ["b"])
    assert all(score.rows == 4 for score in judged.scores)


def test_an_evaluation_of_one_row_has_a_summary() -> None:
    judged = evaluate("xGoals", TRAINING, TEST.head(1), [1.0], ["a"], ["b"])
    assert [group.rows for group in judged.calibration] == [1]
    assert "xGoals" in "\n".join(summary_lines(judged))


def test_an_evaluation_can_be_restored_from_its_json() -> None:
    judged = evaluate("xGoals", TRAINING, TEST, [0, 1, 2, 3], ["a"], ["b"], [1, None, None, None])
    assert Evaluation.of(json.loads(json.dumps(asdict(judged)))) == judged


def test_the_figure_is_valid_svg_and_has_a_text_description() -> None:
    judged = evaluate("x<Goals>", TRAINING, TEST, [0, 1, 2, 3], ["39-2019"], ["39-2020"])
    root = ElementTree.fromstring(evaluation.evaluation_svg(judged))
    assert "x<Goals> 0.250" in root.attrib["aria-label"]
    assert len(root.findall(".//{*}circle")) == len(judged.calibration)
