"""metrics: print the number, failures, durations and costs of function, job, crawler, transform and training runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import groupby

from footlake.cli_context import CliContext
from footlake.deploy.usage import Metrics, metrics


def format_metrics(result: Metrics, style: Callable[[str, str], str] = lambda text, colour: text) -> Iterator[str]:
    """Yield the lines of the metrics; `style` colours the numbers of failures."""
    yield f"{'':<22}{'runs':>6}{'failed':>8}{'average':>10}{'longest':>10}{'USD':>9}"
    for row in result.runs:
        durations = (row.average, row.longest)
        times = "".join(f"{'' if seconds is None else f'{seconds:.1f} s':>10}" for seconds in durations)
        failed = f"{row.failed or '':>8}"
        cost = "?" if row.cost is None else f"{row.cost:.4f}"
        yield f"{row.what:<22}{row.runs:>6}{style(failed, 'red') if row.failed else failed}{times}{cost:>9}"
    start = "bootstrap on " if result.since == result.bootstrapped else ""
    yield f"Since {start}{result.since:%Y-%m-%d %H:%M} UTC: about {result.cost:.2f} USD on AWS, without standing"
    yield f"resources. Prices: {result.as_of}."
    for reason, group in groupby(result.unknown, lambda metric: metric.reason):
        yield f"Not included: {', '.join(metric.what for metric in group)}: {reason}."


def run(cli: CliContext, since: datetime) -> None:
    """Print the numbers and the cost of the runs since this time."""
    result = metrics(cli.connect(), since, datetime.now(UTC))
    cli.output.print_result(result, format_metrics(result, cli.output.style))
