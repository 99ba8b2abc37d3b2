"""Simulate how long AWS takes until other services see new roles, permissions and administrators."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from footlake.local.validation.api_calls import ApiCall
from footlake.local.validation.policies import as_list, resource_policy_allows
from footlake.local.validation.service_rules.lookups import find_role


@dataclass
class Propagation:
    """A delay of `seconds`, and the changes that it applies to (times are of `time.monotonic`)."""

    seconds: float = 0.0
    # By ARN of the function and id of the statement.
    lambda_permissions: dict[tuple[str, str], float] = field(default_factory=dict)
    lake_administrators: float | None = None

    def is_pending(self, changed_at: float | None) -> bool:
        """Return whether a change is too recent to be visible. None means that it was not made by this server."""
        return changed_at is not None and time.monotonic() - changed_at < self.seconds

    def find_visible_role(self, call: ApiCall, role: str) -> Any:
        """Return the role with this ARN or name, or None if it does not exist or is not visible yet."""
        found = find_role(call, role)
        if found is None or datetime.now(UTC) - found.create_date.replace(tzinfo=UTC) < timedelta(seconds=self.seconds):
            return None
        return found

    def can_assume(self, call: ApiCall, role: str, service: str) -> bool:
        """Return whether the role is visible and trusts a service such as `glue.amazonaws.com`."""
        found = self.find_visible_role(call, role)
        if found is None:
            return False
        statements = as_list(json.loads(found.assume_role_policy_document)["Statement"])
        return resource_policy_allows(statements, service, "sts:AssumeRole", {"aws:sourceaccount": call.account})
