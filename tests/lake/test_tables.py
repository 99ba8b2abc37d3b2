"""The lake's CSV tables as text."""

from __future__ import annotations

from footlake.lake.tables import append_new_teams, merge_rows, read_table

COLUMNS = ("id", "name")


def row(row_id: int, name: str) -> dict[str, str]:
    return {"id": str(row_id), "name": name}


def test_a_merged_row_takes_the_place_of_the_one_with_its_id() -> None:
    text = merge_rows(COLUMNS, [row(2, "b"), row(10, "j")], None)
    merged = merge_rows(COLUMNS, [row(10, "J"), row(1, "a")], text)
    assert read_table(merged) == [row(1, "a"), row(2, "b"), row(10, "J")]


def test_a_row_written_before_there_was_a_column_has_it_empty() -> None:
    text = merge_rows(COLUMNS, [row(1, "a"), row(2, "b")], None)
    assert merge_rows((*COLUMNS, "round"), [row(2, "b") | {"round": "Final"}], text) == (
        "id,name,round\n1,a,\n2,b,Final\n"
    )


def test_merging_what_is_there_changes_no_byte() -> None:
    text = merge_rows(COLUMNS, [row(1, 'a "quoted", one'), row(2, "Zürich")], None)
    assert merge_rows(COLUMNS, [row(2, "Zürich")], text) == text


def test_unknown_teams_are_appended_without_a_code_and_known_ones_left_alone() -> None:
    text = "idTeam,code,name\n33,MUN,Manchester United\n"
    added = append_new_teams(text, {71: "Norwich", 33: "Man Utd"})
    assert added == text + "71,,Norwich\n"


def test_teamcodes_with_every_team_stay_as_they_are() -> None:
    text = "idTeam,code,name\r\n33,MUN,Manchester United\r\n"
    assert append_new_teams(text, {33: "Manchester United"}) == text
