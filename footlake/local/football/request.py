"""A request to the local football API, and the error that rejects it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from http import HTTPStatus
from zoneinfo import ZoneInfo


class RequestRejected(Exception):
    """The API answers with `errors`, under HTTP 200 unless `status` says otherwise."""

    def __init__(self, errors: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK) -> None:
        super().__init__(errors)
        self.errors = errors
        self.status = status


@dataclass(frozen=True)
class ApiRequest:
    """A request: its path without slashes at the ends, its parameters, its key, and the football time (UTC).

    The methods read a parameter that has been validated; None or an empty list if it was not given.
    """

    path: str
    parameters: dict[str, str]
    key: str
    now: datetime

    def integer(self, name: str) -> int | None:
        return int(self.parameters[name]) if name in self.parameters else None

    def day(self, name: str) -> date | None:
        return date.fromisoformat(self.parameters[name]) if name in self.parameters else None

    def values(self, name: str) -> list[str]:
        """Return the values of a parameter that takes several, separated by hyphens."""
        return [value for value in self.parameters.get(name, "").split("-") if value]

    @property
    def timezone(self) -> tzinfo:
        return ZoneInfo(self.parameters["timezone"]) if "timezone" in self.parameters else UTC
