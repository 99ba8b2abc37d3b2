"""The resources of a run share AWS's answers, until the run changes something or waits for a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.resources.cloudwatch import Alarm
from footlake.resources.logs import LogGroup
from tests.resources.services.conftest import Answer

GROUPS = [LogGroup(f"/aws/lambda/{name}") for name in ("first", "second", "third")]
ALARMS = [Alarm(name, "failed", "AWS/Lambda", "Errors", {"FunctionName": name}) for name in ("first", "second")]
Reply = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class AnswersByOperation:
    """AWS's answers by operation, each from the parameters of the call, and the number of calls of each operation."""

    replies: dict[str, Reply] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        """Handle botocore's event before-call."""
        self.calls[model.name] += 1
        parsed = self.replies[model.name](context["asked"])
        status = parsed.get("Status", 400 if "Error" in parsed else 200)
        return Answer(status), parsed | {"ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.fixture
def answers() -> AnswersByOperation:
    """AWS with three log groups, of which a list without the third one is read if the names are given."""
    held: list[dict[str, Any]] = [{"logGroupName": group.name, "retentionInDays": 30} for group in GROUPS]

    def describe_log_groups(asked: dict[str, Any]) -> dict[str, Any]:
        if names := asked.get("logGroupIdentifiers"):
            return {"logGroups": [group for group in held[:2] if group["logGroupName"] in names]}
        return {"logGroups": [group for group in held if group["logGroupName"].startswith(asked["logGroupNamePrefix"])]}

    def describe_alarms(asked: dict[str, Any]) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": name} for name in asked["AlarmNames"] if name != "second"]}

    return AnswersByOperation(
        {
            "GetCallerIdentity": lambda asked: {
                "Account": "123456789012",
                "Arn": "arn:aws:iam::123456789012:user/anna",
            },
            "DescribeLogGroups": describe_log_groups,
            "DescribeAlarms": describe_alarms,
            "PutRetentionPolicy": lambda asked: {},
        }
    )


@pytest.fixture
def aws(answers: AnswersByOperation) -> AwsContext:
    def keep_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    session: Any = boto3.Session("x", "x", region_name="us-east-1")
    session.events.register("before-parameter-build", keep_parameters)
    session.events.register("before-call", answers.answer)
    return AwsContext(Config(), session)


def test_threads_share_one_call(aws: AwsContext, answers: AnswersByOperation) -> None:
    together = Barrier(8)

    def read(number: int) -> bool:
        together.wait()
        return GROUPS[number % 2].exists(aws)

    with aws.sharing_reads(GROUPS), ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(8)))
    assert answers.calls["DescribeLogGroups"] == 1


def test_what_a_list_lacks_is_read_by_itself(aws: AwsContext, answers: AnswersByOperation) -> None:
    with aws.sharing_reads(GROUPS):
        assert [group.exists(aws) for group in GROUPS] == [True, True, True]
    assert answers.calls["DescribeLogGroups"] == 2


def test_what_may_not_be_listed_is_read_by_itself(aws: AwsContext, answers: AnswersByOperation) -> None:
    allowed = answers.replies["DescribeLogGroups"]

    def denied(asked: dict[str, Any]) -> dict[str, Any]:
        denial = {"Error": {"Code": "AccessDeniedException", "Message": "not allowed"}}
        return denial if "logGroupIdentifiers" in asked else allowed(asked)

    answers.replies["DescribeLogGroups"] = denied
    with aws.sharing_reads(GROUPS):
        assert [group.exists(aws) for group in GROUPS] == [True, True, True]


@pytest.mark.parametrize("status", [400, 500])
def test_an_error_that_can_pass_is_not_kept(aws: AwsContext, answers: AnswersByOperation, status: int) -> None:
    """Neither is it followed by one read per resource."""
    error = {"Code": "ThrottlingException" if status == 400 else "InternalFailure", "Message": "later"}
    sound = answers.replies["DescribeLogGroups"]
    answers.replies["DescribeLogGroups"] = lambda asked: {"Error": error, "Status": status}
    with aws.sharing_reads(GROUPS):
        with pytest.raises(ClientError, match="later"):
            GROUPS[0].exists(aws)
        tried = answers.calls["DescribeLogGroups"]
        answers.replies["DescribeLogGroups"] = sound
        assert GROUPS[0].exists(aws)
    assert answers.calls["DescribeLogGroups"] == tried + 1


def test_a_call_that_is_not_sent_keeps_the_answers(aws: AwsContext, answers: AnswersByOperation) -> None:
    with aws.sharing_reads(GROUPS):
        assert GROUPS[0].exists(aws)
        with pytest.raises(ParamValidationError):
            aws.client("logs").put_retention_policy(logGroupName=GROUPS[0].name)
        assert GROUPS[1].exists(aws)
    assert answers.calls["DescribeLogGroups"] == 1


def test_a_change_ends_the_sharing_of_answers(aws: AwsContext, answers: AnswersByOperation) -> None:
    with aws.sharing_reads([*GROUPS, *ALARMS]):
        assert [alarm.exists(aws) for alarm in ALARMS] == [True, False]
        assert GROUPS[0].exists(aws)
        aws.client("logs").put_retention_policy(logGroupName=GROUPS[0].name, retentionInDays=30)
        answers.replies["DescribeAlarms"] = lambda asked: {"MetricAlarms": [{"AlarmName": "second"}]}
        answers.replies["DescribeLogGroups"] = lambda asked: {"logGroups": []} if "logGroupNamePrefix" in asked else {}
        assert [alarm.exists(aws) for alarm in ALARMS] == [False, True]
        assert not any(group.exists(aws) for group in GROUPS)


def test_a_wait_reads_again_and_again(aws: AwsContext, answers: AnswersByOperation) -> None:
    answers.replies["DescribeAlarms"] = lambda asked: {
        "MetricAlarms": [{"AlarmName": "second"}] if answers.calls["DescribeAlarms"] > 2 else []
    }
    with aws.sharing_reads(ALARMS):
        assert aws.wait_until("the alarm", lambda: ALARMS[1].exists(aws) or None, every=0.1, limit=20)
    assert answers.calls["DescribeAlarms"] == 3


def test_nothing_is_shared_outside_of_a_run(aws: AwsContext, answers: AnswersByOperation) -> None:
    assert [alarm.exists(aws) for alarm in ALARMS] == [True, False]
    assert GROUPS[0].exists(aws)
    assert (answers.calls["DescribeAlarms"], answers.calls["DescribeLogGroups"]) == (2, 1)
