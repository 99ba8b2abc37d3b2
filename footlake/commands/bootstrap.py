"""bootstrap: every resource of the catalogue, created or repaired."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import click

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.deploy.catalogue import api_key_secret, catalogue
from footlake.deploy.costs import Estimate, estimate_costs
from footlake.deploy.executor import OnStep, Step, execute, ignore_step
from footlake.deploy.plan import plan_resources
from footlake.deploy.preflight import Finding, preflight
from footlake.deploy.public_ip import with_client_address
from footlake.deploy.tag_inventory import discover
from footlake.errors import FootlakeError
from footlake.resources.lakeformation import check_operator
from footlake.resources.network import subnets


@dataclass(frozen=True)
class Bootstrapped:
    """What bootstrap did."""

    bucket: str
    resources: list[Step]


def bootstrap(aws: AwsContext, tell: OnStep = ignore_step, pool: Executor | None = None) -> Bootstrapped:
    """Walk the catalogue forwards, side by side; `tell` hears of each resource as it is done."""
    # Before anything is made that would be of no use without it.
    check_operator(aws)
    api_key_secret(aws.config).check(aws)
    with_client_address(aws)
    discover(aws)
    aws.discovered = replace(aws.discovered, subnets=tuple(subnets(aws)))
    steps = execute(catalogue(aws.config), lambda resource: resource.ensure(aws), tell, pool=pool)
    return Bootstrapped(aws.config.bucket, steps)


@dataclass(frozen=True)
class BootstrapPlan:
    """What bootstrap would do, and what the lake would cost."""

    bucket: str
    resources: list[Step]
    findings: list[Finding]
    cost: Estimate


def plan(aws: AwsContext) -> BootstrapPlan:
    """What bootstrap would do to each resource; the lake's session holds back changes."""
    with_client_address(aws)
    discover(aws)
    resources = catalogue(aws.config)
    steps = plan_resources(aws, resources)
    findings = preflight(aws, catalogue(aws.config, everything=True))
    return BootstrapPlan(aws.config.bucket, steps, findings, estimate_costs(resources, aws.config.transform_instance))


def show_plan(cli: CliContext, foreseen: BootstrapPlan) -> None:
    """The plan for people. FootlakeError if bootstrap would fail."""
    cost = foreseen.cost
    problems = [step.resource for step in foreseen.resources if step.outcome.startswith("problem")]
    problems += [finding.what for finding in foreseen.findings if finding.level == "problem"]
    counts = Counter(step.outcome.split(":")[0] for step in foreseen.resources)
    cli.print_result(
        foreseen,
        [
            *map(str, foreseen.resources),
            "",
            ", ".join(f"{number} {outcome}" for outcome, number in counts.items()),
            *map(str, foreseen.findings),
            f"standing: about {cost.monthly:.2f} USD a month",
            *(f"  {item.monthly:6.2f}  {item.what}" for item in cost.standing),
            f"a weekly run: about {cost.week_low:.2f} to {cost.week_high:.2f} USD",
            f"prices: {cost.as_of}",
        ],
    )
    if problems:
        raise FootlakeError(f"Bootstrap would fail: {len(problems)} problems, the first with {problems[0]}.")


@click.command("bootstrap")
@click.option("--plan", "planning", is_flag=True, help="Only say what would be done, and what it costs.")
@click.option("--alert-email", metavar="ADDRESS", help="Who hears of alarms and of the budget.")
@click.option("--as-documented", is_flag=True, default=None, help="Keep to the document's letter where AWS allows it.")
@click.pass_obj
def command(cli: CliContext, planning: bool, alert_email: str | None, as_documented: bool | None) -> None:
    """Create every resource of the lake, or repair it.

    Running it again changes nothing but what has drifted.
    """
    cli.overrides |= {"alert_email": alert_email, "as_documented": as_documented}
    if planning:
        cli.read_only = True
        show_plan(cli, plan(cli.connect(read_only=True)))
        return
    aws, started = cli.connect(), time.monotonic()

    def elapsed() -> str:
        return f"[{time.monotonic() - started:.1f} s]"

    done = bootstrap(aws, lambda step: cli.print_line(f"{step}  {elapsed()}"))
    changed = sum(step.outcome != "unchanged" for step in done.resources)
    counted = f"{len(done.resources)} resources, {changed} changed"
    cli.print_result(done, [f"{counted}. The data lake is s3://{done.bucket}.  {elapsed()}"])
