"""The global options of one call: the settings, the AWS context and the output that follow from them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footlake.cli_output import SIMULATED, Output
from footlake.errors import FootlakeError, Hint

if TYPE_CHECKING:
    from footlake.aws import AwsContext
    from footlake.config import Config
    from footlake.local.daemon import LocalServer

LOCAL_REGION = "us-east-1"
LOCAL_KEY = "local"  # the local football API accepts any key
_LOCAL_CREDENTIALS = {"aws_access_key_id": "footlake-local", "aws_secret_access_key": "footlake-local"}
_AWS_CLI_CACHE = "~/.aws/cli/cache"  # where the AWS CLI keeps the sessions of assumed roles


@dataclass(frozen=True)
class CliContext:
    """The global options of one call, which do not change after it has started.

    `overrides` are settings given as options of the command; None leaves the setting unchanged.
    """

    local: bool = False
    profile: str | None = None
    region: str | None = None
    config_file: Path | None = None
    debug: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    lake_options: str = ""
    """The options that choose the lake, except --local, as the user gave them."""
    output: Output = field(default_factory=Output)

    @classmethod
    def from_options(
        cls, *, output: str, read_only: bool = False, lake_options: str = "", **options: Any
    ) -> CliContext:
        """Create the context from the parameters of the top-level command."""
        return cls(**options, lake_options=lake_options, output=Output(output, read_only))

    def with_overrides(self, **settings: Any) -> CliContext:
        """Return the same context with these settings in place of those of the environment and the file."""
        return replace(self, overrides={**self.overrides, **settings})

    def with_output_format(self, output_format: str) -> CliContext:
        """Return the same context with another output format."""
        return replace(self, output=self.output.with_format(output_format))

    @cached_property
    def config(self) -> Config:
        """The settings of this call."""
        from footlake import config

        return config.load(self.config_file, os.environ, self.overrides)

    @property
    def explicit_settings(self) -> dict[str, tuple[Any, str]]:
        """The settings that are not left at their defaults, each with its origin."""
        from footlake import config

        return config.explicit_settings(self.config_file, os.environ, self.overrides)

    @property
    def local_dir(self) -> Path:
        """The directory of the local AWS."""
        return Path(self.config.local_dir).expanduser().absolute()

    def connect(self, read_only: bool = False) -> AwsContext:
        """Connect to AWS, or to the local AWS, which is started if necessary. Only this method chooses the endpoint.

        With `read_only`, a call that would change something raises ChangeBlocked, and nothing is waited for.
        """
        from footlake.aws import AwsContext

        settings = self.football_settings()
        local_aws = self.start_local() if self.local else self._local_aws_by_endpoint()
        if local_aws:
            settings = replace(settings, client_address="127.0.0.1/32", mysql_ca=str(local_aws.mysql_ca))
        session = self._new_session()
        if read_only:
            from footlake.deploy.plan import block_changes

            block_changes(session)
        endpoint = local_aws.endpoint if local_aws and self.local else None
        return AwsContext(
            settings, session, self.output.progress.waiting_for, patient=not read_only, endpoint_url=endpoint
        )

    def _new_session(self) -> Any:
        """Create the boto3 session. With --local, the user's AWS variables, files and proxies do not apply to it."""
        import boto3
        from botocore.config import Config as BotoConfig
        from botocore.session import Session

        make: Any = boto3.Session
        if not self.local:
            session = Session()
            made = make(botocore_session=session, profile_name=self.profile, region_name=self.region)
            _keep_mfa_sessions(session)
            return made
        # The names of the variables and of the settings in the files are left out, the defaults remain.
        variables: Any = {
            name: (None, None, default, convert) for name, (_, _, default, convert) in Session.SESSION_VARIABLES.items()
        }
        no_files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
        session = Session(session_vars=variables | no_files)
        session.set_default_client_config(BotoConfig(proxies={}))
        return make(botocore_session=session, region_name=self.region or LOCAL_REGION, **_LOCAL_CREDENTIALS)

    def _local_aws_by_endpoint(self) -> LocalServer | None:
        """Return the local AWS if the user's own AWS_ENDPOINT_URL is its address."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if not endpoint:
            return None
        from footlake.local import daemon, files

        running = daemon.find_running(self.local_dir) if files.is_supported() else None
        return running if running and running.endpoint == endpoint.rstrip("/") else None

    def football_settings(self) -> Config:
        """Return the settings, with the local football API in place of API-Football if no key is set with --local."""
        if not self.local or self.config.api_key:
            return self.config
        return replace(self.config, api_url=self.start_local().football_api, api_key=LOCAL_KEY)

    @property
    def on_local_aws(self) -> bool:
        """Whether AWS is the local AWS: with --local, or because AWS_ENDPOINT_URL is its address."""
        return self.local or self._local_aws_by_endpoint() is not None

    def describe_account(self, aws: AwsContext) -> str:
        """Return which AWS the lake is on, for sentences: the local AWS and its directory, or account and region."""
        if self.on_local_aws:
            return f"the local AWS ({self.local_dir})"
        return f"AWS account {aws.config.account}, region {aws.config.region}"

    def describe_data_source(self, aws: AwsContext) -> str:
        """Return where the football data in the lake comes from: the simulator, if any of it does."""
        return SIMULATED if self.on_local_aws and _has_simulated_fixtures(aws) else self.football_source

    @property
    def football_source(self) -> str:
        """The source from which the lake's functions fetch football data, as bootstrap configures them."""
        if not self.local or self.config.api_key:
            return f"API-Football at {self.config.api_url}"
        from footlake.local.daemon import FootballSettings

        recordings = FootballSettings.read(self.local_dir).recordings
        return f"recordings from {recordings}" if recordings else SIMULATED

    def is_running(self) -> bool:
        """Tell whether AWS can be called without starting anything: it is AWS itself, or a local AWS that runs."""
        if not self.local:
            return True
        from footlake.local import daemon

        return daemon.find_running(self.local_dir) is not None

    def start_local(self, port: int | None = None) -> LocalServer:
        """Return the local AWS, started if it does not run."""
        from footlake.local import daemon

        recordings = Path(self.config.recordings).expanduser() if self.config.recordings else None
        if daemon.find_running(self.local_dir) is None:
            self.output.notify(f"Starting the local AWS in {self.local_dir} …")
        return daemon.start(self.local_dir, port, recordings)

    def notify(self, message: Hint) -> None:
        """Print a message on standard error, its commands with the global options that lead to this lake."""
        self.output.notify(self.format_hint(message))

    def leave_behind(self, what: Hint | None) -> None:
        """State what remains on AWS if the command is interrupted from now on; None for nothing special."""
        self.output.leave_behind(what)

    def cleaning_up(self) -> AbstractContextManager[None]:
        """Return a context in which an interruption waits for the command to undo something."""
        return self.output.cleaning_up()

    def format_hint(self, hint: Hint) -> str:
        """Return the hint, its commands with the global options that lead to this lake."""
        return hint.with_options(f"{' --local' if self.local else ''}{self.lake_options}")


def _keep_mfa_sessions(session: Any) -> None:
    """Keep the sessions of roles that require MFA where the AWS CLI keeps them, so that a code serves both programs.

    `session` is botocore's session with its profile.
    """
    from botocore.utils import JSONFileCache

    provider = session.get_component("credential_provider").get_provider("assume-role")
    provider.cache = JSONFileCache(str(Path(_AWS_CLI_CACHE).expanduser()))
    provider._prompter = _read_mfa_code  # botocore has no public way to replace getpass


def _read_mfa_code(prompt: str) -> str:
    """Return the MFA code from the terminal or, without one, a line that is ready on standard input.

    Raise FootlakeError if there is neither: waiting for an answer would never end.
    """
    if sys.stdin and sys.stdin.isatty():
        import getpass

        return getpass.getpass(prompt)
    if code := _read_ready_line():
        return code
    raise FootlakeError(
        "The AWS profile requires an MFA code, but there is no terminal in which to enter it.",
        "Run aws sts get-caller-identity with this profile in a terminal. footlake then uses the same session.",
    )


def _read_ready_line() -> str:
    """Return a line of standard input if one is ready, else an empty string. Windows cannot tell."""
    import select

    try:
        ready, _, _ = select.select([sys.stdin], [], [], 0)
    except (OSError, ValueError, TypeError):
        return ""
    return sys.stdin.readline().strip() if ready else ""


def _has_simulated_fixtures(aws: AwsContext) -> bool:
    from footlake.lake import s3_keys
    from footlake.local.football.simulator import is_simulated
    from footlake.model import registry

    try:
        keys = registry.lake_store(aws).list_objects(s3_keys.FIXTURES)
    except aws.client("s3").exceptions.NoSuchBucket:
        return False
    return any(is_simulated(*parsed) for key in keys if (parsed := s3_keys.parse_fixtures(key)))
