"""Amazon CloudWatch Logs: log groups by their names."""

from __future__ import annotations

import json
from typing import Any

from moto.logs.responses import LogsResponse

from footlake.local.patches.methods import replace_methods

original_describe_log_groups = LogsResponse.describe_log_groups


def install() -> None:
    """Replace moto's method."""
    replace_methods(LogsResponse, describe_log_groups)


def describe_log_groups(self: Any) -> Any:
    """Return the log groups that the request names, by name or ARN, as far as they exist. moto ignores the names."""
    identifiers = self._get_param("logGroupIdentifiers")
    if not identifiers:
        return original_describe_log_groups(self)
    groups = sorted(self.logs_backend.groups.values(), key=lambda group: str(group.name))
    named = [group.to_describe_dict() for group in groups if {group.name, group.arn} & set(identifiers)]
    return json.dumps({"logGroups": named})
