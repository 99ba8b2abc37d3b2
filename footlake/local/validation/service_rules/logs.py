"""Rules of Amazon CloudWatch Logs."""

from __future__ import annotations

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.propagation import Propagation

# The service has a set of values for `retentionInDays`, which botocore's model gives as an integer.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def check_retention(call: ApiCall, propagation: Propagation) -> None:
    """Reject a number of days that CloudWatch Logs does not offer."""
    days = call.parameters["retentionInDays"]
    if days not in RETENTION_DAYS:
        raise ServiceRejection(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(map(str, RETENTION_DAYS))}]",
        )


RULES = {"PutRetentionPolicy": check_retention}
