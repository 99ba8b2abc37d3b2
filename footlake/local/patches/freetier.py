"""AWS Free Tier on the local AWS, of which moto has nothing: the plan of the account.

`FOOTLAKE_LOCAL_ACCOUNT_PLAN` may make it another one: `FREE=12.50` has so many USD of credits, `FREE` is used up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from footlake.config import LOCAL_ACCOUNT_PLAN_VARIABLE
from footlake.local.context import ACCOUNT

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TARGET = "AWSFreeTierService.GetAccountPlanState"


def around(application: WSGIApplication) -> WSGIApplication:
    """The application, and an answer to GetAccountPlanState."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
            return application(environ, start_response)
        body = json.dumps(state(os.environ.get(LOCAL_ACCOUNT_PLAN_VARIABLE, "PAID"))).encode()
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return serve


def state(told: str) -> dict[str, Any]:
    """The answer for a plan such as `PAID` or `FREE=12.50`."""
    plan, _, credits = told.partition("=")
    answer = {"accountId": ACCOUNT, "accountPlanType": plan, "accountPlanStatus": "ACTIVE"}
    if plan == "PAID":
        return answer
    return answer | {
        "accountPlanStatus": "ACTIVE" if credits else "EXPIRED",
        "accountPlanRemainingCredits": {"amount": float(credits or 0), "unit": "USD"},
        "accountPlanExpirationDate": (datetime.now(UTC) + timedelta(days=90)).isoformat(),
    }
