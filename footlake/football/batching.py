"""Request the statistics of many fixtures with as few requests as the API allows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from footlake.football import values
from footlake.football.api import IDS_PER_REQUEST, BadParameter, FootballApi, IdsRefused
from footlake.football.fixtures import Fixture


class FixtureResponse(NamedTuple):
    """The response for one fixture: the envelope to store, and the part of it that should be the statistics."""

    envelope: dict[str, Any]
    items: Any


class BatchFetcher:
    """Requests the statistics of IDS_PER_REQUEST fixtures at once, or one by one if the plan does not allow that.

    `one_by_one` becomes true when the API refuses several ids because of the plan.
    """

    def __init__(self, api: FootballApi, one_by_one: bool = False) -> None:
        self.one_by_one = one_by_one
        self._api = api
        self._refused_in_batch: set[int] = set()

    def next_batch(self, fixtures: Iterable[Fixture]) -> list[Fixture]:
        """Return the first of these fixtures, as many as one request may ask for. There must be at least one."""
        batch = list(islice(fixtures, IDS_PER_REQUEST))
        return batch[:1] if self._is_single(batch) else batch

    def fetch(self, batch: list[Fixture]) -> dict[int, FixtureResponse] | None:
        """Request a batch and return the responses by fixture id; one that the API does not mention is missing.

        Returns None if the API refuses these ids in one request. The next batches then have one fixture each, for the
        rest of this batch or, if the plan is the reason, for all fixtures. Raises the errors of FootballApi.get.
        """
        if self._is_single(batch):
            responses = {fixture.id: self._api.statistics(fixture.id) for fixture in batch}
            return {key: FixtureResponse(response, response["response"]) for key, response in responses.items()}
        try:
            response = self._api.fixtures(ids="-".join(str(fixture.id) for fixture in batch))
        except IdsRefused:
            self.one_by_one = True
            return None
        except BadParameter:  # perhaps because of one of the ids
            self._refused_in_batch |= {fixture.id for fixture in batch}
            return None
        found = {}
        for item in response["response"]:
            with suppress(LookupError, TypeError, ValueError, OverflowError, AttributeError):
                envelope = {**response, "results": 1, "response": [item]}
                found[values.parse_id(item["fixture"]["id"])] = FixtureResponse(envelope, item.get("statistics"))
        return found

    def _is_single(self, batch: list[Fixture]) -> bool:
        return self.one_by_one or batch[0].id in self._refused_in_batch
