"""Measure how long the command line takes to start, compared with `aws --version`.

    python -m bench.startup

The import of click alone is the lower bound. The AWS command line is version 1, which pip installs into a temporary
virtual environment. The commands run in turn, so that other load on the machine affects all of them; the best of
`TIMES` runs counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from bench.measure import Claim, format_claims, markdown_section

TIMES = 20


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        print("installing awscli …", file=sys.stderr)
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "awscli"], check=True, stderr=subprocess.DEVNULL)
        footlake = str(Path(sys.executable).with_name("footlake"))
        commands = {
            'python -c "import click"': [sys.executable, "-c", "import click"],
            "footlake --help": [footlake, "--help"],
            "footlake bootstrap --help": [footlake, "bootstrap", "--help"],
            "footlake status with an unknown option": [footlake, "status", "--misspelt"],
            "aws --version": [f"{folder}/bin/python", f"{folder}/bin/aws", "--version"],
        }
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(TIMES):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                best[name] = min(best[name], time.perf_counter() - started)
    click, *footlake_seconds, aws = best.values()
    rows = [(name, f"{1000 * it:.0f}", f"{it / click:.2f} ×", f"{it / aws:.2f} ×") for name, it in best.items()]
    print(markdown_section("Start-up", ["command", "ms", "ratio to importing click", "ratio to aws --version"], rows))
    claim = Claim(
        "Every command starts faster than the AWS command line prints its version",
        f"at most {max(footlake_seconds) / aws:.2f} ×",
        "< 1 ×",
        max(footlake_seconds) < aws,
    )
    print(format_claims([claim]))


if __name__ == "__main__":
    main()
