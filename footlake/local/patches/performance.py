"""What moto works out anew for each request or object, though it stays the same."""

from __future__ import annotations

import functools
from typing import Any

from footlake.local.context import Local


def install(local: Local) -> None:
    """Quicken moto."""
    _quicken_moto()


@functools.cache
def _quicken_moto() -> None:
    """Once, as moto's classes are global."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from moto.s3.models import FakeKey

    # It looks through the folders of its program for each request.
    backend_for_host: Any = DomainDispatcherApplication.get_backend_for_host
    DomainDispatcherApplication.get_backend_for_host = functools.lru_cache()(backend_for_host)
    # A listing's times are written as text, read again and written again; what is a time is only written.
    FakeKey.last_modified_ISO8601 = property(lambda self: self.last_modified.replace(microsecond=0))
