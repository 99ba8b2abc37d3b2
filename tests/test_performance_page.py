"""docs/performance.md, which `python -m bench` composes of recorded results."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import page
from bench.measure import Claim, format_claims, markdown_section, split_claims

OUTPUT = markdown_section("Glue scripts", ["rows", "seconds"], [(10, 1.5)], "Spark is slow.")
CLAIM = Claim("Glue is fast", "2.00 ×", "≤ 3 ×", holds=True)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the results."""
    monkeypatch.setattr(page, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


def test_the_page_is_composed_of_the_recorded_results() -> None:
    """`python -m bench NAME` measures one script again and writes the page."""
    assert page.DOCUMENT.read_text() == page.compose_page()


def test_each_section_states_its_script_commit_and_machine_and_each_claim_its_script(results: Path) -> None:
    page.record_result(OUTPUT + format_claims([CLAIM]), "spark", full=False, commit="`abc`", seconds=12)
    page.record_result(OUTPUT + format_claims([CLAIM]), "spark", full=True, commit="`def`", seconds=1200)
    text = page.compose_page()
    assert "| Glue is fast | 2.00 × | ≤ 3 × | yes | `spark` |\n" in text
    assert "| Glue is fast | 2.00 × | ≤ 3 × | yes | `spark --full` |\n" in text
    plain, full = text.split("\n## Glue scripts")[1:]
    assert "commit `abc`" in plain and page.describe_machine() in plain and "It took 12 s." in plain
    assert full.startswith(" with `--full`\n") and "commit `def`" in full


def test_a_script_measured_again_replaces_its_result_only(results: Path) -> None:
    for script, commit in (("spark", "`old`"), ("mysql", "`old`"), ("spark", "`new`")):
        page.record_result(OUTPUT, script, full=False, commit=commit, seconds=1)
    assert "`new`" in (results / "spark.md").read_text()
    assert "`old`" not in (results / "spark.md").read_text()
    assert "`old`" in (results / "mysql.md").read_text()


def test_every_script_of_the_page_exists_and_has_a_name_that_its_results_share() -> None:
    scripts = {*page.SCRIPTS, *page.ON_REQUEST}
    assert {script for script in scripts if not (page.ROOT / f"bench/{script}.py").exists()} == set()
    assert {path.stem.removesuffix("-full") for path in page.RESULTS.iterdir()} <= scripts
    assert set(page.WITH_FULL) <= scripts


@pytest.mark.parametrize("statement", ["Parsing is fast", "`make demo` takes at most 30 s"])
def test_claims_are_read_back_as_they_were_printed(statement: str) -> None:
    claim = Claim(statement, "40", "≤ 30 s", holds=False)
    text, claims = split_claims(OUTPUT + format_claims([claim]))
    assert text == OUTPUT.strip()
    assert claims == [[statement, "40", "≤ 30 s", "**no**"]]
