"""bootstrap: create or repair every resource of the catalogue."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from footlake.aws import AwsContext
from footlake.aws_jobs import format_count
from footlake.cli_context import CliContext
from footlake.cli_output import Output
from footlake.database import check_authorities
from footlake.deploy.catalogue import api_key_secret, catalogue, mysql_instance, superfluous
from footlake.deploy.costs import Estimate, RunEstimate, check_limit, estimate_costs
from footlake.deploy.database_sleep import database_status, still_awake
from footlake.deploy.executor import OnStep, Step, execute, ignore_step
from footlake.deploy.plan import plan_resources
from footlake.deploy.preflight import Finding, preflight
from footlake.deploy.prices import format_quantity, format_range
from footlake.deploy.public_ip import with_client_address
from footlake.deploy.removal import list_superfluous
from footlake.deploy.summary import format_counts, format_step, summarise_services
from footlake.deploy.tag_inventory import discover
from footlake.errors import FootlakeCommand, FootlakeError, Hint
from footlake.resources.base import Resource
from footlake.resources.lakeformation import check_operator
from footlake.resources.network import subnets
from footlake.resources.rds import DBInstance
from footlake.resources.s3 import Bucket

# How the outcomes of a plan read in a sentence.
PLANNED = {"create": "to create", "update": "to update", "delete": "to delete", "problem": "with a problem"}


@dataclass(frozen=True)
class BootstrapResult:
    """The bucket of the data lake, and the outcome for each resource."""

    bucket: str
    resources: list[Step]


def bootstrap(
    aws: AwsContext, on_step: OnStep = ignore_step, pool: Executor | None = None, remove: Sequence[Resource] = ()
) -> BootstrapResult:
    """Create or repair every resource, in parallel where they do not depend on each other. Then delete `remove`.

    Raise CostLimitExceeded before anything is created if they cost more than the setting max_monthly_cost.
    """
    check_limit(aws.config)
    # Check these before the first change: without them, bootstrap cannot complete.
    check_operator(aws)
    has_database = aws.config.database != "none"
    if has_database:
        check_authorities(aws.config)
    api_key_secret(aws.config).check(aws)
    with_client_address(aws)
    discover(aws)
    if has_database:
        aws.discovered = replace(aws.discovered, subnets=tuple(subnets(aws)))
    resources = catalogue(aws.config)
    with aws.sharing_reads(resources):
        steps = execute(resources, lambda resource: resource.ensure(aws), on_step, pool=pool)
    steps += execute(remove, lambda resource: resource.destroy(aws), on_step, backwards=True, pool=pool)
    return BootstrapResult(aws.config.bucket, steps)


@dataclass(frozen=True)
class BootstrapPlan:
    """What bootstrap would do, and what the lake would cost."""

    bucket: str
    resources: list[Step]
    findings: list[Finding]
    cost: Estimate

    @property
    def problems(self) -> list[str]:
        """The resources and findings because of which bootstrap would fail."""
        failing = [step.resource for step in self.resources if step.outcome.startswith("problem")]
        return failing + [finding.what for finding in self.findings if finding.level == "problem"]


def plan_bootstrap(aws: AwsContext, on_step: OnStep = ignore_step) -> BootstrapPlan:
    """Return what bootstrap would do to each resource. The session of `aws` must block changes."""
    with_client_address(aws)
    discover(aws)
    resources = catalogue(aws.config)
    steps = plan_resources(aws, resources, on_step=on_step)
    steps += [Step(resource.label, "delete") for resource in list_superfluous(aws)]
    findings = preflight(aws, catalogue(aws.config, everything=True))
    return BootstrapPlan(aws.config.bucket, steps, findings, estimate_costs(aws.config))


def print_plan(output: Output, plan: BootstrapPlan, resources: Sequence[Resource], list_all: bool, free: bool) -> None:
    """Print the plan; `free` says that the local AWS costs nothing. Raise FootlakeError if bootstrap would fail."""
    output.print_result(
        plan,
        [
            *_plan_lines(plan, resources, list_all),
            "",
            f"{format_counts(plan.resources, PLANNED)}.",
            "",
            *map(str, plan.findings),
            "",
            *_cost_lines(plan.cost, free),
        ],
    )
    if problems := plan.problems:
        number = format_count(len(problems), "problem")
        raise FootlakeError(f"Bootstrap would fail: {number}, the first with {problems[0]}.")


def _plan_lines(plan: BootstrapPlan, resources: Sequence[Resource], list_all: bool) -> Iterator[str]:
    """Yield every resource, or a line per service and the resources that bootstrap would change.

    What a first bootstrap would create is not listed, as that is nearly everything.
    """
    if list_all:
        yield from map(format_step, plan.resources)
        return
    yield from summarise_services(resources, plan.resources, PLANNED)
    hidden = ("unchanged", "create") if _is_new_lake(plan.bucket, plan.resources) else ("unchanged",)
    if listed := [step for step in plan.resources if step.outcome not in hidden]:
        yield ""
        yield from map(format_step, listed)


def _cost_lines(cost: Estimate, free: bool) -> Iterator[str]:
    """Yield the lines of the cost estimate, each with its quantity and price."""
    yield f"Estimated cost{' on AWS (the local AWS is free)' if free else ''}"
    yield f"  {cost.monthly:6.2f} USD a month for the resources:"
    for item in cost.standing:
        yield f"    {item.monthly:6.2f}  {item.what} ({format_quantity(item.quantity, item.price)})"
    yield from _run_lines("each Tuesday on which only the schedules run", cost.scheduled_week)
    yield from _run_lines("each run-week", cost.manual_week)
    yield f"  {format_range(*cost.month)} USD for a month with the schedules, without run-week and training"
    settings = ", ".join(f"{price:.2f} with database = {mode}" for mode, price in cost.monthly_by_database.items())
    yield f"  USD a month for the resources: {settings}"
    yield f"  Prices: {cost.as_of}{cost.other_region and f'. {cost.other_region}'}"


def _run_lines(what: str, run: RunEstimate) -> Iterator[str]:
    """Yield the price of a run and its parts."""
    yield f"  {format_range(run.low, run.high)} USD for {what}:"
    for line in run.lines:
        quantity = format_quantity(line.low_quantity, line.price, line.high_quantity)
        yield f"    {format_range(line.low, line.high)}  {line.what} ({quantity})"


def _is_new_lake(bucket: str, steps: Sequence[Step]) -> bool:
    """Return whether the lake's bucket is among the steps as one to create, or as created."""
    label = Bucket(bucket).label
    return any(step.resource == label and step.outcome in ("create", "created") for step in steps)


def _result_lines(result: BootstrapResult, resources: Sequence[Resource]) -> Iterator[str]:
    """Yield a line per service and the resources that changed, without those that a first bootstrap created."""
    yield from summarise_services(resources, result.resources)
    hidden = ("unchanged", "created") if _is_new_lake(result.bucket, result.resources) else ("unchanged",)
    if listed := [step for step in result.resources if step.outcome not in hidden]:
        yield ""
        yield from map(format_step, listed)
    yield ""


def run(
    cli: CliContext, plan_only: bool, list_all: bool, alert_email: str | None, as_documented: bool | None, yes: bool
) -> None:
    """Create or repair the resources, or show the plan, and print the result."""
    cli = cli.with_overrides(alert_email=alert_email, as_documented=as_documented)
    if plan_only:
        cli.output.declare_read_only()
        aws = cli.connect(read_only=True)
        resources = [*catalogue(aws.config), *superfluous(aws.config)]
        with cli.output.progress.counting(len(resources), "resources checked") as advance:
            plan = plan_bootstrap(aws, lambda step: advance())
        print_plan(cli.output, plan, resources, list_all, free=cli.on_local_aws)
        return
    aws = cli.connect()
    remove = list_superfluous(aws)
    if remove and not yes:
        confirm_removal(aws, cli, remove)
    started, resources = time.monotonic(), [*catalogue(aws.config), *remove]

    def elapsed() -> str:
        return f"[{time.monotonic() - started:.1f} s]"

    with cli.output.progress.counting(len(resources), "resources ready") as advance:

        def on_step(step: Step) -> None:
            advance()
            if list_all:
                cli.output.print_line(f"{format_step(step)}  {elapsed()}")
            else:
                cli.output.count_result(format_step(step))

        result = bootstrap(aws, on_step, remove=remove)
    lines = [] if list_all else _result_lines(result, resources)
    summary = f"{format_counts(result.resources)}. The data lake is s3://{result.bucket}.  {elapsed()}"
    hints = map(cli.format_hint, _database_hints(aws, result))
    cli.output.print_result(result, [*lines, summary, *hints])


def confirm_removal(aws: AwsContext, cli: CliContext, resources: Sequence[Resource]) -> None:
    """Show what would be deleted and ask for the lake's name. Raise FootlakeError without that answer."""
    output, config = cli.output, aws.config
    output.declare_read_only()
    for resource in resources:
        output.notify(f"  {resource.label}")
    output.notify(
        f"With database = {config.database}, lake {config.lake} in {cli.describe_account(aws)} does not need "
        f"{'this resource' if len(resources) == 1 else f'these {len(resources)} resources'}. This deletes them."
    )
    if any(isinstance(resource, DBInstance) for resource in resources):
        output.notify("Data that is deleted: the MySQL database. load-mysql can load it from the lake again.")
    if not sys.stdin.isatty():
        raise FootlakeError("Not confirmed, so nothing was changed.", "Use --yes to delete without confirmation.")
    if click.prompt(f"Type the name of the lake ({config.lake}) to confirm", err=True) != config.lake:
        raise FootlakeError("This is not the name of the lake, so nothing was changed.")
    output.declare_read_only(False)


def _database_hints(aws: AwsContext, result: BootstrapResult) -> Iterator[Hint]:
    """Yield what the user has to know about a database that is new, or awake although it sleeps between runs."""
    outcomes = {step.resource: step.outcome for step in result.resources}
    if aws.config.database == "none":
        return
    is_new = outcomes.get(mysql_instance(aws.config).label) == "created"
    if is_new and not _is_new_lake(result.bucket, result.resources):
        yield Hint("The database is empty. Load it from the lake: ", FootlakeCommand("load-mysql"))
    if aws.config.database == "weekly" and database_status(aws, datetime.now(UTC)).awake:
        yield still_awake(aws)
