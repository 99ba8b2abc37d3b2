"""One local AWS inside the test process, for what is tested below the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from footlake.local.context import Local
from footlake.local.server import LocalAws


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """The whole server, every executor attached."""
    aws = LocalAws(tmp_path_factory.mktemp("aws"), 0)
    aws.start()
    yield aws.local
    aws.close()


@pytest.fixture(scope="session")
def client(local_aws: Local) -> Any:
    """Clients of the local AWS by service."""
    return local_aws.client
