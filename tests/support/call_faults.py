"""Every API call of bootstrap and of teardown spoilt once, in every way: does the lake converge all the same?

    python -m bench.faults [--kind KIND]... [--every N] [--changing] [--verbose]

At each call k = 1 … N the process forks, once for each kind of fault, with the whole AWS (moto) inside. The child
spoils that one call, goes on to the bitter end, and then forks again from the disturbed state that this left behind:

- one bootstraps again, undisturbed: the account must be as an undisturbed bootstrap makes it, in every detail;
- one tears down, undisturbed: the account must be as it was before there was a lake.

Many faults leave the same state behind, down to the last detail that AWS shows: what follows is found out only once.

Also, a disturbed bootstrap or teardown that ends well must have done all its work.
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
LIVED = f"{s3_keys.RAW}lived-in/"  # no notification listens there: moto has no functions to run
READS = re.compile("Get|List|Describe|Head|BatchGet")


class InTurn(Executor):
    """A pool of none: work is done when it is handed in, in the thread that a fork keeps."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass
class FaultyWire:
    """What lies between the SDK and AWS: counts the calls of a session, and spoils the one that it was told to."""

    session: boto3.Session
    calls: list[str] = field(default_factory=list)
    on_call: Callable[[], None] = lambda: None
    on_death: Callable[[], None] = lambda: None
    fault: str = ""

    def __post_init__(self) -> None:
        self.session.events.register_first("before-call", self._asked)
        self.session.events.register_last("before-send", self._answered)

    def _asked(self, model: Any, **_: Any) -> Any:
        """Before the SDK begins; what is returned stands for the answer that it got after all its attempts."""
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

    def _answered(self, **_: Any) -> None:
        """After moto has done its part."""
        fault, self.fault = self.fault, ""
        if fault == "killed-after":
            self.on_death()
        if fault == "answer-lost":
            raise ConnectionClosedError(endpoint_url="https://aws")


@dataclass
class _Answer:
    status_code: int


def refusal(fault: str, model: Any) -> tuple[_Answer, dict[str, Any]]:
    """AWS's refusal in the words of the service."""
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


class Trials:
    """One account, without a lake at first, and the processes that go wrong in it."""

    def __init__(self, report: Path, as_documented: bool = False, at_once: int = 2) -> None:
        self.wire = FaultyWire(boto3.Session("x", "x", region_name="us-east-1"))
        config = Config(
            api_key="a key",
            client_address="203.0.113.7/32",
            alert_email="somebody@example.com",
            as_documented=as_documented,
        )
        self.lake = AwsContext(config, self.wire.session)
        self.report, self.at_once = report, at_once
        self.children: list[int] = []
        self.spoilt: dict[str, Any] = {}
        _warm_up(self.lake)
        self.empty = describe(self.lake.client)
        self.normal = self._undisturbed()

    def _undisturbed(self) -> Account:
        """The account after bootstrap, found out in a process of its own: here it stays as new."""
        child = os.fork()
        if child == 0:
            bootstrap(self.lake, pool=InTurn())
            self.report.write_bytes(pickle.dumps(describe(self.lake.client)))
            os._exit(0)
        os.waitpid(child, 0)
        account: Account = pickle.loads(self.report.read_bytes())
        self.report.write_text("")
        return account

    def bootstrap(self, kinds: Sequence[str], chosen: Callable[[int, str], bool]) -> int:
        """Spoil bootstrap's calls in these ways; the number of its calls. The lake is there afterwards."""
        return self._spoil("bootstrap", lambda: bool(bootstrap(self.lake, pool=InTurn())), kinds, chosen)

    def teardown(self, kinds: Sequence[str], chosen: Callable[[int, str], bool]) -> int:
        """Spoil the calls of tearing down a lake that has been lived in. The lake is gone afterwards."""
        live_in(self.lake)
        return self._spoil("teardown", lambda: not teardown(self.lake, pool=InTurn()).left, kinds, chosen)

    def _spoil(
        self, name: str, work: Callable[[], bool], kinds: Sequence[str], chosen: Callable[[int, str], bool]
    ) -> int:
        first, parent = len(self.wire.calls), os.getpid()

        def fork() -> None:
            """In the parent nothing happens; in each child the call that is about to be made is spoilt."""
            number, call = len(self.wire.calls) - first, self.wire.calls[-1]
            for kind in kinds if chosen(number, call) else ():
                if self._fork():
                    self.spoilt = {"of": name, "call": number, "operation": call, "kind": kind}
                    self.wire.fault, self.wire.on_call = kind, lambda: None
                    self.wire.on_death = lambda: self._judge(well=None)
                    return

        self.wire.on_call = fork
        well, crash = False, ""
        try:
            well = work()
        except (ClientError, BotoCoreError, FootlakeError):
            pass
        except Exception as error:
            if os.getpid() == parent:
                raise
            # Asked again for what it has just done, moto may stumble where AWS would say that it is not there.
            if "/moto/" not in traceback.extract_tb(error.__traceback__)[-1].filename:
                crash = traceback.format_exc()
        if os.getpid() != parent:
            self._judge(well, crash)
        self.wire.on_call = lambda: None
        while self.children:
            os.waitpid(self.children.pop(), 0)
        return len(self.wire.calls) - first

    def _fork(self) -> bool:
        """Whether this is the child."""
        if len(self.children) >= self.at_once:
            os.waitpid(self.children.pop(0), 0)
        child = os.fork()
        if child:
            self.children.append(child)
        return child == 0

    def _judge(self, well: bool | None, crash: str = "") -> None:
        """What became of the disturbed account, written to the report; the child ends here."""
        problems = [crash] if crash else []
        if self.wire.fault:
            problems.append("the call was never made")
        try:
            account = describe(self.lake.client)
            if well:
                goal = self.normal if self.spoilt["of"] == "bootstrap" else self.empty
                problems += [f"ended well, but {one}" for one in differences(goal, _standing(account, goal))]
            problems += self._verdict(account)
        except BaseException:
            problems.append(traceback.format_exc())
        with self.report.open("a") as report:
            report.write(json.dumps(self.spoilt | {"problems": problems}) + "\n")
        os._exit(0)

    def _verdict(self, account: Account) -> list[str]:
        """What is wrong after another bootstrap, and after a teardown, of an account in this state: found out once."""
        state = hashlib.sha256(repr(account).encode()).hexdigest()
        known = self.report.with_name(f"state-{state}")
        if not known.exists():
            new = self.report.with_name(f"{os.getpid()}")
            child = os.fork()
            if child == 0:
                new.write_text(json.dumps(self._try("bootstrap again", self._bootstrap, self.normal)))
                os._exit(0)
            os.waitpid(child, 0)
            problems = json.loads(new.read_text()) + self._try("teardown then", self._tear_down, self.empty)
            new.write_text(json.dumps(problems))
            new.replace(known)
        verdict: list[str] = json.loads(known.read_text())
        return verdict

    def _bootstrap(self) -> None:
        bootstrap(self.lake, pool=InTurn())

    def _tear_down(self) -> None:
        if left := teardown(self.lake, pool=InTurn()).left:
            raise FootlakeError(f"left: {left}")

    def _try(self, what: str, work: Callable[[], None], goal: Account) -> list[str]:
        problems = []
        try:
            work()
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
        problems += differences(goal, _standing(describe(self.lake.client), goal))
        return [f"{what}: {one}" for one in problems]


def _standing(account: Account, goal: Account) -> Account:
    """The account without what living in it left, unless the goal is to leave nothing."""
    if not goal["bucket"]:
        return account
    account = copy.deepcopy(account)
    account["model"] = {}
    for database in account["database"].values():
        database["tables"] = []
    for bucket in account["bucket"].values():
        for kind in ("objects", "deleted"):
            bucket[kind] = [one for one in bucket[kind] if not one.startswith(LIVED)]
    return account


def live_in(lake: AwsContext) -> None:
    """What running leaves in a lake: objects in several versions, tables, a model, log streams."""
    s3, config = lake.client("s3"), lake.config
    for body in (b"old", b"new"):
        for number in range(3):
            s3.put_object(Bucket=config.bucket, Key=f"{LIVED}{number}.json", Body=body)
    s3.delete_object(Bucket=config.bucket, Key=f"{LIVED}0.json")
    for name in ("fixtures", "statistics"):
        lake.client("glue").create_table(DatabaseName=config.database, TableInput={"Name": name})
    lake.client("sagemaker").create_model(
        ModelName=f"{config.model}-1",
        ExecutionRoleArn=f"arn:aws:iam::{config.account}:role/{config.sagemaker_role}",
        Tags=[{"Key": key, "Value": value} for key, value in config.tags.items()],
    )
    lake.client("logs").create_log_stream(logGroupName="/aws/lambda/etlGetFixtures", logStreamName="1")


def _warm_up(lake: AwsContext) -> None:
    """Make every client and import every module once, so that no child has to; then forget the account."""
    from moto.core.base_backend import BackendDict

    describe(lake.client)
    bootstrap(lake, pool=InTurn())
    teardown(lake, pool=InTurn())
    BackendDict.reset()
    gc.freeze()  # the collector would touch, and so copy, every page that the children share


def start_aws(inside: bool = True) -> None:
    """An empty AWS in this process: moto with what footlake adds to it, without the engines.

    `inside`, the SDK's calls in this process go to it without a connection.
    """
    from footlake.local.server import MOTO_SETTINGS

    os.environ.update(MOTO_SETTINGS)
    from moto import mock_aws

    from footlake.local.context import Local
    from footlake.local.patches import account_extras, corrections, glue, sagemaker

    if inside:
        mock_aws().start()
    for extras in (corrections, account_extras, glue):
        extras.install(Local(Path("unused"), 0))
    sagemaker.install_models()
