"""Tests of CliContext: it does not change, and the user's AWS settings do not affect calls to the local AWS."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError

import pytest

from footlake.cli_context import CliContext
from footlake.errors import FootlakeCommand, Hint


def test_options_of_a_command_make_a_new_context() -> None:
    cli = CliContext()
    changed = cli.with_overrides(max_runtime=60).with_output_format("csv")
    assert (changed.config.max_runtime, changed.output.format) == (60, "csv")
    assert cli.config.max_runtime != 60
    assert cli.output.format == "text"
    with pytest.raises(FrozenInstanceError):
        cli.local = True  # type: ignore[misc]


def test_a_hint_repeats_the_options_that_select_the_lake() -> None:
    cli = CliContext(local=True, lake_options=" --region eu-west-3")
    hint = Hint("Run ", FootlakeCommand("bootstrap"), " first.")
    assert cli.format_hint(hint) == "Run footlake --local --region eu-west-3 bootstrap first."


def test_the_local_session_ignores_the_environment_and_does_not_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "http://127.0.0.1:9"
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, elsewhere)
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another account's")
    before = dict(os.environ)
    session = CliContext(local=True)._new_session()
    client = session.client("s3", endpoint_url="http://127.0.0.1:8")
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:8", "us-east-1")
    assert client.meta.config.proxies == {}
    assert session.get_credentials().token is None
    assert dict(os.environ) == before
