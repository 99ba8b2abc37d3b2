"""Run the command lines of the documentation in a shell, in the order of the page.

The pages share one local AWS. `ELSEWHERE` lists the lines that are not run here, and where they are run, or why not.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pymysql
import pytest

from footlake.commands import COMMANDS
from tests.conftest import ROOT, Cli, documented_keys

PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
}
PROGRAMS = (
    *("footlake", "make", "pip", "pip-audit", "python", "aws", "git"),
    *("export", "eval", "_FOOTLAKE_COMPLETE=fish_source", "SELECT"),
)
ELSEWHERE = {
    "make .venv/.demo-ready": "make .venv/.ready runs it first",
    "make .venv/.ready": "made what these tests run in",
    "make test": "runs the tests, this one's neighbours among them",
    "make test PYTHON=python3.13 VENV=.venv-3.13": "the same, where there is another Python",
    "make proof": "runs this test",
    "make conformance": "a part of make proof",
    "make unit": "runs a part of these tests",
    "make live": "tests/conformance/test_live.py runs it on the local AWS",
    "aws sts get-caller-identity": "AWS's own program, which asks for an MFA code",
    'make live ARGS="--to ingest-stats"': "tests/conformance/test_live.py runs it on ministack",
    "make lint": "make test runs it first",
    "make docs": "make lint checks its result",
    "make help": "lists the targets, whose comments it reads",
    "make clean": "removes what these tests run in",
    "git clone YOUR-FORK footlake && cd footlake": "gets the sources, which these tests run in",
    "make bench": "measures, for many minutes, on a machine that does nothing else",
    "pip install .": "tests/test_wheel.py builds and tries what it installs",
    "pip install '.[local]'": "make .venv/.ready installs the same, from requirements.lock",
    "pip install 'footlake[local]'": "footlake is not on PyPI yet; make .venv/.ready installs the same",
    "aws configure": "AWS's own program, which asks questions",
    "aws sso login": "AWS's own program, which opens a browser",
    "pip-audit -r requirements.lock -r requirements-dev.lock --no-deps --disable-pip": "needs a database online",
    "python -m bench.ingest": "tests/handlers/test_bench.py runs its parts",
    "python -m bench.fuzz": "tests/football/test_any_body.py runs its checks",
    "python -m bench.faults": "an hour; tests/resources/test_faults.py runs a sample",
    "python -m bench.evaluation RECORDINGS": "tests/local/engines/test_local_training.py runs it, given recordings",
    "python -m bench.picture docs/report.png": "tests/report/test_page.py opens the page in the same browser",
    "python -m bench.security_scan": "needs prowler, in a separate virtual environment",
    "footlake check": "tests/test_check.py runs it; it fails where a documented lake has not fetched all weeks",
    "footlake database stop": "the other commands need the database: tests/test_database_sleep.py runs it",
    "footlake logs --follow": "has no end: tests/test_operate.py interrupts it",
    "footlake --local COMMAND": "stands for every command of docs/tutorial-local.md",
    "footlake COMMAND --help": "tests/test_docs.py asks every command",
    'eval "$(_FOOTLAKE_COMPLETE=bash_source footlake)"': "tests/test_config.py, in bash itself",
    'eval "$(_FOOTLAKE_COMPLETE=zsh_source footlake)"': "tests/test_config.py, in zsh itself where there is one",
    "_FOOTLAKE_COMPLETE=fish_source footlake \\| source": "tests/test_config.py, in fish itself where there is one",
}
# Values in place of placeholders, and the footlake command behind a make target.
PLACEHOLDERS = {
    "AWS_PROFILE=…": "AWS_PROFILE=reader",
    "FOOTLAKE_API_KEY=…": "FOOTLAKE_API_KEY=any",
    "FOOTLAKE_RECORDINGS=…": "FOOTLAKE_RECORDINGS=",
    "--recordings FOLDER": "--recordings recordings",
    "--split FOLDER": "--split policies",
    "--alert-email ADDRESS": "--alert-email anna@example.org",
    "--model NAME": '--model "$MODEL"',
    "logs JOB": "logs dropids",
    "--season YEAR": "--season 2025",
    "make demo": "footlake demo",
}
PROFILE = "[profile reader]\naws_access_key_id = x\naws_secret_access_key = x\n"
TIMEOUT_SECONDS = 600


def indented_command_lines(text: str) -> list[str]:
    """Return the command lines in indented blocks, without their comments."""
    lines = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    return [line.partition("  #")[0].strip() for line in lines if line.split()[0] in PROGRAMS and " ─" not in line]


def inline_command_lines(text: str) -> list[str]:
    """Return the command lines in sentences and tables; tables of commands leave out `footlake`."""
    found = []
    for span in re.findall(r"`([^`\n]+)`", text):
        words = span.split()
        if len(words) < 2 or words[1] == "=":  # a setting, such as `database = weekly`
            continue
        if words[0] in PROGRAMS:
            found.append(span)
        elif words[0] in COMMANDS:
            found.append(f"footlake {span}")
    return found


def page_command_lines(page: str, heading: str = "") -> list[str]:
    """Return the command lines in blocks of a page, or of one of its sections."""
    text = PAGES[page]
    if heading:
        text = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return indented_command_lines(text)


def lines_to_type(lines: Iterable[str]) -> list[str]:
    """Return each line once, its placeholders replaced, without the lines that are run elsewhere."""
    selected = []
    for line in dict.fromkeys(lines):
        if line not in ELSEWHERE:
            for placeholder, value in PLACEHOLDERS.items():
                line = line.replace(placeholder, value)
            selected.append(f"{line} --yes" if line.endswith("teardown") else line)
    return selected


def run_in_shell(cli: Cli, lines: Iterable[str], **environment: str) -> str:
    """Run these lines in one shell, which ends at the first failure, and return their output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euxc", "\n".join(lines)],
        env=cli.environment(PATH=path, **environment),
        cwd=cli.home,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def aws_profile(cli: Cli) -> dict[str, str]:
    """A user's AWS profile and environment; the account is the local AWS, selected by its endpoint."""
    cli.json("local", "clock", "now")
    status = cli.json("local", "start")
    (cli.home / ".aws").mkdir(exist_ok=True)
    (cli.home / ".aws" / "config").write_text(PROFILE)
    return {"AWS_ENDPOINT_URL": status["endpoint"], "FOOTLAKE_API_URL": status["football_api"]}


def test_every_documented_command_line_is_run_or_listed_as_run_elsewhere() -> None:
    every = [line for text in PAGES.values() for line in indented_command_lines(text) + inline_command_lines(text)]
    others = {line for line in every if line.split()[0] not in ("footlake", "export", "SELECT")} - {"make demo"}
    assert others - ELSEWHERE.keys() == set()
    assert ELSEWHERE.keys() - set(every) == set()


def test_make_demo_runs_footlake_demo() -> None:
    assert re.search(
        r"^demo: \$\(DEMO_READY\).*\n\t\$\(BIN\)/footlake demo\n\n", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


@pytest.mark.thorough
def test_the_commands_of_the_local_pages_work(cli: Cli) -> None:
    run_in_shell(cli, lines_to_type(page_command_lines("README.md", "Try it on your machine")))
    (query,) = re.findall(r"^    (SELECT .*?);$", PAGES["docs/report.md"], re.MULTILINE | re.DOTALL)
    with (
        pymysql.connect(**cli.json("local", "status")["mysql"], ssl={"check_hostname": False}) as connection,
        connection.cursor() as cursor,
    ):
        assert cursor.execute(query) == 20
    local = lines_to_type(page_command_lines("docs/local-aws.md"))
    (rules,) = re.findall(r"^    \{\n.*?^    \}$", PAGES["docs/local-aws.md"], re.MULTILINE | re.DOTALL)
    (cli.home / "rules.json").write_text(rules)
    recording = next(number for number, line in enumerate(local) if line.startswith("footlake record"))
    faults = recording + 1
    run_in_shell(cli, ["footlake local start" if line == "footlake local stop" else line for line in local[:recording]])
    url = cli.json("local", "status")["football_api"]
    run_in_shell(cli, local[recording:faults], FOOTLAKE_API_URL=url, FOOTLAKE_API_KEY="any")
    run_in_shell(cli, [*local[faults:], "footlake local start --simulate", "footlake --local teardown --yes"])
    run_in_shell(cli, ["footlake local stop"])


@pytest.mark.thorough
def test_the_commands_of_the_aws_pages_and_the_inline_commands_work(cli: Cli, aws_profile: dict[str, str]) -> None:
    *first, teardown = page_command_lines("README.md", "Run it on AWS")
    assert teardown == "footlake teardown"
    pages = ("docs/report.md", "docs/api-quotas.md", "docs/model.md", "docs/leagues.md")
    blocks = [line for page in pages for line in page_command_lines(page) if not line.startswith("SELECT")]
    in_blocks = {one for text in PAGES.values() for line in indented_command_lines(text) for one in line.split(" && ")}
    inline = [
        line
        for text in PAGES.values()
        for line in inline_command_lines(text)
        if not {line, *lines_to_type([line])} & in_blocks
    ]
    read_model = "import json, sys; print(json.load(sys.stdin)['in_use'])"
    model = f'MODEL=$(footlake --output json models | python -c "{read_model}")'
    lines = [*lines_to_type(first), model, *lines_to_type([*blocks, *inline]), *lines_to_type([teardown])]
    run_in_shell(cli, lines, **aws_profile)


@pytest.mark.thorough
def test_the_commands_of_the_aws_tutorial_work(cli: Cli, aws_profile: dict[str, str]) -> None:
    run_in_shell(cli, lines_to_type(indented_command_lines(PAGES["docs/tutorial-aws.md"])), **aws_profile)


@pytest.mark.thorough
def test_the_json_output_has_the_documented_keys(cli: Cli) -> None:
    typed = indented_command_lines(PAGES["docs/tutorial-local.md"])
    *lines, teardown, stop = [line for line in typed if line.startswith(("footlake", "export FOOTLAKE_"))]
    more = (
        *("config", "policy", "policy --split policies", "transform-xgoals", "record recordings --season 2023"),
        *("database stop", "database start", "database status"),
        *("local football --plan free", "local football --well", "local clock now", "local start", "local status"),
        *("demo", "check"),
    )
    printed: set[str] = set()
    exported: dict[str, str] = {}
    weeks: list[dict[str, int]] = []
    for line in [*lines, *(f"footlake {words}" for words in more), *lines_to_type([teardown, stop])]:
        program, *words = [word for word in shlex.split(line) if word != "--local"]
        if program == "export":
            exported |= dict([words[0].split("=")])
            continue
        document = cli.json(*words, **exported)
        printed |= {" ".join(words[:2]), words[0]}
        weeks += [document["brought"]] if words[0] == "run-week" else []
    assert [week["statistics"] for week in weeks] == [10, 10]
    assert documented_keys().keys() - printed == set()
