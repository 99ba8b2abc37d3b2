"""Measure what `make demo` installs on a fresh machine, and how long that takes.

    python -m bench.installation

A clone of the checked-out commit runs `make demo` with a new home folder and without pip's cache, then
`footlake demo` again with another local AWS. The difference is the installation: Python's packages, and MariaDB if the
system has none. The floor downloads the same packages and copies the installed files. Left out: the clone. The speed
of the network decides more than anything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.measure import Claim, best_seconds, format_claims, markdown_section

ROOT = Path(__file__).resolve().parent.parent
MAX_SECONDS, MAX_GIGABYTES = 60, 1.2


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        home, clone = Path(folder, "home"), Path(folder, "clone")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        run = partial(run_as_new_user, home, clone)
        download = [
            ".venv/bin/pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            f"{folder}/wheels",
            "-r",
            "requirements.lock",
        ]
        first = best_seconds(lambda: run_demo(run, ["make", "demo"], home / "first"), 1)
        again = best_seconds(lambda: run_demo(run, [".venv/bin/footlake", "demo"], home / "again"), 1)
        downloading = best_seconds(lambda: run(download), 1)
        copying = best_seconds(lambda: shutil.copytree(clone / ".venv", home / "copy", symlinks=True), 1)
        sizes = {"packages in .venv": clone / ".venv", "MariaDB in ~/.cache/footlake": home / ".cache/footlake"}
        gigabytes = {name: measure_gigabytes(path) for name, path in sizes.items()}
    print(format_report(first - again, again, downloading + copying, gigabytes))


def run_as_new_user(home: Path, clone: Path, command: Sequence[str], **variables: str) -> None:
    """Run a command in the clone with an empty home folder and without caches; end the program if it fails."""
    omitted = ("AWS_", "FOOTLAKE_", "XDG_", "VIRTUAL_ENV", "MAKE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(omitted)}
    environment |= {"HOME": str(home), "PIP_NO_CACHE_DIR": "1", **variables}
    process = subprocess.run(command, cwd=clone, env=environment, stdout=sys.stderr, check=False)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")


def run_demo(run: partial[None], command: Sequence[str], local_aws: Path) -> None:
    """Run the demo on a new local AWS and stop it."""
    run(command, FOOTLAKE_LOCAL_DIR=str(local_aws))
    run([".venv/bin/footlake", "local", "stop"], FOOTLAKE_LOCAL_DIR=str(local_aws))


def format_report(installation: float, demo: float, floor: float, gigabytes: dict[str, float]) -> str:
    """Format the sections and the claims."""
    total_gigabytes = sum(gigabytes.values())
    rows = [
        ("installation", f"{installation:.0f}", f"{installation / floor:.1f} ×"),
        ("download of the same packages, copy of the installed files", f"{floor:.0f}", "1.0 ×"),
        ("demo afterwards", f"{demo:.0f}", f"{demo / floor:.1f} ×"),
    ]
    size_rows = [(name, f"{size:.2f}", f"{size / total_gigabytes:.0%}") for name, size in gigabytes.items()]
    claims = [
        Claim(
            f"The installation of `make demo` takes at most {MAX_SECONDS} s",
            f"{installation:.0f} s, {installation / floor:.1f} × download and copy",
            f"≤ {MAX_SECONDS} s",
            installation <= MAX_SECONDS,
        ),
        Claim(
            f"It needs at most {MAX_GIGABYTES} GB",
            f"{total_gigabytes:.2f} GB",
            f"≤ {MAX_GIGABYTES} GB",
            total_gigabytes <= MAX_GIGABYTES,
        ),
    ]
    return (
        markdown_section("Installation", ["", "seconds", "ratio to the floor"], rows)
        + "\n"
        + markdown_section("Installed files", ["", "GB on disk", "share"], size_rows)
        + format_claims(claims)
    )


def measure_gigabytes(folder: Path) -> float:
    """Return the disk space of a folder in GB of 10⁹ bytes. Hard links count once."""
    blocks = {status.st_ino: status.st_blocks for status in map(os.lstat, folder.rglob("*"))}
    return 512 * sum(blocks.values()) / 1e9


if __name__ == "__main__":
    main()
