"""Amazon EC2: idempotent creation of VPC endpoints."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from footlake.local.patches.methods import replace_methods

original_create_vpc_endpoint = EC2Backend.create_vpc_endpoint


def install() -> None:
    """Replace moto's method."""
    replace_methods(EC2Backend, create_vpc_endpoint)


def create_vpc_endpoint(self: Any, *args: Any, client_token: str | None = None, **kwargs: Any) -> Any:
    """Create a VPC endpoint, or return the one that was created with the same client token."""
    for endpoint in self.vpc_end_points.values() if client_token else ():
        if endpoint.client_token == client_token:
            return endpoint
    return original_create_vpc_endpoint(self, *args, client_token=client_token, **kwargs)
