"""The executor runs resources in parallel, each after its dependencies; the catalogue is a valid order for it."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from footlake.aws import AwsContext
from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import MAX_PARALLEL, Action, dependencies, execute
from footlake.resources.base import Destroyed, Ensured, Resource
from footlake.resources.lambdas import LambdaPermission

CONFIG = Config(account="123456789012", region="eu-west-3", client_address="203.0.113.7/32")


@dataclass(frozen=True)
class LabelledResource:
    """A resource that exists only in this test; `seconds` is its expected duration."""

    label: str
    depends_on: tuple[LabelledResource, ...] = ()
    seconds: float = 1.0

    def exists(self, aws: AwsContext) -> bool:
        return True

    def ensure(self, aws: AwsContext) -> Ensured:
        return "created"

    def destroy(self, aws: AwsContext) -> Destroyed:
        return "deleted"


A = LabelledResource("a")
B = LabelledResource("b", (A,))
C = LabelledResource("c", (A,))
D = LabelledResource("d", (B, C))


def record_in(labels: list[str]) -> Action:
    """Return an action that appends the label of each resource to `labels`."""

    def action(resource: Resource) -> str:
        labels.append(resource.label)
        return "ok"

    return action


@pytest.mark.parametrize("backwards", [False, True])
def test_a_resource_waits_for_its_dependencies(backwards: bool) -> None:
    order: list[str] = []
    execute([A, B, C, D], record_in(order), backwards=backwards)
    if backwards:
        order.reverse()
    assert order[0] == "a"
    assert order[-1] == "d"
    assert sorted(order) == ["a", "b", "c", "d"]


def test_the_longest_chain_starts_first() -> None:
    order: list[str] = []
    execute([LabelledResource("alone"), A, B, D], record_in(order), pool=ThreadPoolExecutor(1))
    assert order[0] == "a"


def test_a_slow_resource_starts_before_resources_that_were_ready_earlier() -> None:
    group = LabelledResource("its group")
    slow = LabelledResource("slow", (group,), seconds=300.0)
    order: list[str] = []
    resources = [*(LabelledResource(str(number)) for number in range(100)), group, slow]
    execute(resources, record_in(order), pool=ThreadPoolExecutor(1))
    assert order[0] == "its group"
    assert order.index("slow") <= MAX_PARALLEL


def test_independent_resources_run_in_parallel() -> None:
    both = threading.Barrier(2, timeout=10)

    def action(resource: Resource) -> str:
        if resource.label in "bc":
            both.wait()  # returns only if both calls are in progress
        return "ok"

    assert len(execute([A, B, C, D], action)) == 4


def test_a_failure_starts_nothing_more_and_is_raised() -> None:
    succeeded: list[str] = []

    def action(resource: Resource) -> str:
        if resource.label == "b":
            raise ValueError("refused")
        succeeded.append(resource.label)
        return "ok"

    with pytest.raises(ValueError, match="refused"):
        execute([A, B, D], action)
    assert succeeded == ["a"]


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize(
    "config", [CONFIG, replace(CONFIG, as_documented=True), replace(CONFIG, alert_email="anna@example.org")]
)
def test_the_catalogue_lists_each_dependency_before_the_resource_that_needs_it(
    config: Config, everything: bool
) -> None:
    listed: set[str] = set()
    for resource in catalogue(config, everything):
        assert resource.label not in listed
        assert {dependency.label for dependency in dependencies(resource)} <= listed
        listed.add(resource.label)


def test_the_permissions_of_a_function_depend_on_each_other() -> None:
    """Lambda rejects or loses one of two changes that are made to a function's policy in parallel."""
    resources = catalogue(CONFIG)
    waits_for = {resource.label: {other.label for other in dependencies(resource)} for resource in resources}

    def before(label: str) -> set[str]:
        return waits_for[label].union(*(before(other) for other in waits_for[label]))

    of_function: dict[str, list[str]] = {}
    for resource in resources:
        if isinstance(resource, LambdaPermission):
            of_function.setdefault(resource.function.name, []).append(resource.label)
    assert [len(labels) for labels in of_function.values()] == [2, 2, 3]
    for first, second in (pair for labels in of_function.values() for pair in itertools.combinations(labels, 2)):
        assert first in before(second) or second in before(first)
