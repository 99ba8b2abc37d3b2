"""Cost Explorer of the local AWS: nothing costs anything, and a period has a beginning before its end."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

REQUEST = {"Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]}


def test_the_local_aws_costs_nothing(client: Any) -> None:
    period = {"Start": "2026-11-01", "End": "2026-11-29"}
    (result,) = client("ce").get_cost_and_usage(TimePeriod=period, **REQUEST)["ResultsByTime"]
    assert result["TimePeriod"] == period
    assert result["Total"] == {"UnblendedCost": {"Amount": "0", "Unit": "USD"}}
    by_service = client("ce").get_cost_and_usage(
        TimePeriod=period, GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}], **REQUEST
    )["ResultsByTime"]
    assert [(one["Groups"], one["Total"]) for one in by_service] == [([], {})]


def test_a_period_without_a_day_is_refused(client: Any) -> None:
    with pytest.raises(ClientError, match="should be before end date"):
        client("ce").get_cost_and_usage(TimePeriod={"Start": "2026-11-01", "End": "2026-11-01"}, **REQUEST)
