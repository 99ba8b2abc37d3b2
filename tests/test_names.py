"""Every service accepts the names that are derived from the lake's name."""

from __future__ import annotations

import pytest

from tests.conftest import Cli


@pytest.mark.thorough
@pytest.mark.parametrize("lake", ["9a", "z--9" + "0-" * 12 + "zz"], ids=["shortest", "longest"])
def test_every_service_accepts_the_shortest_and_the_longest_name(cli: Cli, lake: str) -> None:
    settings = {"FOOTLAKE_LAKE": lake, "FOOTLAKE_ALERT_EMAIL": "anna@example.org", "AWS_REGION": "ap-southeast-2"}
    for command in ("bootstrap", "teardown --yes"):
        result = cli("--local", *command.split(), **settings)
        assert result.returncode == 0, result.stderr
    assert result.stdout.rstrip().endswith("Nothing is left.")
