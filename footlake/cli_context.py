"""What the command line knows when a command starts: the global options, made into settings, a lake, an output."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footlake import config
from footlake.config import Config

if TYPE_CHECKING:
    from footlake.aws import AwsContext
    from footlake.local.daemon import LocalServer

LOCAL_REGION = "us-east-1"
SIMULATED = "simulated league, not real results"
LOCAL_KEY = "local"  # the local football API takes any key


@dataclass
class CliContext:
    """The global options. `flags` are settings given on the command line."""

    local: bool = False
    profile: str | None = None
    region: str | None = None
    config_file: Path | None = None
    output: str = "text"
    debug: bool = False
    overrides: dict[str, Any] = field(default_factory=dict)
    lake_options: str = ""
    """The options that say which lake is meant, but `--local`, as they were given."""
    lines_printed: int = 0
    """How many lines of the result there are so far."""
    last_line: str = ""
    """The last of them."""
    read_only: bool = False
    """Whether the command changes nothing in the lake."""
    resume_hint: str = "Run the same command again: it goes on where it stopped."
    """What to do after an interruption now."""
    local_context: AwsContext | None = field(default=None, init=False)
    """The lake, where it is one on the local AWS."""

    @cached_property
    def config(self) -> config.Config:
        """The settings of this run."""
        return config.load(self.config_file, os.environ, self.overrides)

    @property
    def explicit_settings(self) -> dict[str, tuple[Any, str]]:
        """The settings that are not left at their defaults, and where each came from."""
        return config.explicit_settings(self.config_file, os.environ, self.overrides)

    @property
    def local_dir(self) -> Path:
        """The directory of the local AWS."""
        return Path(self.config.local_dir).expanduser().absolute()

    def connect(self, read_only: bool = False) -> AwsContext:
        """The lake on AWS, or on the local AWS, which is started if need be. Here alone is the endpoint chosen.

        A `read_only` one raises ChangeBlocked instead of making a call that changes something, and waits for nothing.
        """
        from footlake.aws import AwsContext, show_progress

        settings, credentials = self.football_settings(), {}
        aws = self.start_local() if self.local else self._local_by_endpoint()
        if aws:
            settings = replace(settings, client_address="127.0.0.1/32", mysql_ca=str(aws.mysql_ca))
        if aws and self.local:
            _only_endpoint(aws.endpoint)
            credentials = {"aws_access_key_id": "footlake-local", "aws_secret_access_key": "footlake-local"}
        import boto3

        make: Any = boto3.Session
        region = self.region or (LOCAL_REGION if self.local else None)
        session = make(profile_name=None if self.local else self.profile, region_name=region, **credentials)
        if read_only:
            from footlake.deploy.plan import block_changes

            block_changes(session)
        lake = AwsContext(settings, session, show_progress, patient=not read_only)
        self.local_context = lake if aws else None
        return lake

    def _local_by_endpoint(self) -> LocalServer | None:
        """The local AWS, where the user's own AWS_ENDPOINT_URL names it."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if not endpoint:
            return None
        from footlake.local import daemon

        aws = daemon.find_running(self.local_dir)
        return aws if aws and aws.endpoint == endpoint.rstrip("/") else None

    def football_settings(self) -> Config:
        """The settings, with the local football API in them where that one is to be asked."""
        if not self.local or self.config.api_key:
            return self.config
        return replace(self.config, api_url=self.start_local().football_api, api_key=LOCAL_KEY)

    @cached_property
    def football(self) -> str:
        """Where the football of the lake comes from: the simulator, if any of it does, whatever is asked by now."""
        return SIMULATED if self.local_context and _simulated(self.local_context) else self.source

    @property
    def source(self) -> str:
        """Whom the lake's functions ask for football, as bootstrap sets them up."""
        if not self.local or self.config.api_key:
            return f"API-Football at {self.config.api_url}"
        from footlake.local.daemon import FootballSettings

        recordings = FootballSettings.read(self.local_dir).recordings
        return f"recordings from {recordings}" if recordings else SIMULATED

    def is_running(self) -> bool:
        """Whether there is something to ask without starting it: AWS, or a local AWS that runs."""
        from footlake.local import daemon

        return not self.local or daemon.find_running(self.local_dir) is not None

    def start_local(self, port: int | None = None) -> LocalServer:
        """The local AWS, running."""
        from footlake.local import daemon

        recordings = Path(self.config.recordings).expanduser() if self.config.recordings else None
        if daemon.find_running(self.local_dir) is None:
            self.notify(f"Starting the local AWS in {self.local_dir} …")
        return daemon.start(self.local_dir, port, recordings)

    def here(self, text: str) -> str:
        """The text, each of its commands with the options that lead to this very lake."""
        from footlake.commands import COMMANDS

        names = "|".join(name for name in COMMANDS if name != "local")
        options = f"{' --local' if self.local else ''}{self.lake_options}"
        return re.sub(rf"\bfootlake (?=({names})\b)", lambda _: f"footlake{options} ", text)

    def style(self, text: str, colour: str) -> str:
        """The text in a colour, where standard output is a terminal and NO_COLOR is not set."""
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return click.style(text, fg=colour) if coloured else text

    def notify(self, text: str) -> None:
        """Progress, for people, on standard error."""
        if sys.stderr.isatty():
            text = f"\r\x1b[K{text}"
        print(text, file=sys.stderr, flush=True)

    def print_line(self, text: str) -> None:
        """One line of the result, in text mode."""
        self.lines_printed, self.last_line = self.lines_printed + 1, text
        if self.output == "text":
            if sys.stderr.isatty():
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            try:
                print(text, flush=True)
            except BrokenPipeError:
                if self.read_only:
                    raise
                # Whoever reads has heard enough, as `head -1` has: that is no reason to leave the work half done.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def print_result(self, result: Any, lines: Iterable[str] = (), football: bool = False) -> None:
        """The result: these lines as text, or the whole of it as one JSON document.

        A result about `football` says where that comes from; in text only if it is simulated.
        """
        if self.output == "json":
            document: dict[str, Any] = asdict(result) if is_dataclass(result) else result  # type: ignore[arg-type]
            if football:
                document = {"football": self.football, **document}
            print(json.dumps(document, default=_written, indent=2))
            return
        for line in lines:
            self.print_line(line)
        if football and self.football == SIMULATED:
            self.print_line(f"({SIMULATED})")


def _simulated(lake: AwsContext) -> bool:
    """Whether any of the lake's fixtures are the simulator's."""
    from footlake.lake import s3_keys
    from footlake.local.football.simulator import is_simulated
    from footlake.model import registry

    try:
        keys = registry.lake_store(lake).list_objects(s3_keys.FIXTURES)
    except lake.client("s3").exceptions.NoSuchBucket:
        return False
    return any(is_simulated(*parsed) for key in keys if (parsed := s3_keys.parse_fixtures(key)))


def _written(value: Any) -> str:
    """A value that JSON has no form for: times and days as ISO 8601."""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _only_endpoint(url: str) -> None:
    """Let nothing in the environment lead a call past this endpoint: no profile, no other endpoint, no proxy."""
    from footlake.local.daemon import LOOPBACK

    for name in list(os.environ):
        if name in (
            "AWS_PROFILE",
            "AWS_DEFAULT_PROFILE",
            "AWS_SESSION_TOKEN",
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        ) or name.startswith("AWS_ENDPOINT_URL"):
            del os.environ[name]
    os.environ["AWS_ENDPOINT_URL"] = url
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = LOOPBACK
