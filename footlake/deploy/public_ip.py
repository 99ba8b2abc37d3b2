"""Find the public IP address of this machine, the only one from which MySQL accepts connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from footlake.aws import AwsContext
from footlake.config import variable_name
from footlake.errors import FootlakeError

CHECK_IP_URL = "https://checkip.amazonaws.com"


def public_address() -> str:
    """Ask AWS for the public IPv4 address of this machine."""
    import requests

    try:
        answer = requests.get(CHECK_IP_URL, timeout=10)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise FootlakeError(
            f"Could not determine the public IP address of this machine: {type(error).__name__}.",
            f"Set it yourself, for example {variable_name('client_address')}=203.0.113.7/32",
        ) from None
    return answer.text.strip()


def with_client_address(aws: AwsContext, address: Callable[[], str] = public_address) -> None:
    """Set `client_address` to the public address of this machine, unless the settings have one or need none."""
    if not aws.config.client_address and aws.config.database != "none":
        aws.config = replace(aws.config, client_address=f"{address()}/32")
