"""Statuses in the spellings that the API has been seen to use, and others."""

from __future__ import annotations

import pytest

from footlake.football.fixtures import parse_fixture
from footlake.football.statuses import STATUSES, count_unknown, find_status, normalise_status
from tests.football.test_fixtures import item


@pytest.mark.parametrize("short", STATUSES)
def test_case_and_punctuation_do_not_matter(short: str) -> None:
    for spelling in (short, short.lower(), short.title(), f" {short}. "):
        assert normalise_status(spelling) == short
        assert find_status(spelling) is STATUSES[short]


@pytest.mark.parametrize(
    ("spelling", "short"),
    [
        *(("Canc", "CANC"), ("Cancelled", "CANC"), ("canceled", "CANC"), ("Postp.", "PST"), ("Ft", "FT")),
        *(("W.O.", "WO"), ("Walkover", "WO"), ("A.E.T.", "AET"), ("Aban.", "ABD"), ("Awarded", "AWD"), ("TBA", "TBD")),
    ],
)
def test_other_spellings_are_known(spelling: str, short: str) -> None:
    assert normalise_status(spelling) == short


def test_the_long_form_does_not_make_an_unknown_status_known() -> None:
    assert parse_fixture(item(fixture__status={"long": "Match Finished", "short": "XYZ"})).status == "XYZ"


def test_unknown_statuses_are_counted_and_kept() -> None:
    assert count_unknown(["FT", "ft", "XYZ", "XYZ", "?"]) == {"XYZ": 2, "?": 1}
    assert find_status("XYZ").text == "Unknown (XYZ)"


def test_a_fixture_has_the_usual_spelling_and_decoded_texts() -> None:
    sent = item(fixture__status={"long": "Match Finished", "short": "Ft"}, teams__home={"id": 36, "name": "A &amp; B"})
    fixture = parse_fixture(sent)
    assert (fixture.status, fixture.played, fixture.home.name) == ("FT", True, "A & B")
