"""Amazon CloudWatch Logs: log groups by their names."""

from __future__ import annotations

import json
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.responses import LogsResponse

from footlake.local.patches.methods import replace_methods

original_describe_log_groups = LogsResponse.describe_log_groups


def install() -> None:
    """Replace moto's method."""
    replace_methods(LogsResponse, describe_log_groups)


def describe_log_groups(self: Any) -> Any:
    """Return the log groups that the request names, as far as they exist. moto ignores the names.

    AWS accepts ARNs only in a monitoring account, and no other filter together with the names.
    """
    identifiers = self._get_param("logGroupIdentifiers")
    if not identifiers:
        return original_describe_log_groups(self)
    if any(self._get_param(name) for name in ("logGroupNamePrefix", "logGroupNamePattern", "limit")):
        raise InvalidParameterException("logGroupIdentifiers cannot be combined with other filters.")
    groups = sorted(self.logs_backend.groups.values(), key=lambda group: str(group.name))
    named = [group.to_describe_dict() for group in groups if group.name in identifiers]
    return json.dumps({"logGroups": named})
