"""Amazon EventBridge: rules in the Resource Groups Tagging API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.events.models import EventsBackend

from footlake.local.patches.methods import replace_methods

original_iter_tagged_resources = EventsBackend.iter_tagged_resources


def install() -> None:
    """Replace moto's method."""
    replace_methods(EventsBackend, iter_tagged_resources)


def iter_tagged_resources(self: Any) -> Iterator[Any]:
    """Yield event buses and, in addition, rules."""
    yield from original_iter_tagged_resources(self)
    for bus in self.event_buses.values():
        for rule in bus.rules.values():
            tags = self.tagger.get_tag_dict_for_resource(rule.arn)
            yield TaggedResource(arn=rule.arn, tags=tags, resource_type="events:rule")
