"""The Glue scripts cannot import footlake: what they repeat of it must be the same."""

from __future__ import annotations

import re
import runpy
import sys
from typing import Any

import pytest

from footlake.football.statuses import status_texts
from footlake.lake import s3_keys, schemas

from .conftest import REPOSITORY, SCRIPTS


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    """The module that goes with every script."""
    return runpy.run_path(str(SCRIPTS / "footlake_glue.py"), run_name="footlake_glue")


@pytest.mark.parametrize(
    "name", ["PROCESSED", "TEAMCODES", "FIXTURES", "STATISTICS", "EXTENDED", "TEAM_ROWS", "PREDICTIONS"]
)
def test_folders_are_the_lakes(shared, name):
    assert shared[name] == getattr(s3_keys, name)


def test_the_training_set_and_the_size_of_a_part_are_the_lakes(shared):
    assert (shared["TRAINING_SET"], shared["FIXTURES_PER_PART"]) == (s3_keys.TRAINING_SET, s3_keys.FIXTURES_PER_PART)


def test_the_statuses_with_a_result_are_those_of_the_one_list(shared):
    assert shared["PLAYED"] == status_texts("played")
    assert shared["AWARDED"] == status_texts("awarded")


@pytest.mark.parametrize(
    ("schema", "columns"),
    [
        ("FIXTURE_SCHEMA", schemas.FIXTURE_COLUMNS),
        ("STATISTICS_SCHEMA", schemas.STATISTICS_COLUMNS),
        ("EXTENDED_SCHEMA", schemas.EXTENDED_COLUMNS),
        ("TEAM_ROW_SCHEMA", schemas.TEAM_ROW_COLUMNS),
        ("TEAMCODES_SCHEMA", schemas.TEAMCODE_COLUMNS),
    ],
)
def test_columns_are_the_lakes(shared, schema, columns):
    assert tuple(column.split()[0] for column in shared[schema].split(",")) == columns


def test_the_scripts_need_nothing_that_glue_does_not_have():
    allowed = {"pyspark", "py4j", "footlake_glue"}
    in_vpc = {"awsglue", "pymysql"}  # a part of Glue, and a zip that comes along
    for path in SCRIPTS.glob("*.py"):
        imported = set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), flags=re.MULTILINE))
        foreign = {name for name in imported if name not in sys.stdlib_module_names}
        assert foreign <= (allowed | in_vpc), path.name


def test_every_table_that_is_loaded_is_defined_once_and_can_be_defined_again():
    texts = [path.read_text() for path in (REPOSITORY / "sql").glob("*.sql")]
    tables = [name for text in texts for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", text)]
    assert sorted(tables) == ["fixtures", "loaded_parts", "teams"]
