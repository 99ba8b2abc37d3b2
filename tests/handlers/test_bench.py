"""The checks of bench/ that take only minutes. `make proof` runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.thorough


def test_ingestion_neither_loses_nor_duplicates_fixtures(recordings: Path) -> None:
    command = [sys.executable, "-m", "bench.ingest", str(recordings), "--every", "4"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("the same, 380 raw statistics the same") == 2


def test_100_000_bodies_raise_only_the_documented_exception() -> None:
    command = [sys.executable, "-m", "bench.fuzz"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "100,000  bodies tried" in process.stdout


def test_every_step_of_a_lake_of_many_leagues_is_measured() -> None:
    command = [sys.executable, "-m", "bench.many_leagues", "--leagues", "1", "--seasons", "2"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    steps = [line.split(" | ")[0].removeprefix("| ") for line in process.stdout.splitlines() if line.startswith("| ")]
    assert {"ingestion", "Glue", "transform", "MySQL", "all"} <= set(steps)
