"""Inject a fault into every API call of bootstrap and teardown, and check that the account recovers.

At each call the process forks, once for each kind of fault, together with the whole AWS (moto) in its memory. The
child injects the fault into that call, runs to its end, and then forks again from the resulting account:

- one process runs bootstrap without faults: the account must equal that of an undisturbed bootstrap in every detail;
- the other runs teardown without faults: the account must equal that before the first bootstrap.

Many faults result in the same account. Its recovery is checked once.

A bootstrap or teardown that succeeds despite the fault must have done all its work. bench/faults.py runs this.
"""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import os
import pickle
import re
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

from footlake.aws import AwsContext
from footlake.commands.bootstrap import bootstrap
from footlake.commands.teardown import teardown
from footlake.config import Config
from footlake.errors import FootlakeError
from footlake.lake import s3_keys
from tests.support.aws_account import Account, describe, differences

KINDS = {
    "killed": "the process dies before the call reaches AWS",
    "killed-after": "the process dies when the call has taken effect, before it hears the answer",
    "throttled": "AWS says ThrottlingException until the SDK gives up",
    "failed": "AWS says InternalError (500) until the SDK gives up",
    "dropped": "the connection breaks before the call reaches AWS until the SDK gives up",
    "denied": "AWS says AccessDenied",
    "answer-lost": "the call takes effect, the connection breaks before the answer; the SDK asks again",
}
TRACES = f"{s3_keys.RAW}lived-in/"  # no notification listens there: moto has no functions to run
TRACE_TABLES = ("mysqldb_fixtures", "mysqldb_teams")  # as the crawler of MySQL makes them
READS = re.compile("Get|List|Describe|Head|BatchGet")


class SerialExecutor(Executor):
    """An executor that runs each call at once, in the calling thread. Only that thread survives a fork."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass
class FaultInjector:
    """Record the API calls of a boto3 session, and inject `fault` into the next one."""

    session: boto3.Session
    calls: list[str] = field(default_factory=list)
    on_call: Callable[[], None] = lambda: None
    on_death: Callable[[], None] = lambda: None
    fault: str = ""

    def __post_init__(self) -> None:
        self.session.events.register_first("before-call", self._before_call)
        self.session.events.register_last("before-send", self._before_send)

    def _before_call(self, model: Any, **_: Any) -> Any:
        """Handle botocore's event before-call. A returned response replaces the call with all its retries."""
        self.calls.append(f"{model.service_model.service_name}:{model.name}")
        self.on_call()
        if self.fault in ("", "killed-after", "answer-lost"):
            return None
        fault, self.fault = self.fault, ""
        if fault == "killed":
            self.on_death()
        if fault == "dropped":
            raise ConnectionClosedError(endpoint_url="https://aws")
        return refusal(fault, model)

    def _before_send(self, **_: Any) -> None:
        """Handle botocore's event before-send, after moto has executed the call."""
        fault, self.fault = self.fault, ""
        if fault == "killed-after":
            self.on_death()
        if fault == "answer-lost":
            raise ConnectionClosedError(endpoint_url="https://aws")


@dataclass
class _Answer:
    status_code: int


def refusal(fault: str, model: Any) -> tuple[_Answer, dict[str, Any]]:
    """Return the response with which the service refuses the call."""
    service, denied = model.service_model.service_name, "AccessDeniedException"
    if service in ("s3", "iam", "rds"):
        denied = "AccessDenied"
    elif service == "ec2":
        denied = "UnauthorizedOperation"
    status = {"throttled": 400, "failed": 500, "denied": 403}[fault]
    code = {"throttled": "ThrottlingException", "failed": "InternalError", "denied": denied}[fault]
    if model.http["method"] == "HEAD":
        code = str(status)
    answer = {"Error": {"Code": code, "Message": fault}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return _Answer(status), answer


class FaultTrials:
    """An account, empty at first, and processes in which bootstrap or teardown of it has a fault.

    `report` is a file with one JSON object per fault; at most `at_once` processes run at the same time.
    """

    def __init__(self, report: Path, as_documented: bool = False, at_once: int = 2) -> None:
        self.injector = FaultInjector(boto3.Session("x", "x", region_name="us-east-1"))
        config = Config(
            api_key="a key",
            client_address="203.0.113.7/32",
            alert_email="somebody@example.com",
            database="weekly",
            as_documented=as_documented,
        )
        self.aws = AwsContext(config, self.injector.session)
        self.report, self.at_once = report, at_once
        self.children: list[int] = []
        self.fault: dict[str, Any] = {}
        _warm_up(self.aws)
        self.empty = describe(self.aws.client)
        self.normal = self._bootstrapped_account()

    def _bootstrapped_account(self) -> Account:
        """Return the account after bootstrap, which runs in a child process: this process keeps the empty account."""
        child = os.fork()
        if child == 0:
            bootstrap(self.aws, pool=SerialExecutor())
            self.report.write_bytes(pickle.dumps(describe(self.aws.client)))
            os._exit(0)
        os.waitpid(child, 0)
        account: Account = pickle.loads(self.report.read_bytes())
        self.report.write_text("")
        return account

    def bootstrap(self, kinds: Sequence[str], chosen: Callable[[int, str], bool]) -> int:
        """Inject faults into the calls of bootstrap and return their number. The lake exists afterwards."""
        return self._run_with_faults(
            "bootstrap", lambda: bool(bootstrap(self.aws, pool=SerialExecutor())), kinds, chosen
        )

    def teardown(self, kinds: Sequence[str], chosen: Callable[[int, str], bool]) -> int:
        """Inject faults into the calls of teardown of a used lake and return their number. The lake is gone then."""
        leave_traces(self.aws)
        return self._run_with_faults(
            "teardown", lambda: not teardown(self.aws, pool=SerialExecutor()).left, kinds, chosen
        )

    def _run_with_faults(
        self, name: str, work: Callable[[], bool], kinds: Sequence[str], chosen: Callable[[int, str], bool]
    ) -> int:
        first, parent = len(self.injector.calls), os.getpid()

        def fork() -> None:
            """Fork a child for each kind, in which the next call has a fault. The parent continues unchanged."""
            number, call = len(self.injector.calls) - first, self.injector.calls[-1]
            for kind in kinds if chosen(number, call) else ():
                if self._fork():
                    self.fault = {"of": name, "call": number, "operation": call, "kind": kind}
                    self.injector.fault, self.injector.on_call = kind, lambda: None
                    self.injector.on_death = lambda: self._report_and_exit(succeeded=None)
                    return

        self.injector.on_call = fork
        succeeded, crash = False, ""
        try:
            succeeded = work()
        except (ClientError, BotoCoreError, FootlakeError):
            pass
        except Exception as error:
            if os.getpid() == parent:
                raise
            # After a repeated call, moto may raise an exception where AWS would answer with an error code.
            if "/moto/" not in traceback.extract_tb(error.__traceback__)[-1].filename:
                crash = traceback.format_exc()
        if os.getpid() != parent:
            self._report_and_exit(succeeded, crash)
        self.injector.on_call = lambda: None
        while self.children:
            os.waitpid(self.children.pop(), 0)
        return len(self.injector.calls) - first

    def _fork(self) -> bool:
        """Fork, and return whether this is the child."""
        if len(self.children) >= self.at_once:
            os.waitpid(self.children.pop(0), 0)
        child = os.fork()
        if child:
            self.children.append(child)
        return child == 0

    def _report_and_exit(self, succeeded: bool | None, crash: str = "") -> None:
        """Check the account after the fault, write the problems to the report, and end this child process.

        `succeeded` is None if the fault killed the process.
        """
        problems = [crash] if crash else []
        self.aws.shared_reads = None  # a process that dies takes its answers with it
        if self.injector.fault:
            problems.append("the call was never made")
        try:
            account = describe(self.aws.client)
            if succeeded:
                goal = self.normal if self.fault["of"] == "bootstrap" else self.empty
                problems += [
                    f"ended well, but {difference}" for difference in differences(goal, _without_traces(account, goal))
                ]
            problems += self._check_recovery(account)
        except BaseException:
            problems.append(traceback.format_exc())
        with self.report.open("a") as report:
            report.write(json.dumps(self.fault | {"problems": problems}) + "\n")
        os._exit(0)

    def _check_recovery(self, account: Account) -> list[str]:
        """Return the problems after bootstrap and after teardown of this account. Each state is checked once."""
        state = hashlib.sha256(repr(account).encode()).hexdigest()
        checked = self.report.with_name(f"state-{state}")
        if not checked.exists():
            new = self.report.with_name(f"{os.getpid()}")
            child = os.fork()
            if child == 0:
                new.write_text(json.dumps(self._check("bootstrap again", self._bootstrap, self.normal)))
                os._exit(0)
            os.waitpid(child, 0)
            problems = json.loads(new.read_text()) + self._check("teardown then", self._tear_down, self.empty)
            new.write_text(json.dumps(problems))
            new.replace(checked)
        recovery_problems: list[str] = json.loads(checked.read_text())
        return recovery_problems

    def _bootstrap(self) -> None:
        bootstrap(self.aws, pool=SerialExecutor())

    def _tear_down(self) -> None:
        if left := teardown(self.aws, pool=SerialExecutor()).left:
            raise FootlakeError(f"left: {left}")

    def _check(self, run: str, work: Callable[[], None], goal: Account) -> list[str]:
        problems = []
        try:
            work()
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
        problems += differences(goal, _without_traces(describe(self.aws.client), goal))
        return [f"{run}: {problem}" for problem in problems]


def _without_traces(account: Account, goal: Account) -> Account:
    """Return the account without the traces of use, unless the goal is an empty account."""
    if not goal["bucket"]:
        return account
    account = copy.deepcopy(account)
    account["model"] = {}
    for database in account["database"].values():
        for name in TRACE_TABLES:
            database["tables"].pop(name, None)
    for bucket in account["bucket"].values():
        for kind in ("objects", "deleted"):
            bucket[kind] = [key for key in bucket[kind] if not key.startswith(TRACES)]
    return account


def leave_traces(aws: AwsContext) -> None:
    """Create what a used lake contains: objects in several versions, tables, a model, a log stream."""
    s3, config = aws.client("s3"), aws.config
    for body in (b"old", b"new"):
        for number in range(3):
            s3.put_object(Bucket=config.bucket, Key=f"{TRACES}{number}.json", Body=body)
    s3.delete_object(Bucket=config.bucket, Key=f"{TRACES}0.json")
    for name in TRACE_TABLES:
        aws.client("glue").create_table(DatabaseName=config.glue_database, TableInput={"Name": name})
    aws.client("sagemaker").create_model(
        ModelName=f"{config.model}-1",
        ExecutionRoleArn=f"arn:aws:iam::{config.account}:role/{config.sagemaker_role}",
        Tags=[{"Key": key, "Value": value} for key, value in config.tags.items()],
    )
    aws.client("logs").create_log_stream(logGroupName="/aws/lambda/etlGetFixtures", logStreamName="1")


def _warm_up(aws: AwsContext) -> None:
    """Create every client and import every module, so that no child has to, and then reset the account."""
    from moto.core.base_backend import BackendDict

    describe(aws.client)
    bootstrap(aws, pool=SerialExecutor())
    teardown(aws, pool=SerialExecutor())
    BackendDict.reset()
    gc.freeze()  # a collection would write to, and so copy, every memory page that the children share


def start_aws(inside: bool = True) -> None:
    """Start an empty AWS in this process: moto with footlake's patches, without the engines.

    With `inside`, the SDK's calls in this process reach it without a network connection.
    """
    from footlake.local.server import MOTO_SETTINGS

    os.environ.update(MOTO_SETTINGS)
    from moto import mock_aws

    from footlake.local import patches

    if inside:
        mock_aws().start()
    patches.install()
    patches.sagemaker.LIST_LAG = timedelta(0)  # the model of a used lake is old
