"""Tests of `footlake record`: the local football API replays a recording like the API that was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from footlake.commands.record import record
from footlake.errors import FootlakeError, QuotaExceeded, StepFailed
from footlake.football.api import FootballApi
from footlake.lake.s3_keys import Season
from footlake.local.football.plans import FREE, PRO, ApiPlan
from footlake.local.football.recordings import Recordings
from footlake.local.football.simulator import Simulator
from footlake.local.football.table_rules import TableRules
from tests.support.ingestion_trial import IngestionTrial, ingestion_trial

SEASON = Season(39, 2022)
NOVEMBER = datetime(2022, 11, 8, tzinfo=UTC)
SECRET = "a-very-secret-key"


def api_client(trial: IngestionTrial, budget: int | None = None) -> FootballApi:
    """Return a client of the trial's football API, with the trial's clock."""
    return FootballApi(trial.base, SECRET, sleep=trial.time.advance, clock=lambda: trial.time.seconds, budget=budget)


@pytest.mark.parametrize("plan", [PRO, ApiPlan("Free", per_day=1000, per_minute=10, ids=False)])
def test_a_recording_replays_the_answers_and_does_not_contain_the_key(
    client: Callable[[str], Any], tmp_path: Path, plan: ApiPlan
) -> None:
    with ingestion_trial(client("s3"), Simulator(), NOVEMBER, plan) as api_trial:
        recorded = record(api_client(api_trial), tmp_path, SEASON)
    replayed, simulated = Recordings(tmp_path), Simulator()
    assert replayed.fixtures(*SEASON, NOVEMBER) == simulated.fixtures(*SEASON, NOVEMBER)
    played = [one["fixture"]["id"] for one in simulated.fixtures(*SEASON, NOVEMBER) if one["goals"]["home"] is not None]
    assert len(played) == recorded.statistics > 100
    assert all(replayed.statistics(match, NOVEMBER) == simulated.statistics(match, NOVEMBER) for match in played)
    answers = [json.loads(path.read_text()) for path in tmp_path.rglob("standings-*.json")]
    assert [answer["get"] for answer in answers] == ["standings", "standings"]
    assert all(answer["response"] == replayed.standings(*SEASON, NOVEMBER) for answer in answers)
    (table,) = answers[0]["response"][0]["league"]["standings"]
    assert sum(row["all"]["played"] for row in table) == 2 * len(played)
    assert not any(SECRET in path.read_text() for path in tmp_path.rglob("*.json"))


def test_a_recording_continues_after_a_quota(client: Callable[[str], Any], tmp_path: Path) -> None:
    with ingestion_trial(client("s3"), Simulator(), NOVEMBER) as api_trial:
        with pytest.raises(QuotaExceeded):
            record(api_client(api_trial, budget=3), tmp_path, SEASON)
        recorded = record(api_client(api_trial), tmp_path, SEASON)
        assert api_trial.requests == 3 + 2 + -(-(recorded.statistics - 20) // 20)


@pytest.mark.parametrize("text", ["[]", "[1]", '{"1": 2}', "{half", "\udcff"])
def test_a_file_that_is_no_recording_is_reported_and_kept(
    client: Callable[[str], Any], tmp_path: Path, text: str
) -> None:
    path = tmp_path / f"statistics-{SEASON}.json"
    path.write_text(text, errors="surrogateescape")
    with (
        ingestion_trial(client("s3"), Simulator(), NOVEMBER) as api_trial,
        pytest.raises(FootlakeError, match="is not a recording") as refused,
    ):
        record(api_client(api_trial), tmp_path, SEASON)
    assert "Move or delete this file" in refused.value.hint
    assert path.read_text(errors="surrogateescape") == text


def test_a_season_that_the_plan_excludes_is_reported(client: Callable[[str], Any], tmp_path: Path) -> None:
    with (
        ingestion_trial(client("s3"), Simulator(), NOVEMBER, FREE) as api_trial,
        pytest.raises(StepFailed, match="do not have access to this season") as refused,
    ):
        record(api_client(api_trial), tmp_path, Season(39, 2020))
    assert "season that the plan includes" in refused.value.hint


def test_a_league_without_standings_is_replayed_without_them(client: Callable[[str], Any], tmp_path: Path) -> None:
    with ingestion_trial(client("s3"), Simulator(), NOVEMBER) as api_trial:
        api_trial.rules = {"39": TableRules(standings=False)}
        record(api_client(api_trial), tmp_path, SEASON)
    assert Recordings(tmp_path).standings(*SEASON, NOVEMBER) == []


def test_a_refusal_of_standings_does_not_stop_a_recording(client: Callable[[str], Any], tmp_path: Path) -> None:
    lines: list[str] = []
    with ingestion_trial(client("s3"), Simulator(), NOVEMBER) as api_trial:
        api = api_client(api_trial)
        api.standings = lambda league, season: api.get("standings", {"league": league})  # type: ignore[method-assign]
        assert record(api, tmp_path, SEASON, lines.append).statistics > 100
    assert "league 39 season 2022: no standings: " in lines[0] and "The Season field is required." in lines[0]
    assert Recordings(tmp_path).standings(*SEASON, NOVEMBER) is None
