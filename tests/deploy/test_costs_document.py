"""docs/costs.md: the prices are those of the table, and the calculation by hand equals the estimate."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from footlake.config import Config
from footlake.deploy import costs
from footlake.deploy.prices import PRICES, WEEKS_PER_MONTH, format_range
from tests.conftest import ROOT

PAGE = (ROOT / "docs/costs.md").read_text()
CONFIG = Config(account="123456789012", region="us-east-1")
OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def calculate(text: str) -> float:
    """Return the value of a calculation such as `3 × (2 + 0.5) / 60`."""

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        return node.value

    return value(ast.parse(text.replace("×", "*"), mode="eval").body)


def rows_before(total: str) -> list[list[str]]:
    """Return the cells of the table that ends with the row of this total, without its head."""
    table = PAGE[: PAGE.index(f"| **{total}** |")].rpartition("|---|\n")[2]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()]


def total_of(total: str) -> str:
    """Return the last cell of the row of a total."""
    (row,) = re.findall(rf"^\| \*\*{re.escape(total)}\*\* \|.*$", PAGE, re.MULTILINE)
    return str(row).strip("|").rpartition("|")[2].strip()


def test_the_prices_of_the_page_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| `([\w.-]+)` \| ([\d.]+) \| ([\w-]+) \| \[.*\]\((\S+)\) \| (\S+) \|$", PAGE, re.MULTILINE)
    assert [(name, float(usd), unit, source, day) for name, usd, unit, source, day in rows] == [
        (price.name, price.usd, price.unit, price.source, f"{price.looked_up}") for price in PRICES.values()
    ]


def check_prices(calculation: str) -> None:
    """Check that a calculation uses one of the prices."""
    numbers = {float(number) for number in re.findall(r"[\d.]+", calculation)}
    assert numbers & {price.usd for price in PRICES.values()}, calculation


@pytest.mark.parametrize("mode", ["always", "weekly", "none"])
def test_the_resources_by_hand_are_those_of_the_estimate(mode: str) -> None:
    total = 0.0
    for _, calculation, usd in rows_before(f"database = {mode}"):
        check_prices(calculation)
        amount = calculate(calculation.strip("`"))
        assert f"{amount:.2f}" == usd, calculation
        total += amount
    monthly = costs.monthly_price(replace(CONFIG, database=mode))  # type: ignore[arg-type]
    assert total == pytest.approx(monthly, abs=0.001)
    assert total_of(f"database = {mode}") == f"{monthly:.2f}"


@pytest.mark.parametrize(
    ("name", "estimate"),
    [
        ("scheduled Tuesday", costs.estimate_scheduled_week(CONFIG)),
        ("run-week", costs.estimate_week(CONFIG)),
        ("train-autopilot", costs.estimate_training(CONFIG)),
    ],
)
def test_a_run_by_hand_is_that_of_the_estimate(name: str, estimate: costs.RunEstimate) -> None:
    lowest = highest = 0.0
    for _, low, high, usd in rows_before(name):
        check_prices(low)
        amounts = calculate(low.strip("`")), calculate(high.strip("`"))
        assert format_range(*amounts) == usd, low
        lowest, highest = lowest + amounts[0], highest + amounts[1]
    assert [lowest, highest] == pytest.approx([estimate.low, estimate.high])
    assert total_of(name) == format_range(estimate.low, estimate.high)


def test_the_weeks_of_a_month() -> None:
    assert f"{WEEKS_PER_MONTH:.3f} weeks" in PAGE
    alarms = [item for item in costs.standing_costs(CONFIG) if item.price.name == "alarm-metric"]
    assert [f"{item.what} on {item.quantity:.0f} metrics" in PAGE for item in alarms] == [True]
