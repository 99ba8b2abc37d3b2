"""The operations of CloudWatch Logs that the local AWS answers differently from moto."""

from __future__ import annotations

from typing import Any

import pytest


def test_named_log_groups_are_listed_as_far_as_they_exist(client: Any) -> None:
    logs = client("logs")
    for name in ("/named/b", "/named/a", "/named/a-longer"):
        logs.create_log_group(logGroupName=name)
    listed = logs.describe_log_groups(logGroupIdentifiers=["/named/b", "/named/a", "/named/absent"])["logGroups"]
    assert [group["logGroupName"] for group in listed] == ["/named/a", "/named/b"]
    assert listed == logs.describe_log_groups(logGroupNamePrefix="/named/")["logGroups"][::2]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.describe_log_groups(logGroupIdentifiers=["/named/a"], logGroupNamePrefix="/named/")
