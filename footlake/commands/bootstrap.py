"""bootstrap: create or repair every resource of the catalogue."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import click

from footlake.aws import AwsContext
from footlake.cli_context import CliContext
from footlake.cli_output import Output
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
class BootstrapResult:
    """The bucket of the data lake, and the outcome for each resource."""

    bucket: str
    resources: list[Step]


def bootstrap(aws: AwsContext, on_step: OnStep = ignore_step, pool: Executor | None = None) -> BootstrapResult:
    """Create or repair every resource, in parallel where they do not depend on each other."""
    # These checks come first because nothing would be of use if they failed later.
    check_operator(aws)
    api_key_secret(aws.config).check(aws)
    with_client_address(aws)
    discover(aws)
    aws.discovered = replace(aws.discovered, subnets=tuple(subnets(aws)))
    steps = execute(catalogue(aws.config), lambda resource: resource.ensure(aws), on_step, pool=pool)
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


def plan_bootstrap(aws: AwsContext) -> BootstrapPlan:
    """Return what bootstrap would do to each resource. The session of `aws` must block changes."""
    with_client_address(aws)
    discover(aws)
    resources = catalogue(aws.config)
    steps = plan_resources(aws, resources)
    findings = preflight(aws, catalogue(aws.config, everything=True))
    return BootstrapPlan(aws.config.bucket, steps, findings, estimate_costs(resources, aws.config.transform_instance))


def print_plan(output: Output, plan: BootstrapPlan) -> None:
    """Print the plan. Raise FootlakeError if bootstrap would fail."""
    cost = plan.cost
    counts = Counter(step.outcome.split(":")[0] for step in plan.resources)
    output.print_result(
        plan,
        [
            *map(str, plan.resources),
            "",
            ", ".join(f"{number} {outcome}" for outcome, number in counts.items()),
            *map(str, plan.findings),
            f"standing: about {cost.monthly:.2f} USD a month",
            *(f"  {item.monthly:6.2f}  {item.what}" for item in cost.standing),
            f"a weekly run: about {cost.week_low:.2f} to {cost.week_high:.2f} USD",
            f"prices: {cost.as_of}",
        ],
    )
    if problems := plan.problems:
        raise FootlakeError(f"Bootstrap would fail: {len(problems)} problems, the first with {problems[0]}.")


@click.command("bootstrap")
@click.option("--plan", "plan_only", is_flag=True, help="Only say what would be done, and what it costs.")
@click.option("--alert-email", metavar="ADDRESS", help="Who hears of alarms and of the budget.")
@click.option("--as-documented", is_flag=True, default=None, help="Keep to the document's letter where AWS allows it.")
@click.pass_obj
def command(cli: CliContext, plan_only: bool, alert_email: str | None, as_documented: bool | None) -> None:
    """Create every resource of the lake, or repair it.

    Running it again changes nothing but what has drifted.
    """
    cli = cli.with_overrides(alert_email=alert_email, as_documented=as_documented)
    if plan_only:
        cli.output.declare_read_only()
        print_plan(cli.output, plan_bootstrap(cli.connect(read_only=True)))
        return
    aws, started = cli.connect(), time.monotonic()

    def elapsed() -> str:
        return f"[{time.monotonic() - started:.1f} s]"

    result = bootstrap(aws, lambda step: cli.output.print_line(f"{step}  {elapsed()}"))
    changed = sum(step.outcome != "unchanged" for step in result.resources)
    summary = f"{len(result.resources)} resources, {changed} changed"
    cli.output.print_result(result, [f"{summary}. The data lake is s3://{result.bucket}.  {elapsed()}"])
