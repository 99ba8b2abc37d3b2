"""Amazon CloudWatch: tags of a dashboard when it is created; tags of dashboards and alarms end with them."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.cloudwatch.utils import make_arn_for_alarm, make_arn_for_dashboard

from footlake.local.patches.methods import replace_methods

original_put_dashboard = CloudWatchResponse.put_dashboard
original_delete_dashboards = CloudWatchBackend.delete_dashboards
original_delete_alarms = CloudWatchBackend.delete_alarms


def install() -> None:
    """Replace moto's methods."""
    replace_methods(CloudWatchResponse, put_dashboard)
    replace_methods(CloudWatchBackend, delete_dashboards, delete_alarms)


def put_dashboard(self: Any) -> Any:
    """Create or replace a dashboard. As on AWS, only a new dashboard takes the tags of the request."""
    backend, name = self.cloudwatch_backend, self._get_param("DashboardName")
    is_new = backend.get_dashboard(name) is None
    result = original_put_dashboard(self)
    if is_new:
        arn = make_arn_for_dashboard(backend.account_id, backend.region_name, name)
        backend.tagger.tag_resource(arn, self._get_param("Tags") or [])
    return result


def delete_dashboards(self: Any, dashboards: list[str]) -> Any:
    """Delete dashboards with their tags. Return moto's error message, if any."""
    error = original_delete_dashboards(self, dashboards)
    if error is None:
        for name in dashboards:
            self.tagger.delete_all_tags_for_resource(make_arn_for_dashboard(self.account_id, self.region_name, name))
    return error


def delete_alarms(self: Any, alarm_names: list[str]) -> None:
    """Delete alarms with their tags."""
    original_delete_alarms(self, alarm_names)
    for name in alarm_names:
        self.tagger.delete_all_tags_for_resource(make_arn_for_alarm(self.region_name, self.account_id, name))
