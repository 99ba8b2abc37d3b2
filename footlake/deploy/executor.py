"""Apply an action to every resource of the catalogue in the order of dependencies, several at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, fields, is_dataclass
from graphlib import TopologicalSorter
from typing import Any

from footlake.resources.base import Resource

MAX_PARALLEL = 8


@dataclass(frozen=True)
class Step:
    """The label of a resource and the outcome of the action."""

    resource: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.outcome:<10} {self.resource}"


Action = Callable[[Resource], str]
OnStep = Callable[[Step], None]


def ignore_step(step: Step) -> None:
    """Do nothing."""


def dependencies(resource: Any) -> Iterator[Any]:
    """Yield the resources in the fields of `resource`, also those in a tuple."""
    if not is_dataclass(resource):
        return
    for field in fields(resource):
        value = getattr(resource, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "ensure"):
                yield item


def execute(
    resources: Sequence[Resource],
    action: Action,
    on_step: OnStep = ignore_step,
    backwards: bool = False,
    pool: Executor | None = None,
) -> list[Step]:
    """Call `action` for each resource and return the steps in the order in which they end.

    A resource waits for the resources that it depends on; with `backwards`, for those that depend on it. When `action`
    raises, the calls in progress end, no further one starts, and the first exception is raised. `pool` replaces the
    threads that make the calls.
    """
    by_label = {resource.label: resource for resource in resources}
    graph = _dependency_graph(by_label, backwards)
    rank = _start_order(graph, by_label, backwards)
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    ready: list[str] = []
    steps: list[Step] = []
    running: dict[Future[str], str] = {}
    failure: BaseException | None = None
    workers = pool or ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="resource")
    try:
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()], key=rank.__getitem__)
            while ready and len(running) < MAX_PARALLEL and failure is None:
                label = ready.pop(0)
                running[workers.submit(action, by_label[label])] = label
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                label = running.pop(future)
                if error := future.exception():
                    failure = failure or error
                    continue
                sorter.done(label)
                steps.append(Step(label, future.result()))
                on_step(steps[-1])
    finally:
        # After Ctrl-C the process ends without waiting for the calls in progress.
        workers.shutdown(wait=not isinstance(sys.exception(), KeyboardInterrupt), cancel_futures=True)
    if failure:
        raise failure
    return steps


def _dependency_graph(by_label: Mapping[str, Resource], backwards: bool) -> dict[str, set[str]]:
    """Map each label to the labels that it waits for."""
    graph: dict[str, set[str]] = {label: set() for label in by_label}
    for label, resource in by_label.items():
        for dependency in dependencies(resource):
            if dependency.label in by_label:
                first, second = (label, dependency.label) if backwards else (dependency.label, label)
                graph[second].add(first)
    return graph


def _start_order(graph: Mapping[str, set[str]], by_label: dict[str, Resource], backwards: bool) -> dict[str, int]:
    """Rank the labels: the start of the longest chain first, then in the order of the catalogue.

    So the database, which takes minutes, does not wait for a free thread.
    """
    seconds = _critical_path_seconds(graph, by_label)
    order = sorted(reversed(by_label) if backwards else by_label, key=lambda label: -seconds[label])
    return {label: rank for rank, label in enumerate(order)}


def _critical_path_seconds(graph: Mapping[str, set[str]], by_label: dict[str, Resource]) -> dict[str, float]:
    """Estimate the seconds from the start of each resource to the end of the last one that waits for it."""
    seconds = {label: getattr(resource, "seconds", 1.0) for label, resource in by_label.items()}
    paths = dict(seconds)
    for label in reversed(list(TopologicalSorter(graph).static_order())):
        for earlier in graph[label]:
            paths[earlier] = max(paths[earlier], seconds[earlier] + paths[label])
    return paths
