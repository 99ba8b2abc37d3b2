"""The walk over the catalogue: side by side, but never before what a resource needs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import MAX_PARALLEL, dependencies, execute
from footlake.resources.lambdas import LambdaPermission


@dataclass(frozen=True)
class Thing:
    label: str
    needs: tuple[Any, ...] = ()

    def exists(self, lake: Any) -> bool:
        return True

    def ensure(self, lake: Any) -> Any:
        return "created"

    def destroy(self, lake: Any) -> Any:
        return "deleted"


A = Thing("a")
B = Thing("b", (A,))
C = Thing("c", (A,))
D = Thing("d", (B, C))


@pytest.mark.parametrize("backwards", [False, True])
def test_nothing_is_done_before_what_it_waits_for(backwards: bool) -> None:
    order: list[str] = []
    execute([A, B, C, D], lambda thing: order.append(thing.label) or "done", backwards=backwards)  # type: ignore[func-returns-value]
    if backwards:
        order.reverse()
    assert order[0] == "a"
    assert order[-1] == "d"
    assert sorted(order) == ["a", "b", "c", "d"]


def test_the_longest_chain_begins_first() -> None:
    order: list[str] = []
    execute([Thing("alone"), A, B, D], lambda thing: order.append(thing.label) or "done", pool=ThreadPoolExecutor(1))  # type: ignore[func-returns-value]
    assert order[0] == "a"


def test_what_takes_long_begins_first_and_waits_for_nothing_that_was_ready_earlier() -> None:
    slow = Thing("slow", (Thing("its group"),))
    object.__setattr__(slow, "seconds", 300.0)
    order: list[str] = []
    things = [*(Thing(str(number)) for number in range(100)), *slow.needs, slow]
    execute(things, lambda thing: order.append(thing.label) or "done", pool=ThreadPoolExecutor(1))  # type: ignore[func-returns-value]
    assert order[0] == "its group"
    assert order.index("slow") <= MAX_PARALLEL


def test_independent_resources_are_done_side_by_side() -> None:
    both = threading.Barrier(2, timeout=10)

    def act(thing: Any) -> str:
        if thing.label in "bc":
            both.wait()  # passes only if both are here at once
        return "done"

    assert len(execute([A, B, C, D], act)) == 4


def test_a_failure_starts_nothing_more_and_is_raised() -> None:
    done: list[str] = []

    def act(thing: Any) -> str:
        if thing.label == "b":
            raise ValueError("refused")
        done.append(thing.label)
        return "done"

    with pytest.raises(ValueError, match="refused"):
        execute([A, B, D], act)
    assert done == ["a"]


def test_the_catalogue_is_in_the_order_of_its_dependencies() -> None:
    seen: set[str] = set()
    for resource in catalogue(Config(account="123456789012", region="eu-west-3", client_address="203.0.113.7/32")):
        assert resource.label not in seen
        assert {other.label for other in dependencies(resource)} <= seen
        seen.add(resource.label)


def test_no_two_permissions_of_a_function_are_changed_side_by_side() -> None:
    """Lambda refuses one of them, or loses it."""
    resources = catalogue(replace(Config(api_key="k"), account="123456789012", region="us-east-1"))
    waits_for = {one.label: {other.label for other in dependencies(one)} for one in resources}

    def before(label: str) -> set[str]:
        return waits_for[label].union(*(before(other) for other in waits_for[label]))

    of_function: dict[str, list[str]] = {}
    for one in resources:
        if isinstance(one, LambdaPermission):
            of_function.setdefault(one.function.name, []).append(one.label)
    assert [len(labels) for labels in of_function.values()] == [2, 2, 2]
    for first, second in of_function.values():
        assert first in before(second) or second in before(first)
