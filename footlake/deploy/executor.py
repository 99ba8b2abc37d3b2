"""Walking the catalogue: every resource as soon as those that it holds are done, side by side."""

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
    """A resource and what became of it."""

    resource: str
    outcome: str

    def __str__(self) -> str:
        return f"{self.outcome:<10} {self.resource}"


Action = Callable[[Resource], str]
OnStep = Callable[[Step], None]


def ignore_step(step: Step) -> None:
    """Tell nobody."""


def dependencies(resource: Any) -> Iterator[Any]:
    """The resources that one holds, directly or in a tuple."""
    if not is_dataclass(resource):
        return
    for field in fields(resource):
        value = getattr(resource, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if hasattr(one, "ensure"):
                yield one


def _critical_path_seconds(waits_for: Mapping[str, set[str]], known: Mapping[str, Resource]) -> dict[str, float]:
    """How many seconds it takes from the beginning of each one to the end of all that follow it, roughly."""
    seconds = {label: getattr(resource, "seconds", 1.0) for label, resource in known.items()}
    chains = dict(seconds)
    for label in reversed(list(TopologicalSorter(waits_for).static_order())):
        for earlier in waits_for[label]:
            chains[earlier] = max(chains[earlier], seconds[earlier] + chains[label])
    return chains


def execute(
    resources: Sequence[Resource],
    act: Action,
    tell: OnStep = ignore_step,
    backwards: bool = False,
    pool: Executor | None = None,
) -> list[Step]:
    """What `act` said of each resource, in the order of their ending.

    Forwards, a resource waits for those that it holds; backwards, for those that hold it. An exception of `act` lets
    what is running end, starts nothing more, and is raised. `pool` does the work where it should not be threads.
    """
    known = {resource.label: resource for resource in resources}
    waits_for: dict[str, set[str]] = {label: set() for label in known}
    for label, resource in known.items():
        for other in dependencies(resource):
            if other.label in known:
                first, second = (label, other.label) if backwards else (other.label, label)
                waits_for[second].add(first)
    order = list(reversed(known)) if backwards else list(known)
    # What begins a long chain goes first: the database, which takes minutes, waits for nobody's hands.
    chains = _critical_path_seconds(waits_for, known)
    order.sort(key=lambda label: -chains[label])
    steps: list[Step] = []
    running: dict[Future[str], str] = {}
    failure: BaseException | None = None
    workers = pool or ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="walk")
    try:
        while order or running:
            if failure is None:
                ready = [label for label in order if not waits_for[label]]
                for label in ready[: MAX_PARALLEL - len(running)]:
                    order.remove(label)
                    running[workers.submit(act, known[label])] = label
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                label = running.pop(future)
                for others in waits_for.values():
                    others.discard(label)
                if future.exception():
                    failure = failure or future.exception()
                    continue
                steps.append(Step(label, future.result()))
                tell(steps[-1])
    finally:
        # Whoever interrupts does not wait for the calls that are under way.
        workers.shutdown(wait=not isinstance(sys.exception(), KeyboardInterrupt), cancel_futures=True)
    if failure:
        raise failure
    return steps
