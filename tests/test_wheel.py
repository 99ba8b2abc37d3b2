"""The wheel contains every module, the Glue scripts and the SQL files."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import ROOT

SHOW = """
import footlake, json
from footlake.data.package_files import package_folder
from footlake.deploy.catalogue import catalogue
from footlake.config import Config
labels = [resource.label for resource in catalogue(Config(account="123456789012", region="eu-west-3"))]
found = {folder: sorted(path.name for path in package_folder(folder).iterdir() if path.suffix in (".py", ".sql"))
         for folder in ("glue", "sql")}
print(json.dumps([footlake.__file__, len(labels), found]))
"""


def test_the_wheel_works_from_another_folder(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(ROOT)]
    subprocess.run([*build, "--wheel-dir", str(tmp_path)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        templates = {path.name for path in (ROOT / "footlake" / "report" / "templates").iterdir()}
        assert {"page.html.j2", "charts.html.j2", "page.css", "page.js"} <= templates
        assert {f"footlake/report/templates/{name}" for name in templates} <= set(archive.namelist())
        modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "footlake").rglob("*.py")}
        assert modules - set(archive.namelist()) == set()
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert str(tmp_path / "site") in shown.stdout
    for name in ("dropids.py", "footlake_glue.py", "fixtures.sql", "teams.sql"):
        assert name in shown.stdout
