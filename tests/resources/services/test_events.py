"""EventBridge rules whose targets were changed by hand."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

from footlake.aws import AwsContext
from footlake.resources.cloudwatch import EventLog
from footlake.resources.events import EventRule
from footlake.resources.logs import LogGroup
from tests.resources.changes import NEVER

LOG = EventLog(LogGroup("/aws/events/footlake-targets"), "footlake-targets")


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    "rule",
    [
        EventRule("footlake-plain", LOG, schedule=NEVER),
        EventRule("footlake-input", LOG, schedule=NEVER, input={"week": 1}),
    ],
    ids=lambda rule: rule.name,
)
def test_a_target_with_another_id_is_not_doubled(aws: AwsContext, rule: EventRule, shared: bool) -> None:
    events = aws.client("events")
    LOG.ensure(aws)
    rule.ensure(aws)
    (target,) = events.list_targets_by_rule(Rule=rule.name)["Targets"]
    events.remove_targets(Rule=rule.name, Ids=[target["Id"]])
    events.put_targets(Rule=rule.name, Targets=[target | {"Id": "by-hand", "Input": '{"week": 9}'}])

    def ensure() -> str:
        sharing: AbstractContextManager[None] = aws.sharing_reads([rule]) if shared else nullcontext()
        with sharing:
            return rule.ensure(aws)

    assert ensure() == ("updated" if rule.input else "unchanged")
    (repaired,) = events.list_targets_by_rule(Rule=rule.name)["Targets"]
    assert repaired["Id"] == "by-hand"
    assert repaired["Input"] == (target["Input"] if rule.input else '{"week": 9}')
    assert ensure() == "unchanged"
    rule.destroy(aws)
