"""This machine's public address, which alone is let in to MySQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from footlake.aws import AwsContext
from footlake.config import variable_name
from footlake.errors import FootlakeError

SERVICE = "https://checkip.amazonaws.com"


def public_address() -> str:
    """This machine's address as AWS sees it."""
    import requests

    try:
        answer = requests.get(SERVICE, timeout=10)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise FootlakeError(
            f"Could not find out this machine's public address: {type(error).__name__}.",
            f"Set it: {variable_name('client_address')}=203.0.113.7/32",
        ) from None
    return answer.text.strip()


def with_client_address(aws: AwsContext, address: Callable[[], str] = public_address) -> None:
    """Let the lake's settings say which address is let in: this machine's, if nothing else was set."""
    if not aws.config.client_address:
        aws.config = replace(aws.config, client_address=f"{address()}/32")
