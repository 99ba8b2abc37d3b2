"""Measure how long `footlake demo` takes on a new local AWS, and how often it invokes each function.

    python -m bench.demo

The demo plays two simulated seasons through the whole pipeline. The invocations are those that the local AWS reports
to CloudWatch, as AWS does. Left out: the installation (`bench.installation`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from bench.command_line import FootlakeCli
from bench.measure import Claim, format_claims, markdown_section

MAX_SECONDS = 30
SCORING_FUNCTION, MAX_INVOCATIONS = "etlGetXGoals", 10


def main() -> None:
    with FootlakeCli.temporary() as footlake:
        started = time.perf_counter()
        steps: dict[str, float] = footlake.run("demo")["seconds"]
        total = time.perf_counter() - started
        invocations = count_invocations(footlake)
    steps["the rest: start of the local AWS, report"] = total - sum(steps.values())
    rows = [(step, f"{seconds:.1f}", f"{seconds / total:.0%}") for step, seconds in steps.items()]
    print(markdown_section("Demo", ["step", "seconds", "share"], [*rows, ("total", f"{total:.1f}", "100%")]))
    print(markdown_section("Invocations of the demo", ["function", "invocations"], sorted(invocations.items())))
    scoring = invocations[SCORING_FUNCTION]
    claims = [
        Claim(
            f"`make demo` after the installation takes at most {MAX_SECONDS} s",
            f"{total:.0f} s",
            f"≤ {MAX_SECONDS} s",
            total <= MAX_SECONDS,
        ),
        Claim(
            f"Two seasons invoke {SCORING_FUNCTION} at most {MAX_INVOCATIONS} times",
            str(scoring),
            f"≤ {MAX_INVOCATIONS}",
            scoring <= MAX_INVOCATIONS,
        ),
    ]
    print(format_claims(claims))


def count_invocations(footlake: FootlakeCli) -> dict[str, int]:
    """Return the number of invocations of each function in the last day."""
    cloudwatch = footlake.client("cloudwatch")
    now, day = datetime.now(UTC), timedelta(days=1)
    return {
        function["FunctionName"]: sum(
            int(point["Sum"])
            for point in cloudwatch.get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="Invocations",
                Dimensions=[{"Name": "FunctionName", "Value": function["FunctionName"]}],
                StartTime=now - day,
                EndTime=now + day,
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
        )
        for function in footlake.client("lambda").list_functions()["Functions"]
    }


if __name__ == "__main__":
    main()
