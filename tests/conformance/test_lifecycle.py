"""A lake on emulators that others wrote, from bootstrap to teardown, with locked and with the lowest packages."""

from __future__ import annotations

import json
import re

import pytest

from tests.conformance.conftest import NEXT_SEASON, Call, RecordedCli, Reference
from tests.support.aws_account import Account, differences

# How the services say that something does not exist; S3 answers to HeadBucket and HeadObject without a body.
ABSENT = re.compile(r"NotFound|NoSuch|NonExistent|^404$")
READS = re.compile("Get|List|Describe|Head|Batch?Get|Simulate")


def refused(calls: list[Call]) -> list[str]:
    """Return the calls that failed, except those that asked for something that does not exist."""
    return [
        f"{call['service']} {call['operation']}: {call['status']} {call['error']} {call['parameters']}"
        for call in calls
        if call["status"] >= 300 and not ABSENT.search(call["error"].get("Code", ""))
    ]


@pytest.fixture(scope="module")
def before(lake: RecordedCli) -> Account:
    """The account before the first bootstrap."""
    return lake.account()


def test_bootstrap_creates_every_resource(lake: RecordedCli, before: Account) -> None:
    outcomes = lake.outcomes("bootstrap")
    assert len(outcomes.pop("created")) > 70
    assert outcomes == {"unchanged": {"models xGoals-*"}}


def test_a_second_bootstrap_changes_nothing(lake: RecordedCli) -> None:
    done = len(lake.calls())
    assert lake.outcomes("bootstrap").keys() == {"unchanged"}
    assert [call for call in lake.calls(skip=done) if not READS.match(call["operation"])] == []


def test_an_event_of_s3_ingests_the_objects_of_the_local_aws(lake: RecordedCli, reference: Reference) -> None:
    lake.ingest_season()
    objects = lake.objects()
    assert objects.keys() == reference.objects.keys()
    assert [key for key, content in objects.items() if content != reference.objects[key]] == []


def test_another_season_changes_only_what_depends_on_it(lake: RecordedCli, reference: Reference) -> None:
    done = len(lake.calls())
    outcomes = lake.outcomes("bootstrap", FOOTLAKE_SEASON=str(NEXT_SEASON))
    assert outcomes.keys() == {"unchanged", "updated"}
    assert outcomes["updated"] == reference.changed_by_season
    changes = [call for call in lake.calls(skip=done) if not READS.match(call["operation"])]
    assert [call for call in changes if str(NEXT_SEASON) not in json.dumps(call["parameters"])] == []


@pytest.mark.parametrize("command", ["status", "metrics", "logs", "models"])
def test_reading_commands_succeed(lake: RecordedCli, command: str) -> None:
    assert lake.json(command)


def test_teardown_leaves_the_account_as_it_was(lake: RecordedCli, before: Account) -> None:
    outcomes = lake.outcomes("teardown", "--yes")
    assert outcomes.keys() <= {"deleted", "absent"}
    assert differences(before, lake.account()) == []


def test_no_call_was_refused(lake: RecordedCli) -> None:
    assert refused(lake.calls()) == []
