"""AWS Free Tier, a service that moto lacks: GetAccountPlanState.

The environment variable FOOTLAKE_LOCAL_ACCOUNT_PLAN sets the plan of the account: `PAID` (default), `FREE=12.50` (free
plan with 12.50 USD of credits) or `FREE` (expired free plan).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from footlake.config import LOCAL_ACCOUNT_PLAN_VARIABLE
from footlake.local.context import ACCOUNT

TARGET = "AWSFreeTierService.GetAccountPlanState"

original_call = DomainDispatcherApplication.__call__


def install() -> None:
    """Answer the operation in moto's server."""
    DomainDispatcherApplication.__call__ = serve


def serve(self: Any, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer GetAccountPlanState; pass other requests to moto."""
    if environ.get("HTTP_X_AMZ_TARGET") != TARGET:
        response: Iterable[bytes] = original_call(self, environ, start_response)
        return response
    body = json.dumps(account_plan_state(os.environ.get(LOCAL_ACCOUNT_PLAN_VARIABLE, "PAID"))).encode()
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def account_plan_state(setting: str) -> dict[str, Any]:
    """Return the response for a plan such as `PAID` or `FREE=12.50`."""
    plan, _, credits_usd = setting.partition("=")
    state = {"accountId": ACCOUNT, "accountPlanType": plan, "accountPlanStatus": "ACTIVE"}
    if plan == "PAID":
        return state
    return state | {
        "accountPlanStatus": "ACTIVE" if credits_usd else "EXPIRED",
        "accountPlanRemainingCredits": {"amount": float(credits_usd or 0), "unit": "USD"},
        "accountPlanExpirationDate": (datetime.now(UTC) + timedelta(days=90)).isoformat(),
    }
