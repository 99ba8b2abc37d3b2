"""Take the README's screenshot of the HTML report.

    python -m bench.picture docs/report.png

Runs `footlake demo` and `footlake report --html` on a temporary local AWS, and takes a screenshot of the upper half of
the page in Chromium, with the light colour scheme.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.browser import browser

WIDTH = 1240


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlake-") as folder:
        page = Path(folder) / "report.html"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOOTLAKE_"))}
        environment = inherited | {"FOOTLAKE_LOCAL_DIR": f"{folder}/aws"}

        def footlake(*arguments: str) -> None:
            subprocess.run([sys.executable, "-m", "footlake", *arguments], env=environment, check=True)

        try:
            footlake("demo")
            footlake("--local", "report", "--html", str(page))
        finally:
            footlake("local", "stop")
        with browser() as chromium:
            tab = chromium.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
            tab.goto(page.as_uri())
            end = tab.locator("[data-weeks]").bounding_box()
            height = end["y"] if end else 900
            tab.screenshot(
                path=options.picture, full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height}
            )


if __name__ == "__main__":
    main()
