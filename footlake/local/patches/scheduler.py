"""Amazon EventBridge Scheduler: client tokens, missing and existing groups, updates, groups in the tagging API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.scheduler.models import EventBridgeSchedulerBackend
from moto.scheduler.responses import EventBridgeSchedulerResponse

from footlake.local.patches.methods import replace_methods

original_create_schedule = EventBridgeSchedulerResponse.create_schedule
original_update_schedule = EventBridgeSchedulerResponse.update_schedule
original_list_schedules = EventBridgeSchedulerResponse.list_schedules
original_delete_schedule_group = EventBridgeSchedulerBackend.delete_schedule_group


def install() -> None:
    """Replace moto's methods, and let its backend take part in the tagging API."""
    replace_methods(
        EventBridgeSchedulerResponse, create_schedule, create_schedule_group, update_schedule, list_schedules
    )
    replace_methods(EventBridgeSchedulerBackend, delete_schedule_group, iter_tagged_resources)
    EventBridgeSchedulerBackend.SERVICE_NAMESPACE = "scheduler"
    if not issubclass(EventBridgeSchedulerBackend, TaggableResourcesMixin):
        # Not a subclass: moto looks for the URLs of a service next to the module of its backend's class.
        EventBridgeSchedulerBackend.__bases__ += (TaggableResourcesMixin,)


def create_schedule(self: Any) -> str:
    """Create a schedule in an existing group, or return the one that was created with the same client token."""
    group = self.scheduler_backend.get_schedule_group(self._get_param("GroupName"))
    name, token = self.uri.split("?")[0].split("/")[-1], self._get_param("ClientToken")
    existing = group.schedules.get(name)
    if existing and token and getattr(existing, "client_token", None) == token:
        return json.dumps({"ScheduleArn": existing.arn})
    response: str = original_create_schedule(self)
    group.schedules[name].client_token = token
    return response


def create_schedule_group(self: Any) -> str:
    """Create a group, or return the one that was created with the same client token."""
    groups, token = self.scheduler_backend.schedule_groups, self._get_param("ClientToken")
    name = self.uri.split("?")[0].split("/")[-1]
    existing = groups.get(name)
    if existing and token and getattr(existing, "client_token", None) == token:
        return json.dumps({"ScheduleGroupArn": existing.arn})
    if existing:
        raise JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
    tags = self._get_param("Tags") or []
    group = self.scheduler_backend.create_schedule_group(name=name, tags=tags)
    group.client_token = token
    return json.dumps({"ScheduleGroupArn": group.arn})


def update_schedule(self: Any) -> str:
    """Replace a schedule; what the request leaves out gets its default."""
    response: str = original_update_schedule(self)
    name = self.uri.split("?")[0].split("/")[-1]
    schedule = self.scheduler_backend.get_schedule(self._get_param("GroupName"), name)
    schedule.invoked_at = None
    schedule.state = schedule.state or "ENABLED"
    schedule.action_after_completion = self._get_param("ActionAfterCompletion") or "NONE"
    return response


def list_schedules(self: Any) -> str:
    """List the schedules of an existing group, or of all groups."""
    for group in self.querystring.get("ScheduleGroup") or ():
        self.scheduler_backend.get_schedule_group(group)
    response: str = original_list_schedules(self)
    return response


def delete_schedule_group(self: Any, name: str | None) -> None:
    """Delete an existing group with its schedules and tags."""
    group = self.get_schedule_group(name)
    original_delete_schedule_group(self, name)
    self.tagger.delete_all_tags_for_resource(group.arn)


def iter_tagged_resources(self: Any) -> Iterator[Any]:
    """Yield the schedule groups. Schedules have no tags on AWS."""
    for group in self.schedule_groups.values():
        tags = self.tagger.get_tag_dict_for_resource(group.arn)
        yield TaggedResource(arn=group.arn, tags=tags, resource_type="scheduler:schedule-group")
