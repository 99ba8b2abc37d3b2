"""The AWS account and region of a command: its settings, its boto3 clients, waiting and retrying."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from footlake import __version__
from footlake.aws_errors import credentials_error, is_temporary
from footlake.config import Config
from footlake.errors import FootlakeError, Interrupted, TimedOut

T = TypeVar("T")

READ_PREFIXES = ("Get", "List", "Describe", "Head", "BatchGet", "Search", "Lookup", "Simulate")  # of operations
GLOBAL_SERVICE_REGIONS = {"freetier": "us-east-1"}  # services that have one endpoint for all regions


@dataclass(frozen=True)
class Discovery:
    """Facts that many resources need: the default VPC, its subnets, and the ARNs that carry the tag of the lake.

    footlake.deploy.tag_inventory.discover() looks them up once.
    """

    vpc: str = ""
    subnets: tuple[Mapping[str, Any], ...] = ()
    tagged: frozenset[str] = frozenset()


class ChangeBlocked(Exception):
    """The session blocked a call that would have changed something (footlake.deploy.plan)."""


class SharedReads:
    """AWS's answers to the reads of a run on `resources`: threads that read the same share one call and its error.

    An answer is valid until the run calls AWS to change something, in any service, or waits for a change. An error that
    can pass is only shared by the threads that wait for it. `changed` are the services in which the run called for
    changes.
    """

    def __init__(self, resources: Sequence[Any]) -> None:
        self.resources = resources
        self.changed: set[str] = set()
        self._answers: dict[tuple[str, str, str], Future[Any]] = {}
        self._lock = threading.Lock()

    def call(self, service: Any, send: Callable[..., Any], operation: str, arguments: Mapping[str, Any]) -> Any:
        """Return the answer to a call, whose parameters are those of botocore's `_make_api_call`, given as `send`."""
        from botocore.exceptions import ClientError, ParamValidationError

        if not operation.startswith(READ_PREFIXES):
            sent = True
            try:
                return send(operation, arguments)
            except (ChangeBlocked, ParamValidationError):
                sent = False
                raise
            finally:
                if sent:
                    self.changed.add(service.service_name)
                    self.forget()
        if service.operation_model(operation).has_streaming_output:  # which can be read once
            return send(operation, arguments)
        own: Future[Any] = Future()
        key = (service.service_name, operation, repr(arguments))
        with self._lock:
            answer = self._answers.setdefault(key, own)
        if answer is own:
            try:
                own.set_result(send(operation, arguments))
            except BaseException as error:
                if not isinstance(error, ClientError) or is_temporary(error):
                    with self._lock:
                        if self._answers.get(key) is own:
                            del self._answers[key]
                own.set_exception(error)
        return answer.result()

    def forget(self) -> None:
        """Let the next reads call AWS."""
        with self._lock:
            self._answers = {}


def _add_missing_collections(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    """Add the lists and maps that AWS leaves out of an answer because they are empty (botocore's event after-call).

    Only those of the first level: footlake sends nested structures back as it read them.
    """
    if model.output_shape is None or "Error" in parsed:
        return
    for name, shape in model.output_shape.members.items():
        if shape.type_name in ("list", "map"):
            parsed.setdefault(name, [] if shape.type_name == "list" else {})


class AwsContext:
    """One account and region. A command builds it once and passes it on.

    `config` are the settings with account and region, `caller` is the ARN of the user or role of the credentials.
    `show_wait` returns the context in which a wait takes place; its argument describes what is awaited. Without
    `patient`, a wait checks once and then raises TimedOut. `endpoint_url` replaces the endpoints of all services.
    """

    def __init__(
        self,
        config: Config,
        session: Any,
        show_wait: Callable[[str], AbstractContextManager[Any]] = nullcontext,
        patient: bool = True,
        endpoint_url: str | None = None,
    ) -> None:
        if not session.region_name:
            raise FootlakeError("No AWS region is set.", "Set --region, AWS_REGION or the region of your AWS profile.")
        self._session = session
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}
        self.shared_reads: SharedReads | None = None
        self._creation = threading.Lock()  # threads can share clients, but boto3 must not create two at once
        self._patient = patient
        self._show_wait = show_wait
        identity = self._identity()
        self.caller = str(identity["Arn"])
        partition = self.caller.split(":")[1]
        if partition != "aws":
            raise FootlakeError(
                f"footlake does not support the AWS partition {partition}.",
                "Use an account in the commercial AWS regions.",
            )
        self.config = replace(config, account=identity["Account"], region=session.region_name)
        self.discovered = Discovery()

    @contextmanager
    def sharing_reads(self, resources: Sequence[Any]) -> Iterator[None]:
        """Let the threads of a run on `resources` share the answers to their reads in the block (see SharedReads)."""
        self.shared_reads = SharedReads(resources)
        try:
            yield
        finally:
            self.shared_reads = None

    def _identity(self) -> dict[str, Any]:
        from botocore.parsers import ResponseParserError

        try:
            self._load_credentials()
            answer: dict[str, Any] = self.client("sts").get_caller_identity()
        except KeyError as error:  # from botocore, for XML that is not from AWS, such as a sign-in page
            raise ResponseParserError(f"no {error} in the response") from error
        return answer

    def _load_credentials(self) -> None:
        """Let the AWS SDK obtain the credentials, which may run a program or call AWS."""
        from botocore.exceptions import BotoCoreError

        try:
            if credentials := self._session.get_credentials():
                credentials.get_frozen_credentials()
        except BotoCoreError:  # some of its subclasses are OSErrors
            raise
        # From a credential_process that does not start, does not print a JSON object or prints expired credentials,
        # and from files that cannot be read.
        except (OSError, ValueError, AttributeError, RuntimeError) as error:
            raise credentials_error(error) from error

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service. It is created at the first use."""
        with self._creation:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        from botocore.config import Config as BotoConfig

        client = self._session.client(
            service,
            region_name=GLOBAL_SERVICE_REGIONS.get(service),
            endpoint_url=self._endpoint_url,
            config=BotoConfig(
                retries={"mode": "standard", "total_max_attempts": 5},
                connect_timeout=5,
                # A Lambda function can run for 90 seconds before it answers.
                read_timeout=120 if service == "lambda" else 60,
                user_agent_extra=f"footlake/{__version__}",
            ),
        )
        client.meta.events.register("after-call", _add_missing_collections)
        # An answer from a handler of botocore's events could not be one that another thread still waits for.
        client._make_api_call = partial(self._call, client.meta.service_model, client._make_api_call)
        return client

    def _call(self, service: Any, send: Callable[..., Any], operation: str, arguments: Mapping[str, Any]) -> Any:
        reads = self.shared_reads
        return send(operation, arguments) if reads is None else reads.call(service, send, operation, arguments)

    @property
    def session(self) -> Any:
        """The boto3 session, for the SageMaker SDK."""
        return self._session

    def wait_until(self, what: str, check: Callable[[], T | None], every: float, limit: float) -> T:
        """Call `check` until its result is not None, and return that result.

        The pause between calls grows from 0.05 to `every` seconds. Raises TimedOut after `limit` seconds, and
        Interrupted for Ctrl-C; both name `what` is awaited.
        """
        try:
            with self._show_wait(what):
                return self._poll(what, check, every, limit)
        except Interrupted:  # from a wait inside `check`, which is more specific
            raise
        except KeyboardInterrupt:
            raise Interrupted(what) from None

    def _poll(self, what: str, check: Callable[[], T | None], every: float, limit: float) -> T:
        started = time.monotonic()
        while True:
            result = check()
            if result is not None:
                return result
            if not self._patient:
                raise TimedOut(f"This command does not wait for {what}.", "Run the same command again later.")
            waited = time.monotonic() - started
            if waited > limit:
                message = f"Timed out after {waited:.0f} seconds while waiting for {what}."
                raise TimedOut(message, "Run the same command again to continue waiting.")
            time.sleep(min(every, 0.05 + waited / 20))
            if reads := self.shared_reads:
                reads.forget()

    def retry_until_consistent(self, what: str, call: Callable[[], T], *messages: str) -> T:
        """Return the result of `call`, repeated while it raises a ClientError with one of `messages` in its text.

        IAM roles, Lake Formation grants and buckets take some seconds to become visible to other services.
        Raises TimedOut after 90 seconds, with the last message from AWS.
        """
        from botocore.exceptions import ClientError

        last_error: ClientError | None = None

        def attempt() -> tuple[T] | None:
            nonlocal last_error
            try:
                return (call(),)
            except ClientError as error:
                if any(message in str(error) for message in messages):
                    last_error = error
                    return None
                raise

        try:
            return self.wait_until(what, attempt, every=2, limit=90)[0]
        except TimedOut as error:
            if last_error is None:
                raise
            message = last_error.response["Error"].get("Message", "")
            raise TimedOut(f"{error.message} The last error from AWS: {message}", error.hint) from last_error
