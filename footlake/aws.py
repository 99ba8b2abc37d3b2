"""The lake as commands see it: its settings and AWS's clients, made once and passed in."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from footlake import __version__
from footlake.config import Config
from footlake.errors import FootlakeError, Interrupted, TimedOut

T = TypeVar("T")

GLOBAL_SERVICE_REGIONS = {"freetier": "us-east-1"}  # services that answer for the whole account from one region


@dataclass(frozen=True)
class Discovery:
    """What a walk over the catalogue has looked up before it begins: the default VPC, its subnets, what has our tag."""

    vpc: str = ""
    subnets: tuple[Mapping[str, Any], ...] = ()
    tagged: frozenset[str] = frozenset()


class AwsContext:
    """One account and region. `progress` is told what is being waited for, for how many seconds.

    One that is not `patient` looks once where others wait. `caller` is the ARN of whoever runs footlake.
    """

    def __init__(
        self,
        config: Config,
        session: Any,
        progress: Callable[[str, float], None] | None = None,
        patient: bool = True,
    ) -> None:
        if not session.region_name:
            raise FootlakeError("No AWS region is set.", "Use --region, AWS_REGION or your AWS profile.")
        self._session = session
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()  # clients are safe to share between threads, making them is not
        self._patient = patient
        self._progress = progress or (lambda what, seconds: None)
        identity = self._identity()
        self.caller = str(identity["Arn"])
        partition = self.caller.split(":")[1]
        if partition != "aws":
            raise FootlakeError(
                f"This account is in the partition {partition}, whose services and prices footlake does not know.",
                "Use an account of AWS's commercial regions.",
            )
        self.config = replace(config, account=identity["Account"], region=session.region_name)
        self.discovered = Discovery()

    def _identity(self) -> dict[str, Any]:
        from botocore.parsers import ResponseParserError

        try:
            answer: dict[str, Any] = self.client("sts").get_caller_identity()
        except KeyError as error:  # so botocore stumbles over XML that is somebody else's, as a sign-in page may be
            raise ResponseParserError(f"no {error} in the answer") from error
        return answer

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made at its first use."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        from botocore.config import Config as BotoConfig

        return self._session.client(
            service,
            region_name=GLOBAL_SERVICE_REGIONS.get(service),
            config=BotoConfig(
                retries={"mode": "standard", "total_max_attempts": 5},
                connect_timeout=5,
                # A Lambda may run for 90 seconds before it answers.
                read_timeout=120 if service == "lambda" else 60,
                user_agent_extra=f"footlake/{__version__}",
            ),
        )

    @property
    def session(self) -> Any:
        """The boto3 session, for the SageMaker SDK."""
        return self._session

    def wait_until(self, what: str, check: Callable[[], T | None], every: float, limit: float) -> T:
        """The first result of `check` that is not None, asked for at most `limit` seconds.

        It is asked ten times a second at first, and less and less often, down to once in `every` seconds.
        """
        started = time.monotonic()
        try:
            while True:
                result = check()
                if result is not None:
                    return result
                waited = time.monotonic() - started
                if waited > limit or not self._patient:
                    again = "It may still come: try the command again."
                    raise TimedOut(f"Waited {limit:.0f} seconds for {what}.", again)
                self._progress(what, waited)
                time.sleep(min(every, 0.1 + waited / 20))
        except Interrupted:  # what is waited for within says more
            raise
        except KeyboardInterrupt:
            raise Interrupted(what) from None

    def retry_until_consistent(self, what: str, call: Callable[[], T], *messages: str) -> T:
        """The result of `call`, tried again while AWS says one of `messages`: what is new is not known at once."""
        from botocore.exceptions import ClientError

        refusals: list[ClientError] = []

        def attempt() -> tuple[T] | None:
            try:
                return (call(),)
            except ClientError as error:
                if any(message in str(error) for message in messages):
                    refusals[:] = [error]
                    return None
                raise

        try:
            return self.wait_until(what, attempt, every=2, limit=90)[0]
        except TimedOut as error:
            if not refusals:
                raise
            said = refusals[0].response["Error"].get("Message", "")
            raise TimedOut(f"{error.message} AWS says: {said}", error.hint) from refusals[0]


def show_progress(what: str, seconds: float) -> None:
    """Progress for people, on standard error."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K  … {what} ({seconds:.0f} s)", end="", file=sys.stderr, flush=True)
