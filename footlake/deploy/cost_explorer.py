"""Ask Cost Explorer what AWS has billed for the lake this month. AWS bills each request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import ClientError

from footlake.aws import AwsContext
from footlake.aws_errors import error_code
from footlake.config import TAG
from footlake.deploy.prices import PRICES
from footlake.errors import FootlakeError

METRIC = "UnblendedCost"
NOT_ENABLED = (
    "Open Cost Explorer once in the Billing console with the account's root user, and allow ce:GetCostAndUsage. AWS "
    "needs up to 24 hours to prepare the data."
)


@dataclass(frozen=True)
class ServiceCost:
    """What one AWS service has cost, in USD."""

    service: str
    cost: float


@dataclass(frozen=True)
class BilledCost:
    """The bill since the day `since` for resources with the lake's tag, in USD, in total and by service.

    `estimated` says that the bill is not final. Each of the `requests` cost `request_price`.
    """

    since: date
    cost: float
    services: list[ServiceCost]
    estimated: bool
    requests: int
    request_price: float
    source: Literal["cost-explorer"] = "cost-explorer"


def billed_this_month(aws: AwsContext, now: datetime) -> BilledCost:
    """Return the cost of the current month. Raise FootlakeError if the account has no Cost Explorer or no data yet."""
    first = now.date().replace(day=1)
    request: dict[str, Any] = {
        "TimePeriod": {"Start": f"{first}", "End": f"{now.date() + timedelta(days=1)}"},  # the end is exclusive
        "Granularity": "MONTHLY",
        "Metrics": [METRIC],
        "Filter": {"Tags": {"Key": TAG, "Values": [aws.config.lake]}},
        "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
    }
    amounts: dict[str, float] = {}
    requests, estimated = 0, False
    while requests == 0 or "NextPageToken" in request:
        answer = _get_cost_and_usage(aws, request)
        requests += 1
        for period in answer.get("ResultsByTime", ()):
            estimated |= period.get("Estimated", False)
            for group in period.get("Groups", ()):
                service = group["Keys"][0]
                amounts[service] = amounts.get(service, 0.0) + float(group["Metrics"][METRIC]["Amount"])
        request.pop("NextPageToken", None)
        request |= {"NextPageToken": answer["NextPageToken"]} if answer.get("NextPageToken") else {}
    services = [ServiceCost(*item) for item in sorted(amounts.items(), key=lambda item: -item[1])]
    return BilledCost(first, sum(amounts.values()), services, estimated, requests, PRICES["cost-explorer"].usd)


def _get_cost_and_usage(aws: AwsContext, request: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = aws.client("ce").get_cost_and_usage(**request)
        return answer
    except ClientError as error:
        message = error.response["Error"].get("Message", "")
        if error_code(error) == "DataUnavailableException" or "not enabled for cost explorer" in message:
            raise FootlakeError(f"Cost Explorer has no data: {message}", NOT_ENABLED) from error
        raise
