"""The claims that bench/ prints, as far as minutes allow: make proof."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.thorough


def test_nothing_is_lost_doubled_or_different_in_the_end(recordings: Path) -> None:
    bench = [sys.executable, "-m", "bench.ingest", str(recordings), "--every", "4"]
    done = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("the same, 380 raw statistics the same") == 2


def test_a_hundred_thousand_bodies_raise_the_documented_exception_alone() -> None:
    bench = [sys.executable, "-m", "bench.fuzz"]
    done = subprocess.run(bench, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100,000  bodies tried" in done.stdout
