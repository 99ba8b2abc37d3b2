"""doctor: check what a run needs (packages, credentials, permissions, API key, lake, database)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import to_footlake_error
from footlake.aws_jobs import api_hint, format_count
from footlake.cli_context import CliContext
from footlake.config import Config
from footlake.deploy import preflight
from footlake.deploy.catalogue import api_key_secret, catalogue, mysql_instance
from footlake.deploy.database_sleep import STOP_NOW, database_status
from footlake.deploy.preflight import Finding
from footlake.deploy.requirements_check import check_packages
from footlake.deploy.schedule import next_run
from footlake.errors import FootlakeCommand, FootlakeError, Hint, NotReady
from footlake.football.api import ApiError, FootballApi
from footlake.model import registry
from footlake.resources.s3 import Bucket

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
FREE_SEASONS = range(2022, 2025)  # https://www.api-football.com/pricing


@dataclass(frozen=True)
class DoctorReport:
    """All findings, and the number of problems that would stop a run."""

    findings: list[Finding]
    problems: int


def check_machine(engines_needed: bool) -> Iterator[Finding]:
    """Check Python and footlake's packages, and those of the local AWS if they are needed or installed."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    supported = sys.version_info >= (3, 11)
    hint = "" if supported else "Install Python 3.11 or later."
    yield Finding("python", "ok" if supported else "problem", version, hint)
    yield from _check_packages("packages", "", "pip install --upgrade footlake", needed=True)
    yield from _check_packages(
        "local engines", "local", "pip install --upgrade 'footlake[local]'", needed=engines_needed
    )


def _check_packages(what: str, extra: str, remedy: str, needed: bool) -> Iterator[Finding]:
    """Check the packages of an extra of footlake. One that is not needed and not installed has no finding."""
    packages = list(check_packages(extra))
    installed = sum(package.version is not None for package in packages)
    if not needed and installed < len(packages) / 2:  # other projects may have installed one or two of them
        return
    unsuitable = [
        f"{package.name} {package.version or 'missing'} (needs {package.wanted})"
        for package in packages
        if not package.fits
    ]
    if unsuitable:
        yield Finding(what, "problem" if needed else "warning", ", ".join(unsuitable), remedy)
    else:
        yield Finding(what, "ok", ", ".join(f"{package.name} {package.version}" for package in packages))


def check_api_key(config: Config, key: str) -> Iterator[Finding]:
    """Check the key of API-Football with its /status endpoint, which does not count against the quota."""
    what = "API-Football"
    try:
        status = FootballApi(config.api_url, key).status()
        plan, used, limit = (
            str(status["subscription"]["plan"]),
            int(status["requests"]["current"]),
            int(status["requests"]["limit_day"]),
        )
        active, end = bool(status["subscription"]["active"]), str(status["subscription"]["end"])[:10]
    except ApiError as error:
        yield Finding(what, "problem", str(error).rstrip("."), api_hint(error))
        return
    except (KeyError, TypeError, ValueError):
        yield Finding(what, "warning", f"unexpected response from {config.api_url}/status")
        return
    left = max(0, limit - used)
    detail = f"{plan} plan until {end}, {left} of {format_count(limit, 'request')} left today"
    if not active:
        yield Finding(what, "problem", f"the {plan} plan ended on {end}", "Renew the plan at API-Football.")
    elif left == 0:
        yield Finding(what, "problem", detail, "The quota is reset at 00:00 UTC.")
    else:
        yield Finding(what, "ok", detail)
    excluded = [str(year) for year in config.seasons if year not in FREE_SEASONS]
    if plan.lower() == "free" and excluded:
        detail = (
            f"a free key covers the seasons {FREE_SEASONS[0]} to {FREE_SEASONS[-1]} only, not {', '.join(excluded)}"
        )
        yield Finding("season", "warning", detail, "Set FOOTLAKE_SEASON to one of them, or use a paid plan.")


def check_lake(aws: AwsContext, now: datetime) -> Iterator[Finding]:
    """Check what a run needs in the lake: its bucket, active schedules, and a model."""
    if not Bucket(aws.config.bucket).exists(aws):
        hint = Hint("Run ", FootlakeCommand("bootstrap"), ".")
        yield Finding("lake", "warning", f"s3://{aws.config.bucket} does not exist yet", hint)
        return
    yield Finding("lake", "ok", f"s3://{aws.config.bucket}")
    years = ", ".join(map(str, aws.config.seasons))
    if next_run(aws.config.weekly("0 8"), now) is None:
        hint = Hint(
            "For weekly runs, set FOOTLAKE_SEASON to the current season and run ", FootlakeCommand("bootstrap"), "."
        )
        ended = f"{aws.config.season}/{(aws.config.season + 1) % 100:02d}"
        yield Finding("schedules", "warning", f"they ended with season {ended}, so nothing runs automatically", hint)
    else:
        yield Finding("schedules", "ok", f"active for season {years}")
    model = registry.current_model(aws)
    if model is None:
        hint = Hint("Run ", FootlakeCommand("train-autopilot"), ".")
        yield Finding("model", "problem", "no model is trained yet, but scoring needs one", hint)
    else:
        yield Finding("model", "ok", model.model)


def check_database(aws: AwsContext) -> Iterator[Finding]:
    """Check that the lake's database accepts a connection, if it has one that does not sleep."""
    if aws.config.database == "none":
        return
    if aws.config.database == "weekly":
        state = database_status(aws, datetime.now(UTC))
        if not state.awake and state.status != "absent":
            detail = f"{state.instance} is {state.status}; commands that need it start it"
            yield Finding("MySQL", "ok", detail)
            return
        if state.forgotten:
            hint = Hint("The schedule stops it. To stop it now: ", STOP_NOW)
            yield Finding("MySQL", "warning", "a command that started the database ended without stopping it", hint)
    with mysql_instance(aws.config).connect(aws) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        ((version,),) = cursor.fetchall()
        yield Finding("MySQL", "ok", f"{connection.host}:{connection.port} accepts connections, version {version}")


def check_account(aws: AwsContext) -> Iterator[Finding]:
    """Check the account: the caller, the plan, permissions, the network, quotas, and access to features."""
    yield Finding("credentials", "ok", f"{aws.caller} in account {aws.config.account}, {aws.config.region}")
    yield preflight.check_account_plan(aws)
    lake_exists = Bucket(aws.config.bucket).exists(aws)
    yield preflight.check_permissions(aws, catalogue(aws.config, everything=True), standing=lake_exists)
    if aws.config.database != "none":
        yield preflight.check_network(aws)
        yield preflight.check_certificates(aws)
    yield from preflight.check_quotas(aws)
    yield from preflight.check_features(aws)


class Doctor:
    """Runs the checks, passes each finding to `on_finding`, and keeps all of them."""

    def __init__(self, cli: CliContext, on_finding: Callable[[Finding], None]) -> None:
        self._cli = cli
        self._on_finding = on_finding
        self._aws: AwsContext | None = None
        self.findings: list[Finding] = []

    def run(self) -> None:
        """Run all checks. A check that needs the result of a failed one is left out."""
        self._check("python", lambda: check_machine(self._cli.local))
        if not self._check("settings", self._check_settings):
            return
        account_checked = self._check("AWS", self._check_aws)
        self._check("API-Football", self._check_key)
        if (aws := self._aws) and account_checked:
            self._check("lake", lambda: check_lake(aws, datetime.now(UTC)))
            if any(finding.what == "lake" and finding.level == "ok" for finding in self.findings):
                self._check("MySQL", lambda: check_database(aws))

    def _check(self, what: str, check: Callable[[], Iterator[Finding]]) -> bool:
        """Run a check. Return False if it raised an error, which becomes a finding."""
        try:
            for finding in check():
                self._add(finding)
        except (FootlakeError, ClientError, BotoCoreError) as error:
            footlake_error = to_footlake_error(error, self._cli.local)
            assert footlake_error
            self._add(Finding(what, "problem", footlake_error.message.rstrip("."), footlake_error.hint))
            return False
        return True

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self._on_finding(finding)

    def _check_settings(self) -> Iterator[Finding]:
        config = self._cli.config
        leagues, seasons = (", ".join(map(str, values)) for values in (config.leagues, config.seasons))
        yield Finding("settings", "ok", f"lake {config.lake}, league {leagues}, season {seasons}")

    def _check_aws(self) -> Iterator[Finding]:
        self._aws = self._cli.connect(read_only=True)
        for finding in check_account(self._aws):
            if finding.what == "account plan" and finding.level == "ok" and self._cli.on_local_aws:
                yield replace(finding, detail="none, the local AWS costs nothing", hint="")
            else:
                yield finding

    def _check_key(self) -> Iterator[Finding]:
        config = self._cli.football_settings()
        key = config.api_key
        if not key and self._aws:
            with suppress(NotReady):
                key = api_key_secret(self._aws.config).get(self._aws)
        if key:
            yield from check_api_key(config, key)
        else:
            hint = "Get a key at api-football.com (the free plan is enough to start) and set FOOTLAKE_API_KEY."
            yield Finding("API-Football", "problem", "no key is set", hint)


def doctor(cli: CliContext, on_finding: Callable[[Finding], None]) -> DoctorReport:
    """Check everything that a run needs, and change nothing. `on_finding` is called with each finding."""
    checks = Doctor(cli, on_finding)
    checks.run()
    return DoctorReport(checks.findings, sum(finding.level == "problem" for finding in checks.findings))


def run(cli: CliContext) -> None:
    """Check the system and print the findings. Raise FootlakeError if there is a problem."""

    def print_finding(finding: Finding) -> None:
        text = Hint(f" {finding.what}: ", finding.detail, ". ", finding.hint)
        level = cli.output.style(f"{finding.level:<10}", COLOURS[finding.level])
        cli.output.print_line(f"{level}{cli.format_hint(text).rstrip()}")

    report = doctor(cli, print_finding)
    cli.output.print_result(report)
    if report.problems:
        first = next(finding for finding in report.findings if finding.level == "problem")
        number = format_count(report.problems, "problem")
        first_of = ", the first" if report.problems > 1 else ""
        raise FootlakeError(f"A run would fail: {number}{first_of} with {first.what}.", first.hint)
