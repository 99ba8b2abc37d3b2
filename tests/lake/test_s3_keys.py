"""The lake's keys."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footlake.lake import s3_keys
from footlake.lake.s3_keys import Season, Window

SEASONS = st.builds(Season, st.integers(1, 9999), st.integers(1900, 2100))


@given(SEASONS, st.integers(0, 2**31))
def test_a_fixture_shares_its_part_with_at_most_nine_neighbours(season: Season, fixture_id: int) -> None:
    neighbours = [
        other
        for other in range(max(0, fixture_id - 20), fixture_id + 20)
        if s3_keys.part_of(season, other) == s3_keys.part_of(season, fixture_id)
    ]
    assert fixture_id in neighbours
    assert len(neighbours) <= s3_keys.FIXTURES_PER_PART


@given(SEASONS, st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)).map(Window.of_week))
def test_a_raw_fixtures_key_tells_its_season_and_window(season: Season, window: Window | None) -> None:
    assert s3_keys.parse_raw_fixtures(s3_keys.raw_fixtures(season, window)) == (season, window)


@pytest.mark.parametrize(
    "key", ["", "raw-data/api-football/fixtures/x.json", "raw-data/api-football/statistics/39-2020/1.json"]
)
def test_other_keys_are_no_raw_fixtures(key: str) -> None:
    assert s3_keys.parse_raw_fixtures(key) is None


def test_a_weekly_run_asks_for_seven_days_before_and_six_after() -> None:
    assert Window.of_week(date(2020, 9, 15)) == (date(2020, 9, 8), date(2020, 9, 21))


@given(SEASONS, st.integers(1, 2**31), st.sampled_from([s3_keys.COMPLETE, s3_keys.INCONSISTENT, s3_keys.MISSING]))
def test_a_raw_statistics_key_tells_its_fixture_and_its_quality(
    season: Season, fixture_id: int, quality: s3_keys.Quality
) -> None:
    assert s3_keys.parse_raw_statistics(s3_keys.raw_statistics(season, fixture_id, quality)) == (fixture_id, quality)


@pytest.mark.parametrize(("day", "years"), [(date(2020, 6, 30), {2019, 2020}), (date(2020, 1, 3), {2018, 2019, 2020})])
def test_a_week_can_have_matches_of_the_seasons_that_begin_or_end_in_its_years(day: date, years: set[int]) -> None:
    assert {year for year in range(2000, 2040) if Window.of_week(day).touches(year)} == years


@given(SEASONS, st.integers(0, 2**31), st.sampled_from(["home", "away"]))
def test_a_team_rows_key_tells_its_season_part_and_side(season: Season, fixture_id: int, side: s3_keys.Side) -> None:
    part = s3_keys.part_of(season, fixture_id)
    assert s3_keys.parse_team_rows(s3_keys.team_rows(part, side)) == (season, part, side)


@pytest.mark.parametrize("name", ["", "39-2020-592140.csv", "39-2020-592140-left.csv", "39-home.csv"])
def test_other_keys_are_no_team_rows(name: str) -> None:
    assert s3_keys.parse_team_rows(s3_keys.TEAM_ROWS + name) is None


@pytest.mark.parametrize("name", ["", "notes.csv", "39-2020-592140 (1).csv", "39-2020-592140-copy.csv", "39-2020.csv"])
def test_what_is_no_object_of_fixtures_has_no_season(name: str) -> None:
    assert s3_keys.parse_fixtures(s3_keys.FIXTURES + name) is None


def test_an_object_of_fixtures_tells_its_season_and_first_id() -> None:
    assert s3_keys.parse_fixtures(s3_keys.fixtures("39-2020-592140")) == (Season(39, 2020), 592140)
