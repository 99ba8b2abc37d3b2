"""doctor: what would stop a run, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from botocore.exceptions import BotoCoreError, ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import to_footlake_error
from footlake.aws_jobs import api_hint
from footlake.cli_context import CliContext
from footlake.config import Config
from footlake.deploy import preflight
from footlake.deploy.catalogue import api_key_secret, catalogue, mysql_instance
from footlake.deploy.preflight import Finding
from footlake.deploy.requirements_check import check_packages
from footlake.deploy.schedule import next_run
from footlake.errors import FootlakeError, NotReady
from footlake.football.api import ApiError, FootballApi
from footlake.model import registry
from footlake.resources.s3 import Bucket

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
FREE_SEASONS = range(2022, 2025)  # https://www.api-football.com/pricing


@dataclass(frozen=True)
class Examined:
    """Everything that was looked at, and how many problems would stop a run."""

    findings: list[Finding]
    problems: int


def this_machine(engines: bool) -> Iterator[Finding]:
    """Python and footlake's packages; those of the local AWS if they are needed or there."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    fits = sys.version_info >= (3, 11)
    hint = "" if fits else "Install Python 3.11 or later."
    yield Finding("python", "ok" if fits else "problem", version, hint)
    for what, extra, remedy in (
        ("packages", "", "pip install --upgrade footlake"),
        ("local engines", "local", "pip install --upgrade 'footlake[local]'"),
    ):
        known = list(check_packages(extra))
        installed = sum(one.version is not None for one in known)
        if extra and not engines and installed < len(known) / 2:  # one or two come with other packages
            continue
        wrong = [f"{one.name} {one.version or 'missing'} (needs {one.wanted})" for one in known if not one.fits]
        right = ", ".join(f"{one.name} {one.version}" for one in known)
        serious = not extra or engines
        if wrong:
            yield Finding(what, "problem" if serious else "warning", ", ".join(wrong), remedy)
        else:
            yield Finding(what, "ok", right)


def football_key(config: Config, key: str) -> Iterator[Finding]:
    """The key of API-Football, by the one question that costs no request."""
    what = "API-Football"
    try:
        status = FootballApi(config.api_url, key).status()
        plan, today, limit = (
            str(status["subscription"]["plan"]),
            int(status["requests"]["current"]),
            int(status["requests"]["limit_day"]),
        )
        active, end = bool(status["subscription"]["active"]), str(status["subscription"]["end"])[:10]
    except ApiError as error:
        yield Finding(what, "problem", str(error).rstrip("."), api_hint(error))
        return
    except (KeyError, TypeError, ValueError):
        yield Finding(what, "warning", f"{config.api_url}/status answers in a form that is not known")
        return
    left = max(0, limit - today)
    detail = f"{plan} plan until {end}, {left} of today's {limit} requests left"
    if not active:
        yield Finding(what, "problem", f"the {plan} plan ended on {end}", "Renew it at API-Football.")
    elif left == 0:
        yield Finding(what, "problem", detail, "They are counted anew from 00:00 UTC.")
    else:
        yield Finding(what, "ok", detail)
    outside = [str(year) for year in config.seasons if year not in FREE_SEASONS]
    if plan.lower() == "free" and outside:
        first, last = FREE_SEASONS[0], FREE_SEASONS[-1]
        yield Finding(
            "season",
            "warning",
            f"a free key has the seasons {first} to {last}, not {', '.join(outside)}",
            "See README.",
        )


def standing(aws: AwsContext, now: datetime) -> Iterator[Finding]:
    """The lake itself, as far as a run needs it: its bucket, its schedules' years, its model."""
    if not Bucket(aws.config.bucket).exists(aws):
        yield Finding("lake", "warning", f"s3://{aws.config.bucket} is not there yet", "Run footlake bootstrap.")
        return
    yield Finding("lake", "ok", f"s3://{aws.config.bucket}")
    if next_run(aws.config.weekly("0 8"), now) is None:
        years = ", ".join(map(str, aws.config.seasons))
        hint = "Set FOOTLAKE_SEASON to the present season and run bootstrap again, if they should."
        yield Finding("schedules", "warning", f"the season is {years}, so they never run by themselves", hint)
    else:
        yield Finding("schedules", "ok", f"of season {', '.join(map(str, aws.config.seasons))}")
    model = registry.current_model(aws)
    if model is None:
        yield Finding("model", "problem", "none is trained yet, and scoring needs one", "Run footlake train-autopilot.")
    else:
        yield Finding("model", "ok", model.model)


def database(aws: AwsContext) -> Iterator[Finding]:
    """Whether the lake's database lets us in."""
    with mysql_instance(aws.config).connect(aws) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        ((version,),) = cursor.fetchall()
        yield Finding("MySQL", "ok", f"{connection.host}:{connection.port} answers, version {version}")


def account(aws: AwsContext) -> Iterator[Finding]:
    """What AWS knows: who is asking, the account's plan, permissions, quotas, features."""
    yield Finding("credentials", "ok", f"{aws.caller} in account {aws.config.account}, {aws.config.region}")
    yield preflight.check_account_plan(aws)
    there = Bucket(aws.config.bucket).exists(aws)
    yield preflight.check_permissions(aws, catalogue(aws.config, everything=True), standing=there)
    yield preflight.check_network(aws)
    yield from preflight.check_quotas(aws)
    yield from preflight.check_features(aws)


def doctor(cli: CliContext, tell: Callable[[Finding], None]) -> Examined:
    """Look at everything that a run needs; `tell` hears of each finding as it is made. Changes nothing."""
    findings: list[Finding] = []

    def examine(what: str, look: Callable[[], Iterator[Finding]]) -> bool:
        """Whether the look came to its end; where it does not, that is the finding."""
        try:
            for finding in look():
                findings.append(finding)
                tell(finding)
        except (FootlakeError, ClientError, BotoCoreError) as error:
            understood = to_footlake_error(error, cli.local)
            assert understood
            findings.append(Finding(what, "problem", understood.message.rstrip("."), understood.hint))
            tell(findings[-1])
            return False
        return True

    def settings() -> Iterator[Finding]:
        config = cli.config
        leagues, seasons = (", ".join(map(str, values)) for values in (config.leagues, config.seasons))
        yield Finding("settings", "ok", f"lake {config.lake}, league {leagues}, season {seasons}")

    lakes: list[AwsContext] = []

    def sign_in() -> Iterator[Finding]:
        lakes.append(cli.connect(read_only=True))
        yield from account(lakes[0])

    def key() -> Iterator[Finding]:
        config = cli.football_settings()
        if not config.api_key and lakes:
            try:
                yield from football_key(config, api_key_secret(lakes[0].config).get(lakes[0]))
                return
            except NotReady:
                pass
        if config.api_key:
            yield from football_key(config, config.api_key)
        else:
            hint = "Get one (the free plan will do to begin with) and set FOOTLAKE_API_KEY."
            yield Finding("API-Football", "problem", "there is no key yet", hint)

    examine("python", lambda: this_machine(cli.local))
    if examine("settings", settings):
        signed_in = examine("AWS", sign_in)
        examine("API-Football", key)
        if signed_in:
            examine("lake", lambda: standing(lakes[0], datetime.now(UTC)))
            if any(one.what == "lake" and one.level == "ok" for one in findings):
                examine("MySQL", lambda: database(lakes[0]))
    return Examined(findings, sum(one.level == "problem" for one in findings))


@click.command("doctor")
@click.pass_obj
def command(cli: CliContext) -> None:
    """What would stop a run, and what to do about it: this machine, the account, permissions, keys, the database.

    Changes nothing. Exit 1 if there is a problem.
    """

    def tell(finding: Finding) -> None:
        level, rest = str(finding)[:10], cli.here(str(finding)[10:])
        cli.print_line(cli.style(level, COLOURS[finding.level]) + rest)

    done = doctor(cli, tell)
    cli.print_result(done)
    if done.problems:
        first = next(one for one in done.findings if one.level == "problem")
        several = f"{done.problems} problems, the first" if done.problems > 1 else "a problem"
        raise FootlakeError(f"A run would fail: {several} with {first.what}.", first.hint)
