"""Tests for hints: the commands in them are data, and are shown with the global options that lead to the lake."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import asdict

from footlake.commands import COMMANDS
from footlake.deploy.preflight import Finding
from footlake.errors import FootlakeCommand, FootlakeError, Hint
from tests.conftest import ROOT

HINT = Hint("Run ", FootlakeCommand("bootstrap"), " first.")


def test_a_hint_equals_its_text_without_options() -> None:
    assert HINT == "Run footlake bootstrap first."
    assert FootlakeError("There is no lake.", HINT).hint == HINT


def test_the_options_are_inserted_into_the_commands_only() -> None:
    hint = Hint("About footlake: ", FootlakeCommand("logs dropids"), ", ", FootlakeCommand("policy"))
    shown = "About footlake: footlake --local logs dropids, footlake --local policy"
    assert hint.with_options(" --local") == shown


def test_nested_and_copied_hints_keep_their_commands() -> None:
    shown = "Run footlake --local bootstrap first."
    assert Hint(HINT, " Then wait.").with_options(" --local") == f"{shown} Then wait."
    assert copy.deepcopy(HINT).with_options(" --local") == shown
    finding = asdict(Finding("lake", "warning", "is missing", HINT))
    assert finding["hint"] == "Run footlake bootstrap first."


def literals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of the string literals that are no docstrings and no help texts of Click."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            documents = isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg == "help")
            if isinstance(child, ast.Constant) and isinstance(child.value, str) and not documents:
                yield child.lineno, child.value


def test_texts_name_commands_only_as_data() -> None:
    """`footlake local` is not affected by the global options."""
    names = "|".join(name for name in COMMANDS if name != "local")
    named = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in (ROOT / "footlake").rglob("*.py")
        for line, text in literals(ast.parse(path.read_text()))
        if re.search(rf"\bfootlake ({names})\b", text)
    ]
    assert named == []
