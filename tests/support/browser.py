"""Find a headless Chromium: an installed one, or Debian's, unpacked into the cache without root rights."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import playwright
from playwright.sync_api import Browser, sync_playwright

from footlake.errors import FootlakeError
from footlake.local import debian_packages

PACKAGES = ("chromium-headless-shell", "chromium-common", "fonts-dejavu-core")
# A container has no user namespace for Chromium's sandbox and little shared memory. The tests open only local pages.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
INSTALL = "Install Chromium, or set FOOTLAKE_CHROMIUM to the path of its program."
FONTS = (
    "<fontconfig><dir>{root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{root}/c</cachedir></fontconfig>"
)


@contextmanager
def browser() -> Iterator[Browser]:
    """Provide a browser. Raise FootlakeError if none is installed and none can be downloaded."""
    program, environment = _find()
    with _libraries_of_node(), sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, env=dict(environment), args=[*FLAGS])
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def _libraries_of_node() -> Iterator[None]:
    """Make libatomic available to Playwright's own Node.js, which needs it and a minimal Debian lacks it."""
    node, copy = Path(playwright.__file__).parent / "driver" / "node", debian_packages.cache_folder("libatomic")

    def starts(environment: dict[str, str]) -> Path | None:
        done = subprocess.run([node, "--version"], env=environment, capture_output=True, check=False)
        return None if done.returncode else node

    before = os.environ.get("LD_LIBRARY_PATH")
    if not starts(dict(os.environ)):
        probe, fetch = partial(_with, starts, copy), partial(_unpack, "libatomic1")
        if not debian_packages.find_or_unpack(copy, probe, fetch, "library for Node.js", "Install libatomic1."):
            raise FootlakeError("Playwright's Node.js does not start.", "Install libatomic1.")
        os.environ["LD_LIBRARY_PATH"] = debian_packages.linker_environment(copy)["LD_LIBRARY_PATH"]
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("LD_LIBRARY_PATH", None)
        else:
            os.environ["LD_LIBRARY_PATH"] = before


def _with(starts: Callable[[dict[str, str]], Path | None], copy: Path) -> Path | None:
    return starts(debian_packages.linker_environment(copy)) if copy.exists() else None


def _unpack(package: str, apt: debian_packages.Apt) -> None:
    apt.unpack(package)


def _find() -> tuple[str, dict[str, str]]:
    """Return the path of Chromium and the environment to run it in."""
    named = (
        os.environ.get("FOOTLAKE_CHROMIUM"),
        *(shutil.which(name) for name in ("chromium", "chromium-headless-shell", "google-chrome")),
    )
    for program in named:
        if program and _runs(Path(program), dict(os.environ)):
            return program, dict(os.environ)
    copy = debian_packages.cache_folder("chromium")
    program_there = copy / "usr" / "lib" / "chromium" / "chromium-headless-shell"

    def environment() -> dict[str, str]:
        return debian_packages.linker_environment(copy) | {"FONTCONFIG_FILE": str(copy / "fonts.conf")}

    def fetch(apt: debian_packages.Apt) -> None:
        apt.unpack(*PACKAGES)
        (apt.root / "fonts.conf").write_text(FONTS.format(root=copy))

    def probe() -> Path | None:
        return program_there if _runs(program_there, environment()) else None

    found = debian_packages.find_or_unpack(copy, probe, fetch, "Chromium", INSTALL)
    if found is None:
        raise FootlakeError(f"The Chromium unpacked in {copy} does not run.", INSTALL)
    return str(found), environment()


def _runs(program: Path, environment: dict[str, str]) -> bool:
    try:
        # chromium-headless-shell has no --version, so load an empty page to see whether it starts.
        command: list[str | Path] = [program, *FLAGS, "--dump-dom", "about:blank"]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"<html>" in done.stdout
