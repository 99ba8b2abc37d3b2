"""Start-up: how long the command line takes before it does anything.

    python -m bench.startup

Beside it: what importing click alone takes, which footlake cannot go below, and `aws --version` of AWS's own command
line (version 1, the one that pip installs, in an environment of its own). Best of many, one after the other in turn,
so that whatever else the machine does falls on all of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from bench.measure import table

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
            "footlake status, up to a misspelt option": [footlake, "status", "--misspelt"],
            "aws --version": [f"{folder}/bin/python", f"{folder}/bin/aws", "--version"],
        }
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(TIMES):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                best[name] = min(best[name], time.perf_counter() - started)
    click, *_, aws = best.values()
    rows = [(name, f"{1000 * it:.0f}", f"{it / click:.2f} ×", f"{it / aws:.2f} ×") for name, it in best.items()]
    print(table("Start-up", ["command", "ms", "of click's import", "of aws --version"], rows))


if __name__ == "__main__":
    main()
