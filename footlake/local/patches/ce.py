"""AWS Cost Explorer: the bill of an account in which nothing costs anything.

An answer that a test has put into moto's queue (`/moto-api/static/ce/cost-and-usage-results`) is returned unchanged.
"""

from __future__ import annotations

import json
from typing import Any

from moto.ce.models import CostExplorerBackend
from moto.core.exceptions import JsonRESTError

from footlake.local.patches.methods import replace_methods

original_get_cost_and_usage = CostExplorerBackend.get_cost_and_usage


def install() -> None:
    """Replace moto's method."""
    replace_methods(CostExplorerBackend, get_cost_and_usage)


def get_cost_and_usage(self: Any, body: str) -> dict[str, Any]:
    """Return the period of the request with a cost of zero, unless moto has an answer."""
    request = json.loads(body)
    period = request["TimePeriod"]
    if period["Start"] >= period["End"]:
        raise JsonRESTError("ValidationException", "Start date (and hour) should be before end date (and hour)")
    answer: dict[str, Any] = original_get_cost_and_usage(self, body)
    if answer["ResultsByTime"]:
        return answer
    groups = request.get("GroupBy")
    total = {} if groups else {metric: {"Amount": "0", "Unit": "USD"} for metric in request.get("Metrics", ())}
    result = {"TimePeriod": period, "Total": total, "Groups": [], "Estimated": True}
    grouped = {"GroupDefinitions": groups} if groups else {}
    return {**grouped, "ResultsByTime": [result], "DimensionValueAttributes": []}
