"""How the measured claims are measured and shown: the best of several times, peak memory, a table in Markdown."""

from __future__ import annotations

import multiprocessing
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Work = Callable[[], object]


def best(work: Work, times: int = 3) -> float:
    """The shortest of so many runs, in seconds: what disturbs a run only ever makes it longer."""
    return min(_seconds(work) for _ in range(times))


def peak(work: Work | Sequence[str]) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of one run in a fresh process: of a command, or of a function that pickle knows.

    The time is the work's own, without Python's start; the memory is the whole process's, with its imports.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_report, args=(work, there))
    child.start()
    there.close()
    try:
        seconds, mebibytes = here.recv()
    except EOFError:
        raise RuntimeError(f"{work} failed in its own process") from None
    finally:
        child.join()
    return seconds, mebibytes


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown section: a heading and a table, whose numbers stand to the right."""
    cells = [[_shown(cell) for cell in row] for row in rows]
    rules = ["---:" if cells and all(_is_number(row[at]) for row in cells) else "---" for at in range(len(columns))]
    lines = [f"## {title}", "", *(f"| {' | '.join(row)} |" for row in (list(columns), rules, *cells)), ""]
    return "\n".join(lines)


def _seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _report(work: Work | Sequence[str], answer: Any) -> None:
    if callable(work):
        answer.send((_seconds(work), _own_peak()))
    else:
        seconds = _seconds(lambda: subprocess.run(work, check=True, stdout=subprocess.DEVNULL))
        answer.send((seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))


def _own_peak() -> float:
    """Of this program alone: what getrusage tells of oneself begins with the memory of whoever started it."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024


def _shown(cell: Any) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


def _is_number(text: str) -> bool:
    return text.lstrip("-")[:1].isdigit() or text in ("", "—")
