"""The parsed API call that the checks receive, and the exception that they raise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class ServiceRejection(Exception):
    """An error response of an AWS service.

    `code` and `message` are those of AWS. `status` is the HTTP status, or None to take it from the service model.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class ApiCall:
    """An operation and its parameters. `access_key` is the id of the key that signed the request."""

    service: str
    operation: str
    account: str
    region: str
    parameters: Mapping[str, Any]
    access_key: str = ""
