"""Compare the help texts and the documentation with the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from footlake.cli import main
from footlake.commands import COMMANDS
from footlake.config import SETTINGS, Config, documented_name
from footlake.deploy.costs import estimate_costs
from tests.conftest import ROOT, documented_keys

README = (ROOT / "README.md").read_text()


def test_the_generated_references_cover_all_commands_and_settings() -> None:
    """`make lint` checks that they are up to date."""
    sections = set(re.findall(r"^## footlake ([a-z-]+)$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))
    assert sections == set(COMMANDS)
    rows = dict(
        re.findall(r"^\| `(\w+)` \| `(FOOTLAKE_\w+)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
    )
    settings = {documented_name(name) for name in SETTINGS}
    assert rows == {name: f"FOOTLAKE_{name.upper()}" for name in settings}


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 900


def test_the_json_of_every_command_is_documented() -> None:
    assert {command.split()[0] for command in documented_keys()} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0
    assert f"{command} [OPTIONS]" in shown.output


def test_the_makefile_has_the_targets_named_in_the_readme() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make (\w+)", README, re.MULTILINE)) <= targets


def command_lines(text: str) -> list[str]:
    """Return the footlake command lines in indented blocks; lines joined by && are split, comments removed."""
    lines = re.findall(r"^    (footlake .*)$", text, re.MULTILINE)
    return [one.strip() for line in lines for one in line.partition("  #")[0].split("&&")]


def documented_command_lines() -> list[str]:
    texts = [(ROOT / "README.md").read_text(), *(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))]
    return sorted({line for text in texts for line in command_lines(text)})


@pytest.mark.parametrize("line", documented_command_lines())
def test_every_command_line_of_the_docs_parses(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    context, command = main.make_context("footlake", list(words)), main
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found
        context, command = found.make_context(str(name), rest, parent=context), found


def test_every_message_of_the_troubleshooting_page_exists() -> None:
    source = "".join(path.read_text() for path in (ROOT / "footlake").rglob("*.py"))
    messages = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    assert len(messages) > 20
    assert [part for message in messages for part in message.split("…") if part.strip() not in source] == []


def test_the_documented_prices_match_the_estimate() -> None:
    cost = estimate_costs(Config(account="123456789012", region="us-east-1"))
    for page in ("README.md", "docs/tutorial-aws.md"):
        text = (ROOT / page).read_text()
        assert f"about {cost.monthly:.0f}" in text
        assert f"{cost.week_low:.2f} to {cost.week_high:.2f}" in text


def test_every_relative_link_of_the_docs_has_a_target() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_architecture_names_every_package_and_only_existing_files() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    names = set(re.findall(r"`([\w/]+(?:/|\.py))`", text))
    packages = {f"{path.parent.name}/" for path in (ROOT / "footlake").glob("*/__init__.py")}
    modules = {path.name for path in (ROOT / "footlake").glob("[!_]*.py")}
    assert (packages | modules) - names == set()
    roots = (ROOT, ROOT / "footlake", ROOT / "footlake/local")
    assert [name for name in names if not any((root / name).exists() for root in roots)] == []
