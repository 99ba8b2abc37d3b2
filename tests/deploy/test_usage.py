"""The price of reported use: crawls, jobs, transforms and the jobs of a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy import usage
from footlake.deploy.cost_explorer import billed_this_month
from footlake.deploy.costs import monthly_price
from footlake.errors import FootlakeError

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=1)
Answer = dict[str, Any]


@dataclass
class ScriptedResponse:
    """The HTTP response in an answer to botocore's event `before-call`, which replaces the request."""

    status_code: int


class ScriptedUsage:
    """AWS with these answers by operation, which may be functions of the request. Other operations answer nothing."""

    def __init__(self, **answers: Answer | Callable[[Answer], Answer]) -> None:
        self.answers = {
            "GetCallerIdentity": {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me"},
            "GetRole": {"Role": {"CreateDate": NOW - timedelta(days=10)}},
            "GetJob": {"Job": {}},
            "GetMetricData": {"MetricDataResults": []},
        } | answers
        self.requests: list[tuple[str, Answer]] = []
        session = boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        session.events.register("provide-client-params", self.remember)
        session.events.register("before-call", self.answer)
        self.aws = AwsContext(Config(), session)

    def remember(self, params: Answer, model: Any, **_: Any) -> None:
        self.requests.append((model.name, dict(params)))

    def answer(self, model: Any, **_: Any) -> Any:
        found: Any = self.answers.get(model.name, {})
        body: Answer = found(self.requests[-1][1]) if callable(found) else found
        status = 400 if "Error" in body else 200
        return ScriptedResponse(status), {"ResponseMetadata": {"HTTPStatusCode": status}, **body}

    def costs(self, training: bool = True) -> dict[str, usage.Metric]:
        result = usage.metrics(self.aws, SINCE, NOW, training)
        assert result.unknown == []
        return {row.what: row for row in result.runs}


def crawl(start: datetime, minutes: float, **more: Any) -> Answer:
    return {"StartTime": start, "EndTime": start + timedelta(minutes=minutes), "State": "COMPLETED", **more}


def test_a_crawl_costs_ten_minutes_or_what_it_used() -> None:
    crawls = {
        "S3datalake": [crawl(NOW, 2), crawl(NOW, 30, DPUHour=1.0), crawl(SINCE - timedelta(hours=1), 60)],
        "mysqldb": [crawl(NOW, 1, DPUHour=0.9, State="FAILED")],
    }
    rows = ScriptedUsage(ListCrawls=lambda request: {"Crawls": crawls[request["CrawlerName"]]}).costs()
    assert rows["S3datalake"].runs == 2  # one began earlier
    assert rows["S3datalake"].cost == pytest.approx(0.44 * (2 * 10 / 60 + 2 * 30 / 60))
    assert (rows["S3datalake"].longest, rows["S3datalake"].failed) == (1800, 0)
    assert rows["mysqldb"].cost == pytest.approx(0.44 * 0.9)
    assert rows["mysqldb"].failed == 1
    (line,) = rows["mysqldb"].lines
    assert (line.quantity, line.price.name) == (0.9, "glue-dpu")


def test_crawls_are_read_page_by_page() -> None:
    def answer(request: Answer) -> Answer:
        more = {} if "NextToken" in request else {"NextToken": "next"}
        return {"Crawls": [crawl(NOW, 3)], **more}

    rows = ScriptedUsage(ListCrawls=answer).costs()
    assert (rows["S3datalake"].runs, rows["mysqldb"].runs) == (2, 2)


def test_a_deleted_crawler_is_unknown() -> None:
    missing = {"Error": {"Code": "EntityNotFoundException", "Message": "gone"}}
    result = usage.metrics(ScriptedUsage(ListCrawls=missing).aws, SINCE, NOW)
    assert [(one.what, "does not exist" in one.reason) for one in result.unknown] == [
        ("S3datalake", True),
        ("mysqldb", True),
    ]


def test_an_endpoint_without_an_operation_leaves_the_other_figures() -> None:
    missing = {"Error": {"Code": "InvalidAction", "Message": "Unknown Glue action: ListCrawls"}}
    result = usage.metrics(ScriptedUsage(ListCrawls=missing).aws, SINCE, NOW)
    assert {(one.what, one.reason) for one in result.unknown} == {
        *(("S3datalake", "AWS does not know ListCrawls"), ("mysqldb", "AWS does not know ListCrawls"))
    }
    assert result.runs


def test_a_job_run_costs_a_minute_at_least_for_each_worker() -> None:
    runs = [
        {"StartedOn": NOW, "ExecutionTime": 20, "NumberOfWorkers": 2, "JobRunState": "SUCCEEDED"},
        {"StartedOn": NOW, "ExecutionTime": 180, "NumberOfWorkers": 10, "JobRunState": "TIMEOUT"},
    ]
    rows = ScriptedUsage(GetJobRuns={"JobRuns": runs}).costs()
    assert rows["dropids"].cost == pytest.approx(0.44 * (2 * 60 + 10 * 180) / 3600)
    assert rows["dropids"].failed == 1


def test_a_transform_is_billed_from_the_start_of_its_instances() -> None:
    jobs: dict[str, Answer] = {
        "xGoals-1": {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}},
        "xGoals-2": {"TransformResources": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2}},
        "xGoals-3": {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1}},
    }
    began = {"TransformStartTime": NOW, "TransformEndTime": NOW + timedelta(minutes=6)}
    for name in ("xGoals-1", "xGoals-2"):  # the third has no instance yet
        jobs[name] |= began
    summaries = [
        {"TransformJobName": name, "TransformJobStatus": "Completed", "CreationTime": NOW - timedelta(minutes=4)}
        for name in jobs
    ]
    row = ScriptedUsage(
        ListTransformJobs={"TransformJobSummaries": summaries},
        DescribeTransformJob=lambda request: jobs[request["TransformJobName"]],
    ).costs()["transform"]
    assert row.cost == pytest.approx(0.1 * 0.115 + 0.1 * 2 * 0.922)
    assert row.runs == 3


def training(**answers: Any) -> usage.Metric:
    summary = {"AutoMLJobName": "xGoals-1", "AutoMLJobStatus": "Completed", "CreationTime": NOW, "EndTime": NOW}
    return ScriptedUsage(ListAutoMLJobs={"AutoMLJobSummaries": [summary]}, **answers).costs()["training"]


def test_a_training_costs_what_the_jobs_of_autopilot_used() -> None:
    cluster = {"ClusterConfig": {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1}}
    processing = {
        "ProcessingStartTime": NOW,
        "ProcessingEndTime": NOW + timedelta(minutes=12),
        "ProcessingResources": cluster,
    }
    trained = {
        "a": {"BillableTimeInSeconds": 360, "ResourceConfig": cluster["ClusterConfig"]},
        "b": {"TrainingStartTime": NOW, "TrainingEndTime": NOW + timedelta(hours=1)}
        | {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}},
    }
    row = training(
        ListProcessingJobs={"ProcessingJobSummaries": [{"ProcessingJobName": "xGoals-1-pr-1"}]},
        DescribeProcessingJob=processing,
        ListTrainingJobs={"TrainingJobSummaries": [{"TrainingJobName": name} for name in trained]},
        DescribeTrainingJob=lambda request: trained[request["TrainingJobName"]],
    )
    assert row.cost == pytest.approx((0.2 + 0.1) * 0.922 + 2 * 0.115)


def test_a_training_whose_jobs_are_not_listed_has_no_known_price() -> None:
    assert training().cost is None
    unpriced = {"BillableTimeInSeconds": 360, "ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1}}
    row = training(ListTrainingJobs={"TrainingJobSummaries": [{"TrainingJobName": "a"}]}, DescribeTrainingJob=unpriced)
    assert row.cost is None


def test_the_cost_of_a_run_is_the_sum_of_its_parts() -> None:
    runs = [{"StartedOn": NOW, "ExecutionTime": 60, "NumberOfWorkers": 2, "JobRunState": "SUCCEEDED"}]
    scripted = ScriptedUsage(
        GetJobRuns=lambda request: {"JobRuns": runs if request["JobName"] == "dropids" else []},
        ListCrawls=lambda request: {"Crawls": [crawl(NOW, 2)] if request["CrawlerName"] == "S3datalake" else []},
    )
    cost = usage.cost_of_run(scripted.aws, SINCE)
    assert cost
    assert cost.parts == {"Glue jobs": pytest.approx(0.44 / 30), "crawls": pytest.approx(0.44 / 3)}
    assert cost.low == cost.high == pytest.approx(sum(line.cost for line in cost.lines))
    assert "about 0.16 USD on AWS: 0.01 Glue jobs, 0.15 crawls" in usage.format_cost(cost)


def test_the_cost_of_a_run_that_cannot_be_read_is_unknown() -> None:
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    cost = usage.cost_of_run(ScriptedUsage(ListCrawls=denied).aws, SINCE)
    assert cost is None
    assert usage.format_cost(cost).startswith("unknown")
    assert usage.cost_of_run(ScriptedUsage(ListTrainingJobs=denied).aws, SINCE) is not None  # no training in a week


def test_the_month_so_far_begins_with_the_lake() -> None:
    month = usage.month_to_date(ScriptedUsage().aws, NOW)
    assert month
    assert month.since == NOW - timedelta(days=10)
    assert month.standing == pytest.approx(monthly_price(ScriptedUsage().aws.config) * 240 / 730)
    old = {"Role": {"CreateDate": NOW - timedelta(days=100)}}
    whole = usage.month_to_date(ScriptedUsage(GetRole=old).aws, NOW)
    assert whole
    assert whole.since == datetime(2026, 11, 1, tzinfo=UTC)
    absent = {"Error": {"Code": "NoSuchEntity", "Message": "gone"}}
    assert usage.month_to_date(ScriptedUsage(GetRole=absent).aws, NOW) is None


def group(service: str, amount: str) -> Answer:
    return {"Keys": [service], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}


def test_cost_explorer_is_asked_for_the_lakes_tag_page_by_page() -> None:
    pages: list[Answer] = [
        {"ResultsByTime": [{"Estimated": True, "Groups": [group("AWS Glue", "1.25")]}], "NextPageToken": "next"},
        {"ResultsByTime": [{"Estimated": True, "Groups": [group("Amazon RDS", "9.5"), group("AWS Glue", "0.25")]}]},
    ]
    scripted = ScriptedUsage(GetCostAndUsage=lambda request: pages["NextPageToken" in request])
    bill = billed_this_month(scripted.aws, datetime(2026, 11, 30, 23, tzinfo=UTC))
    assert [(one.service, one.cost) for one in bill.services] == [("Amazon RDS", 9.5), ("AWS Glue", 1.5)]
    assert (bill.cost, bill.estimated, bill.requests, bill.request_price) == (11.0, True, 2, 0.01)
    requests = [request for name, request in scripted.requests if name == "GetCostAndUsage"]
    assert requests[0]["TimePeriod"] == {"Start": "2026-11-01", "End": "2026-12-01"}
    assert requests[0]["Filter"] == {"Tags": {"Key": "footlake", "Values": ["footlake"]}}


def test_an_account_without_cost_explorer_is_told_what_to_do() -> None:
    missing = {"Error": {"Code": "DataUnavailableException", "Message": "Data is not available."}}
    with pytest.raises(FootlakeError, match="Cost Explorer has no data") as failed:
        billed_this_month(ScriptedUsage(GetCostAndUsage=missing).aws, NOW)
    assert "Open Cost Explorer once" in failed.value.hint
