"""Asking for the statistics of many fixtures in as few requests as the API takes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from footlake.football import values
from footlake.football.api import IDS_PER_REQUEST, BadParameter, FootballApi, IdsRefused
from footlake.football.fixtures import Fixture


class FixtureResponse(NamedTuple):
    """What the API said about one fixture: the envelope to keep, and in it what should be the statistics."""

    envelope: dict[str, Any]
    items: Any


class BatchFetcher:
    """Twenty fixtures to a request; `one_by_one` where the plan does not take that."""

    def __init__(self, api: FootballApi, one_by_one: bool = False) -> None:
        self.one_by_one = one_by_one
        self._api = api
        self._alone: set[int] = set()

    def next_batch(self, left: Iterable[Fixture]) -> list[Fixture]:
        """The first of these fixtures, as many as are asked for at once."""
        some = list(islice(left, IDS_PER_REQUEST))
        return some[:1] if self.one_by_one or some[0].id in self._alone else some

    def fetch(self, batch: list[Fixture]) -> dict[int, FixtureResponse] | None:
        """The answers by fixture; one that the API does not mention is missing.

        None if it does not take these together: they are asked for one by one from now on. Raises what the API says no
        with to a fixture alone.
        """
        if self.one_by_one or batch[0].id in self._alone:
            alone = {fixture.id: self._api.statistics(fixture.id) for fixture in batch}
            return {id: FixtureResponse(answer, answer["response"]) for id, answer in alone.items()}
        try:
            answer = self._api.fixtures(ids="-".join(str(fixture.id) for fixture in batch))
        except IdsRefused:
            self.one_by_one = True
            return None
        except BadParameter:  # one of them may be what it does not take
            self._alone |= {fixture.id for fixture in batch}
            return None
        found = {}
        for item in answer["response"]:
            with suppress(LookupError, TypeError, ValueError, OverflowError, AttributeError):
                only = {**answer, "results": 1, "response": [item]}
                found[values.parse_id(item["fixture"]["id"])] = FixtureResponse(only, item.get("statistics"))
        return found
