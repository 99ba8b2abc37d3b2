"""Measure time and peak memory, and format results and claims as Markdown."""

from __future__ import annotations

import multiprocessing
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

Work = Callable[[], object]
CLAIM_COLUMNS = ("claim", "measured", "target", "holds")
CLAIMS_HEADING = "### Claims"


@dataclass(frozen=True)
class Claim:
    """A statement about footlake with its measured value, its target, and whether the target is met."""

    statement: str
    measured: str
    target: str
    holds: bool


def best_seconds(work: Work, times: int = 3) -> float:
    """Return the shortest duration of several runs, in seconds. Other load on the machine only makes a run longer."""
    return min(_seconds(work) for _ in range(times))


def measure_peak(work: Work | Sequence[str]) -> tuple[float, float]:
    """Run a picklable function or a command in a new process; return its seconds and its peak memory in MiB.

    The time excludes the start of Python. The memory is that of the whole process, including imports.
    Raises RuntimeError if the process fails.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe()
    child = context.Process(target=_send_measurement, args=(work, sender))
    child.start()
    sender.close()
    try:
        seconds, mebibytes = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{work} failed in its own process") from None
    finally:
        child.join()
    return seconds, mebibytes


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Format a Markdown table; columns that hold only numbers are aligned to the right."""
    cells = [[_format_cell(cell) for cell in row] for row in rows]
    rules = ["---:" if cells and all(_is_number(row[at]) for row in cells) else "---" for at in range(len(columns))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (list(columns), rules, *cells))


def markdown_section(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], text: str = "") -> str:
    """Format a Markdown section: a heading, a table, and optional text below it."""
    return f"## {title}\n\n{markdown_table(columns, rows)}" + (f"\n{text}\n" if text else "")


def format_claims(claims: Iterable[Claim]) -> str:
    """Format the claims that end a script's output. `split_claims` reads them back."""
    rows = [(claim.statement, claim.measured, claim.target, "yes" if claim.holds else "**no**") for claim in claims]
    return f"\n{CLAIMS_HEADING}\n\n{markdown_table(CLAIM_COLUMNS, rows)}"


def split_claims(output: str) -> tuple[str, list[list[str]]]:
    """Split a script's output into its text without the claims and the cells of each claim."""
    text, _, table = output.partition(CLAIMS_HEADING)
    lines = [line for line in table.splitlines() if line.startswith("| ")][2:]
    return text.strip(), [line.strip("| ").split(" | ") for line in lines]


def _seconds(work: Work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _send_measurement(work: Work | Sequence[str], sender: Connection) -> None:
    if callable(work):
        sender.send((_seconds(work), _own_peak()))
    else:
        seconds = _seconds(lambda: subprocess.run(work, check=True, stdout=subprocess.DEVNULL))
        sender.send((seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024))


def _own_peak() -> float:
    """Return the peak memory of this process in MiB. On Linux getrusage includes the memory of the parent at fork."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024


def _format_cell(cell: Any) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)


def _is_number(text: str) -> bool:
    return text.lstrip("-")[:1].isdigit() or text in ("", "—")
