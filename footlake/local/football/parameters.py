"""Validate the query parameters of the local football API, with the API's error messages.

The messages are those of recorded or quoted responses where there are any. The API validates with CodeIgniter, whose
messages are used for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

from footlake.local.football.request import RequestRejected

MAX_IDS = 20

ParameterCheck = Callable[[str, str], str | None]
"""From a parameter's name as the API spells it in messages and its value to an error message, or None if valid."""


class ParameterRules(NamedTuple):
    """The parameters that an endpoint accepts, and the errors about parameters that are missing.

    `find_missing` gets the names of the given parameters and returns messages by parameter name.
    """

    checks: Mapping[str, ParameterCheck]
    find_missing: Callable[[set[str]], dict[str, str]] = lambda given: {}

    def validate(self, parameters: Mapping[str, str]) -> None:
        """Raise RequestRejected with a message for each parameter that is missing, unknown or invalid."""
        errors = self.find_missing(set(parameters))
        for name, value in parameters.items():
            check = self.checks.get(name)
            if check is None:
                errors[name] = f"The {name.capitalize()} field do not exist."
            elif message := check(name.capitalize(), value):
                errors[name] = message
        if errors:
            raise RequestRejected(errors)


def check_integer(name: str, value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{1,18}", value) else f"The {name} field must contain an integer."


def check_year(name: str, value: str) -> str | None:
    if message := check_integer(name, value):
        return message
    if len(value) < 4:
        return f"The {name} field must be at least 4 characters in length."
    return f"The {name} field cannot exceed 4 characters in length." if len(value) > 4 else None


def check_day(name: str, value: str) -> str | None:
    try:
        valid = date.fromisoformat(value).isoformat() == value  # fromisoformat also reads 20200912 and 2020-W37-6
    except ValueError:
        valid = False
    return None if valid else f"The {name} field must contain a valid date."


def check_ids(name: str, value: str) -> str | None:
    ids = value.split("-")
    if any(check_integer(name, fixture_id) for fixture_id in ids):
        return f"The {name} field is not in the correct format."
    return f"The {name} field cannot exceed {MAX_IDS} ids." if len(ids) > MAX_IDS else None


def check_statuses(name: str, value: str) -> str | None:
    return None if re.fullmatch(r"\w+(-\w+)*", value) else f"The {name} field is not in the correct format."


def check_timezone(name: str, value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        return f"The {name} field must be a valid timezone."
    return None


_NO_PARAMETER = {"required": "At least one parameter is required."}


def find_missing_for_fixtures(given: set[str]) -> dict[str, str]:
    if not given:
        return dict(_NO_PARAMETER)
    if given & {"id", "ids"}:
        return {}
    if given & {"league", "team"}:
        errors = _required({"season"} - given)
    elif "date" in given:
        errors = {}
    else:
        incomplete = sorted(given & {"season", "from", "to", "status", "timezone"})
        return {name: f"The {name.capitalize()} field need another parameter." for name in incomplete}
    if len(given & {"from", "to"}) == 1:
        errors |= _required({"from", "to"} - given)
    return errors


def find_missing_for_statistics(given: set[str]) -> dict[str, str]:
    return _required({"fixture"} - given)


def find_missing_for_standings(given: set[str]) -> dict[str, str]:
    if not given:
        return dict(_NO_PARAMETER)
    if not given & {"league", "team"}:
        return {"season": "The Season field need another parameter."} if "season" in given else _required({"season"})
    return _required({"season"} - given)


def find_missing_for_teams(given: set[str]) -> dict[str, str]:
    return _required({"league", "season"} - given) if given else dict(_NO_PARAMETER)


def _required(names: set[str]) -> dict[str, str]:
    return {name: f"The {name.capitalize()} field is required." for name in sorted(names)}
