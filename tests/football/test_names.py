"""Decoding, comparison and choice of names; competitions and labels of their seasons."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from footlake.football.competitions import Competition, parse_competition, season_label
from footlake.football.names import decode_name, fold, fold_club, newest_names


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("Uni&atilde;o &amp; Irm&atilde;os", "União & Irmãos"),
        ("Brighton &amp;amp; Hove", "Brighton & Hove"),
        ("O&#39;Higgins", "O'Higgins"),
        ('Atlético "1903", S.A.', 'Atlético "1903", S.A.'),
        ("Göztepe [bold]", "Göztepe [bold]"),
        ("AT&T", "AT&T"),
    ],
)
def test_entities_are_decoded_and_other_characters_kept(sent: str, name: str) -> None:
    assert decode_name(sent) == name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1. FC Köln", "Koln"),
        ("FC København", "Kobenhavn"),
        ("São Paulo", "SAO PAULO FC"),
        ("Beşiktaş", "Besiktas JK"),
        ("F.C. Alpha", "Alpha"),
        ("Łódź", "lodz"),
    ],
)
def test_clubs_are_compared_without_case_accents_and_words_for_club(first: str, second: str) -> None:
    assert fold_club(first) == fold_club(second)


def test_a_name_of_nothing_but_words_for_club_is_kept() -> None:
    assert fold_club("AC") == "ac"
    assert fold_club("Manchester City") != fold_club("Manchester United")
    assert fold("İstanbul") == fold("istanbul")


def test_the_newest_name_of_a_club_counts() -> None:
    times = [datetime(year, 8, 1, tzinfo=UTC) for year in (2020, 2021)]
    assert newest_names([(1, "New", times[1]), (1, "Old", times[0]), (2, "Other", times[0])]) == {1: "New", 2: "Other"}


def test_a_competition_has_the_last_name_that_is_one() -> None:
    leagues = [{"id": 39, "name": "Premier League", "country": "England"}, {"id": 39, "name": None}, None, {"id": 40}]
    assert parse_competition(39, leagues) == Competition(39, "Premier League", "England")
    assert parse_competition(41, leagues).label == "League 41"


@pytest.mark.parametrize(
    ("days", "label"),
    [
        ([date(2024, 2, 24), date(2024, 12, 7)], "2024"),
        ([date(2024, 8, 16), date(2025, 5, 25)], "2024/25"),
        ([date(2024, 8, 16), date(2024, 9, 25)], "2024/25"),  # the rest is not known yet
        ([date(2023, 9, 7), date(2024, 3, 1)], "2024"),  # qualifying rounds of the year before
        ([*[date(2024, 4, 1)] * 100, date(2025, 1, 1)], "2024"),  # a placeholder
        ([], "2024"),
    ],
)
def test_a_season_is_labelled_by_its_dates(days: list[date], label: str) -> None:
    assert season_label(2024, days) == label


def test_the_turn_of_a_century_has_two_digits() -> None:
    assert season_label(1999, [date(1999, 8, 1), date(2000, 5, 1)]) == "1999/00"


def test_a_tournament_within_one_calendar_year_has_one_year() -> None:
    days = [date(2022, 11, 20), date(2022, 12, 18)]
    assert season_label(2022, days, ["Group A - 1", None]) == "2022/23"
    assert season_label(2022, days, ["Group A - 1", "Final"]) == "2022"
    postponed = [date(2023, 6, 11), date(2023, 7, 11)]
    assert season_label(2022, postponed, ["Group Stage - 1", "Final"]) == "2022"
    assert season_label(2022, postponed, ["Regular Season - 1"]) == "2022/23"
    assert season_label(2022, [*days, date(2023, 5, 28)], ["Final"]) == "2022/23"
