"""Waiting for Glue, with scripted answers, and what is shown of a failure."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from footlake.aws import AwsContext
from footlake.aws_jobs import is_routine, last_traceback, run_crawler
from footlake.config import Config
from footlake.errors import StepFailed


class ScriptedCrawler:
    """A crawler whose schedule started crawl 1 before the command; a crawl ends after it was described `slow` times."""

    def __init__(self, running: bool, slow: int = 2, lag: int = 0, status: str = "SUCCEEDED") -> None:
        self.crawls, self.ended = int(running), 0
        self.slow, self.lag, self.status = slow, lag, status
        self._left, self._hidden = slow, 0

    def answer(self, model: Any, **_: Any) -> Any:
        answer: dict[str, Any] = getattr(self, model.name)()
        status = 400 if "Error" in answer else 200
        return AWSResponse("", status, HTTPHeaders(), None), {"ResponseMetadata": {"HTTPStatusCode": status}} | answer

    def GetCallerIdentity(self) -> dict[str, Any]:
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root"}

    def FilterLogEvents(self) -> dict[str, Any]:
        return {"events": []}

    def StartCrawler(self) -> dict[str, Any]:
        if self.crawls > self.ended:
            return {"Error": {"Code": "CrawlerRunningException", "Message": "Crawler has already started"}}
        self.crawls += 1
        self._left, self._hidden = self.slow, self.lag
        return {}

    def GetCrawler(self) -> dict[str, Any]:
        if self._hidden:  # the start is not visible yet
            self._hidden -= 1
        elif self.crawls > self.ended:
            self._left -= 1
            if not self._left:
                self.ended += 1
                self._left = self.slow
        ready = self._hidden or self.crawls == self.ended
        crawler: dict[str, Any] = {"State": "READY" if ready else "RUNNING"}
        if self.ended:
            crawler["LastCrawl"] = {"Status": self.status, "MessagePrefix": f"crawl-{self.ended}"}
        return {"Crawler": crawler}


def connect(crawler: ScriptedCrawler) -> AwsContext:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    session.events.register("before-call", crawler.answer)
    return AwsContext(Config(), session)


def test_a_crawl_that_its_schedule_started_does_not_count() -> None:
    crawler = ScriptedCrawler(running=True)
    last = run_crawler(connect(crawler), "S3datalake")
    assert (crawler.crawls, last["MessagePrefix"]) == (2, "crawl-2")


def test_a_crawler_that_is_still_shown_as_ready_has_not_ended() -> None:
    crawler = ScriptedCrawler(running=False, slow=1)
    run_crawler(connect(crawler), "S3datalake")
    crawler.lag = 3
    assert run_crawler(connect(crawler), "S3datalake")["MessagePrefix"] == "crawl-2"


def test_a_failed_crawl_is_reported() -> None:
    crawler = ScriptedCrawler(running=False, status="FAILED")
    with pytest.raises(StepFailed, match="S3datalake ended with status FAILED"):
        run_crawler(connect(crawler), "S3datalake")


FRAMES = ["Traceback (most recent call last):", '  File "job.py", line 3, in <module>', "    total()"]


def test_the_last_traceback_ends_with_its_exception() -> None:
    first = [*FRAMES, "KeyError: 'x'"]
    last = [*FRAMES, "py4j.protocol.Py4JJavaError: An error occurred while calling o1.csv."]
    java = [": org.apache.spark.SparkException: Job aborted", "\tat org.apache.spark.Task.run(Task.scala:1)", "later"]
    during = ["", "During handling of the above exception, another exception occurred:", ""]
    assert last_traceback(["started", *first, *during, *last, *java]) == last
    assert last_traceback([*first, "exit"]) == first
    assert last_traceback(FRAMES) == FRAMES
    assert last_traceback(["no error"]) == []


def test_lines_of_spark_below_the_level_error_are_routine() -> None:
    assert is_routine("2026-11-28 05:14:00,000 INFO [main] util.ShutdownHookManager: Shutdown hook called")
    assert is_routine("26/11/28 05:14:00 WARN NativeCodeLoader: Unable to load native-hadoop library")
    assert not is_routine("2026-11-28 05:14:00,000 ERROR [main] glue.ProcessLauncher: Error from Python:INFO")
    assert not is_routine("INFO of a script")
