"""Measure how long the tests take: `make lint`, `make unit` and `make test`.

    python -m bench.suite

The suite runs in this checkout, after the installation, and ends the script if a test fails. Left out: `make proof`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.measure import Claim, format_claims, markdown_section

ROOT = Path(__file__).resolve().parent.parent
# Seconds on two cores
TARGETS = {"make unit": 45, "make test": 300}


def main() -> None:
    seconds = {command: time_command(command) for command in ("make lint", *TARGETS)}
    whole = seconds["make test"]
    rows = [(command, f"{taken:.0f}", f"{taken / whole:.2f} ×") for command, taken in seconds.items()]
    print(markdown_section("Tests", ["command", "seconds", "ratio to make test"], rows))
    claims = [
        Claim(
            f"`{command}` takes at most {target} s on two cores",
            f"{seconds[command]:.0f} s, {seconds[command] / whole:.2f} × `make test`",
            f"≤ {target} s",
            seconds[command] <= target,
        )
        for command, target in TARGETS.items()
    ]
    print(format_claims(claims))


def time_command(command: str) -> float:
    """Run a command and return its seconds; end the program if it fails."""
    started = time.monotonic()
    process = subprocess.run(command.split(), cwd=ROOT, stdout=sys.stderr, check=False)
    if process.returncode:
        sys.exit(f"{command}: exit code {process.returncode}")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
