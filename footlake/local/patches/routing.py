"""moto's server: choose the service of a host name faster."""

from __future__ import annotations

import functools

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

# moto lists the folders of its package for each request.
get_backend_for_host = functools.lru_cache()(DomainDispatcherApplication.get_backend_for_host)


def install() -> None:
    """Cache the service of each host name."""
    DomainDispatcherApplication.get_backend_for_host = get_backend_for_host
