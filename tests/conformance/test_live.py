"""The acceptance run for AWS accounts (tests.live) on the local AWS, whole, and on ministack up to the ingestion."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.conftest import REGION, RecordedCli
from tests.conftest import ROOT
from tests.live.transcript import Transcript

SECONDS = 300.0


def run_live(folder: Path, variables: Mapping[str, str], *options: str) -> tuple[int, str, str]:
    """Run the acceptance in `folder`. Return its exit code, its output and the transcript, empty without one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FOOTLAKE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.live", *options],
        env={**environment, "PYTHONPATH": str(ROOT), "AWS_DEFAULT_REGION": REGION, **variables},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    transcripts = [file.read_text(encoding="utf-8") for file in folder.glob("live-*.txt")]
    return done.returncode, done.stdout + done.stderr, "".join(transcripts)


def test_without_the_variable_nothing_is_created(tmp_path: Path) -> None:
    code, output, transcript = run_live(tmp_path, {})
    assert (code, transcript) == (2, "")
    assert "Set FOOTLAKE_LIVE=yes to allow it." in output


def test_without_credentials_a_sentence_says_so(tmp_path: Path) -> None:
    nowhere = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", "FOOTLAKE_LIVE": "yes"}
    code, output, transcript = run_live(tmp_path, nowhere, "--yes")
    assert (code, transcript) == (1, "")
    assert output == "Cannot sign in to AWS: Unable to locate credentials. Set AWS_PROFILE and AWS_REGION.\n"


@pytest.mark.parametrize("lake", ["locked"], indirect=True)
def test_the_acceptance_passes_on_ministack_up_to_the_ingestion(lake: RecordedCli, tmp_path: Path) -> None:
    variables = {**lake.variables, "HOME": str(tmp_path), "FOOTLAKE_LIVE": "yes"}
    code, output, transcript = run_live(tmp_path, variables, "--yes", "--to", "ingest-stats", "--correct-emulators")
    assert code == 0, output[-3000:]
    assert "ok: teardown leaves nothing (nothing)" in transcript
    for secret in (variables["FOOTLAKE_API_KEY"], variables["AWS_SECRET_ACCESS_KEY"], "anna@example.org"):
        assert secret not in transcript


def test_the_acceptance_passes_whole_on_the_local_aws(settings: dict[str, str], tmp_path: Path) -> None:
    from footlake.local.context import CREDENTIALS

    (tmp_path / ".cache").symlink_to(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"))
    cli = RecordedCli(Path(sys.executable), tmp_path, (), settings)
    try:
        cli.json("local", "start")
        endpoint = cli.json("local", "status")["endpoint"]
        keys = {name.upper(): value for name, value in CREDENTIALS.items()}
        variables = {**settings, **keys, "HOME": str(tmp_path), "AWS_ENDPOINT_URL": endpoint, "FOOTLAKE_LIVE": "yes"}
        code, output, transcript = run_live(tmp_path, variables, "--yes")
    finally:
        cli("local", "stop")
    assert code == 0, output[-3000:]
    assert "ok: the report has a table with expected points" in transcript
    assert "sagemaker:CreateAutoMLJobV2 200" in transcript


def test_a_transcript_has_no_secrets(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.txt", {"top-secret": "FOOTLAKE_API_KEY", "210987654321": "123456789012"})
    transcript.lines(
        ["top-secret", "arn:aws:iam::210987654321:user/anna", "AKIAIOSFODNN7EXAMPLE", "8.8.4.4", "a@b.org"]
    )
    assert transcript.file.read_text(encoding="utf-8").split() == [
        *("FOOTLAKE_API_KEY", "arn:aws:iam::123456789012:user/anna", "ACCESS-KEY", "203.0.113.7"),
        "someone@example.org",
    ]
