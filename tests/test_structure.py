"""Rules for the structure of the code that no linter checks: size of functions, unique class names, top level."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

LONGEST_FUNCTION = 60
MOST_TOP_LEVEL_MODULES = 10
# awsglue's own name for it, which Glue scripts import.
FOREIGN_CLASSES = {"Job"}


def parsed(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """The Python files below these folders with their syntax trees."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path}:{node.name}": length
        for path, tree in parsed("footlake", "scripts")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_two_classes_share_a_name() -> None:
    places = defaultdict(list)
    for path, tree in parsed("footlake", "scripts", "tests", "bench"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name not in FOREIGN_CLASSES:
                places[node.name].append(f"{path}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_top_level_of_the_package_is_small() -> None:
    modules = [path.name for path in (ROOT / "footlake").glob("*.py") if not path.name.startswith("__")]
    assert len(modules) <= MOST_TOP_LEVEL_MODULES, modules


def test_every_package_states_its_purpose() -> None:
    undocumented = [
        str(path.parent.relative_to(ROOT))
        for path in sorted((ROOT / "footlake").rglob("__init__.py"))
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert undocumented == []


def test_dates_are_formatted_without_codes_that_windows_lacks() -> None:
    """`%-d` omits the leading zero on Linux and macOS only."""
    files = (path for path in (ROOT / "footlake").rglob("*") if path.suffix in (".py", ".j2"))
    assert [str(path) for path in files if re.search(r"%-[A-Za-z]", path.read_text(encoding="utf-8"))] == []
