"""The Glue scripts import nothing that Glue, the scripts' folder or the zip of footlake's modules does not have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from footlake.deploy.packaging import GLUE_MODULES, zip_glue_modules
from tests.glue.conftest import ASSETS, REPOSITORY, SCRIPTS, TABLES, GlueAws, LakeBucket


def imported_modules(source: str) -> set[str]:
    """The modules that Python source imports, by their full names."""
    return set(re.findall(r"^\s*(?:from|import) ([\w.]+)", source, flags=re.MULTILINE))


def test_the_scripts_import_only_what_glue_has() -> None:
    provided_by_glue = {"pyspark", "py4j", "awsglue"}
    added_files = {"footlake", "footlake_glue", "pymysql"}  # by --extra-py-files
    for path in SCRIPTS.glob("*.py"):
        imported = {name.partition(".")[0] for name in imported_modules(path.read_text())}
        assert imported <= provided_by_glue | added_files | sys.stdlib_module_names, path.name


def test_the_zip_has_the_modules_that_the_scripts_import_and_needs_only_the_standard_library(tmp_path: Path) -> None:
    imported = {name for path in SCRIPTS.glob("*.py") for name in imported_modules(path.read_text())}
    names = sorted(name for name in imported if name.startswith("footlake."))
    assert names
    archive = tmp_path / "footlake.zip"
    archive.write_bytes(zip_glue_modules())
    imports = "; ".join(f"import {name}" for name in [*names, *(module_name(path) for path in GLUE_MODULES)])
    # -S leaves site-packages out, -I the checkout.
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(archive)!r}); {imports}"]
    subprocess.run(command, check=True)


def module_name(path: str) -> str:
    """`footlake.lake` of `lake/__init__`."""
    return f"footlake/{path}".removesuffix("/__init__").replace("/", ".")


def test_a_job_imports_footlake_from_its_zip_alone(aws: GlueAws, lake: LakeBucket) -> None:
    script = "import footlake.lake.s3_keys as keys\nprint(keys.__file__)\nimport footlake.lake.store\n"
    aws.s3.put_object(Bucket=ASSETS, Key="scripts/importing.py", Body=script.encode())
    aws.create_job("importing")
    run = aws.run("importing", lake.name)
    assert run["JobRunState"] == "FAILED"
    assert "No module named 'footlake.lake.store'" in run["ErrorMessage"]


def test_every_table_that_is_loaded_is_defined_once_and_can_be_defined_again() -> None:
    scripts = [path.read_text() for path in (REPOSITORY / "sql").glob("*.sql")]
    tables = [name for text in scripts for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", text)]
    assert sorted(tables) == sorted(TABLES)
