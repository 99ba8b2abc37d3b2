"""A headless Chromium: Playwright's own, an installed one, or Debian's, fetched into the cache as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

from footlake.errors import FootlakeError
from footlake.local import debian

PACKAGES = ("chromium-headless-shell", "chromium-common", "fonts-dejavu-core")
INSTALL = "Install Chromium, or name its program in FOOTLAKE_CHROMIUM."
FONTS = (
    "<fontconfig><dir>{root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{root}/c</cachedir></fontconfig>"
)


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for the time of a block; FootlakeError where there is none and none can be fetched."""
    with sync_playwright() as playwright:
        program, environment = _find(playwright)
        # A root without a user namespace, as in a container, cannot have Chromium's sandbox; the pages are our own.
        chromium = playwright.chromium.launch(
            executable_path=program, env=dict(environment), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield chromium
        finally:
            chromium.close()


def _find(playwright: Playwright) -> tuple[str, dict[str, str]]:
    """The program, and the environment that it runs in."""
    named = (
        os.environ.get("FOOTLAKE_CHROMIUM"),
        playwright.chromium.executable_path,
        *(shutil.which(name) for name in ("chromium", "chromium-headless-shell", "google-chrome")),
    )
    for program in named:
        if program and _runs(Path(program), dict(os.environ)):
            return program, dict(os.environ)
    copy = debian.cache("chromium")
    program_there = copy / "usr" / "lib" / "chromium" / "chromium-headless-shell"

    def environment() -> dict[str, str]:
        return debian.environment(copy) | {"FONTCONFIG_FILE": str(copy / "fonts.conf")}

    def fetch(apt: debian.Apt) -> None:
        apt.unpack(*PACKAGES)
        (apt.root / "fonts.conf").write_text(FONTS.format(root=copy))

    def probe() -> Path | None:
        return program_there if _runs(program_there, environment()) else None

    found = debian.filled(copy, probe, fetch, "Chromium", INSTALL)
    if found is None:
        raise FootlakeError(f"The Chromium unpacked in {copy} does not run.", INSTALL)
    return str(found), environment()


def _runs(program: Path, environment: dict[str, str]) -> bool:
    try:
        # It does not know --version, but an empty page shows whether it starts.
        command = [program, "--no-sandbox", "--disable-gpu", "--dump-dom", "about:blank"]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"<html>" in done.stdout
