"""Inject faults into the local football API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from footlake.local.football.api import create_application, create_server
from footlake.local.football.faults import FAULTS, FaultSettings, inject_faults
from footlake.local.football.simulator import Simulator
from tests.conftest import Cli

NOW = datetime(2023, 7, 1, tzinfo=UTC)
ID = 39_022_000


class FaultyApi:
    """A served API; `settings` may change at any time."""

    def __init__(self) -> None:
        self.settings = FaultSettings()
        self.httpd = create_server(inject_faults(create_application(Simulator(), lambda: NOW), lambda: self.settings))
        Thread(target=self.httpd.serve_forever, args=(0.01,), daemon=True).start()

    def get(self, path: str = "fixtures/statistics", **parameters: Any) -> requests.Response:
        url = f"http://127.0.0.1:{self.httpd.server_port}/{path}"
        return requests.get(url, params=parameters or {"fixture": ID}, headers={"x-apisports-key": "k"}, timeout=5)

    def set_rates(self, **rates: float) -> None:
        self.settings = FaultSettings(failures={kind.replace("_", "-"): rate for kind, rate in rates.items()})


@pytest.fixture
def api() -> Iterator[FaultyApi]:
    api = FaultyApi()
    yield api
    api.httpd.shutdown()
    api.httpd.server_close()


@pytest.mark.parametrize(("kind", "status"), [("429", 429), ("499", 499), ("204", 204)])
def test_an_error_status_comes_without_data(api: FaultyApi, kind: str, status: int) -> None:
    api.settings = FaultSettings(failures={kind: 1.0})
    answer = api.get()
    assert answer.status_code == status
    assert b"response" not in answer.content


def test_server_errors_are_of_several_kinds(api: FaultyApi) -> None:
    api.settings = FaultSettings(failures={"5xx": 1.0})
    assert {api.get().status_code for _ in range(30)} == {500, 502, 503}


def test_a_cut_connection_breaks_in_the_middle_of_the_body(api: FaultyApi) -> None:
    api.set_rates(cut=1.0)
    with pytest.raises(requests.RequestException):
        api.get()


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_bodies_that_are_not_json_come_with_status_200(api: FaultyApi, kind: str) -> None:
    api.settings = FaultSettings(failures={kind: 1.0})
    answer = api.get()
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


def test_a_field_is_missing(api: FaultyApi) -> None:
    whole = api.get().json()
    api.set_rates(fields=1.0)
    for _ in range(20):
        answer = api.get().json()
        assert answer.keys() < whole.keys() or any(
            one.keys() < other.keys() for one, other in zip(answer["response"], whole["response"], strict=True)
        )


def test_an_error_comes_with_status_200(api: FaultyApi) -> None:
    api.set_rates(error=1.0)
    answer = api.get()
    assert (answer.status_code, list(answer.json()["errors"]), answer.json()["response"]) == (200, ["bug"], [])


@pytest.mark.parametrize(("kind", "sides"), [("empty", 0), ("one-sided", 1), ("incoherent", 2)])
def test_statistics_are_corrupted_match_by_match(api: FaultyApi, kind: str, sides: int) -> None:
    whole = api.get().json()["response"]
    api.settings = FaultSettings(failures={kind: 1.0})
    corrupted = api.get().json()["response"]
    assert len(corrupted) == sides
    assert corrupted != whole
    api.settings = FaultSettings(failures={kind: 0.5})
    items = api.get("fixtures", ids="-".join(str(ID + number) for number in range(20))).json()["response"]
    same = sum(item["statistics"] == Simulator().statistics(item["fixture"]["id"], NOW) for item in items)
    assert 0 < same < 20


def test_the_same_seed_injects_the_same_faults() -> None:
    def statuses(seed: int) -> list[int]:
        api = FaultyApi()
        api.settings = FaultSettings(failures={"5xx": 0.3, "429": 0.2}, seed=seed)
        found = [api.get().status_code for _ in range(40)]
        api.httpd.shutdown()
        api.httpd.server_close()
        return found

    assert statuses(3) == statuses(3) != statuses(4)


def test_the_command_line_accepts_every_kind_and_rejects_others(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "aws", tmp_path)
    rates = [part for kind in FAULTS for part in ("--fail", f"{kind}=0.01")]
    assert cli("local", "football", "--plan", "free", "--per-day", "7", *rates).returncode == 0
    shown = cli("local", "football").stdout
    assert all(kind in shown for kind in ("plan free", "at most 7 requests per day", *FAULTS))
    assert cli("local", "football", "--well").stdout == "Football API: plan pro, no failures.\n"
    for wrong in ("rain=0.1", "5xx=2", "5xx"):
        refused = cli("local", "football", "--fail", wrong)
        assert refused.returncode == 2
        assert wrong in refused.stderr
