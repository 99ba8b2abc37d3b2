"""API-Football v3 on this machine: its paths, its envelope, its headers, its quotas and its refusals.

The refusals are worded as the API words them, where a recorded or quoted answer shows how; it validates with
CodeIgniter, whose sentences stand in for the rest. https://www.api-football.com/documentation-v3
"""

from __future__ import annotations

import csv
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import format_datetime
from functools import cache
from http import HTTPStatus
from importlib import resources
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from zoneinfo import ZoneInfo

from footlake.errors import FootlakeError
from footlake.lake.s3_keys import Season
from footlake.local.football.source import Fixture, Source, kickoff_time

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_IDS = 20


@dataclass(frozen=True)
class ApiPlan:
    """What a subscription allows. `None` means no limit."""

    name: str
    per_day: int
    per_minute: int
    seasons: range | None = None
    ids: bool = True
    days_around: int | None = None
    """How far `date=` reaches from today, in days."""


PRO = ApiPlan("Pro", per_day=7500, per_minute=300)
FREE = ApiPlan("Free", per_day=100, per_minute=10, seasons=range(2022, 2025), ids=False, days_around=1)
PLANS = {plan.name.lower(): plan for plan in (PRO, FREE)}


class InvalidRequest(Exception):
    """The API answers with `errors`, nearly always under HTTP 200."""

    def __init__(self, errors: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK) -> None:
        super().__init__(errors)
        self.errors = errors
        self.status = status


def create_application(
    source: Source,
    clock: Callable[[], datetime],
    plan: ApiPlan = PRO,
    wall: Callable[[], float] = time.time,
    counts: RequestCounts | None = None,
) -> WSGIApplication:
    """The API as a WSGI application that answers from `source` as of `clock()`, an aware time.

    Quotas run by `wall`, real time in seconds since 1970; applications can share their `counts`. Safe to serve from
    several threads.
    """
    quota = _Quota(plan, counts or RequestCounts(wall))

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _Request(
            get=environ["PATH_INFO"].strip("/"),
            parameters=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
            key=environ.get("HTTP_X_APISPORTS_KEY") or environ.get("HTTP_X_RAPIDAPI_KEY") or "",
            now=clock().astimezone(UTC),
        )
        status, response, errors = HTTPStatus.OK, [], {}
        try:
            response = _answer(request, source, plan, quota)
        except InvalidRequest as refusal:
            status, errors = refusal.status, dict(refusal.errors)
        except FootlakeError as error:
            errors = {"source": f"{error.message} {error.hint}".strip()}
        body = json.dumps(_envelope(request, response, errors)).encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Date": format_datetime(request.now, usegmt=True),
            **quota.headers(),
        }
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [body]

    return serve


class FootballServer(ThreadingMixIn, WSGIServer):
    """The standard library's server: it leaves the application's Date alone, where werkzeug's adds the real one."""

    daemon_threads = True
    request_queue_size = 64


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def create_server(application: WSGIApplication, port: int = 0) -> FootballServer:
    """A threaded server of the API on 127.0.0.1, its port in `server_port`; it answers once in `serve_forever`.

    Port 0 takes any free one.
    """
    return make_server("127.0.0.1", port, application, FootballServer, _Quiet)


@dataclass(frozen=True)
class _Request:
    get: str
    parameters: dict[str, str]
    key: str
    now: datetime

    def integer(self, name: str) -> int | None:
        return int(self.parameters[name]) if name in self.parameters else None

    def day(self, name: str) -> date | None:
        return date.fromisoformat(self.parameters[name]) if name in self.parameters else None

    def several(self, name: str) -> list[str]:
        return [one for one in self.parameters.get(name, "").split("-") if one]

    @property
    def timezone(self) -> tzinfo:
        return ZoneInfo(self.parameters["timezone"]) if "timezone" in self.parameters else UTC


def _answer(request: _Request, source: Source, plan: ApiPlan, quota: _Quota) -> Any:
    """One request's way: the key, the quota, the endpoint, its parameters, the plan, and only then the football."""
    if not request.key:
        raise InvalidRequest(
            {
                "token": "Error/Missing application key. Go to https://www.api-football.com/documentation-v3 "
                "to learn how to get your API application key."
            }
        )
    if request.get == "status":  # the one call that costs nothing
        return _status(source, plan, quota, request.now)
    quota.spend()
    endpoint = _ENDPOINTS.get(request.get)
    if endpoint is None:
        raise InvalidRequest({"endpoint": "This endpoint do not exist."})
    _check(endpoint, request)
    _check_plan(plan, request)
    return endpoint.answer(request, source)


def _envelope(request: _Request, response: Any, errors: dict[str, str]) -> dict[str, Any]:
    page = 0 if "token" in errors else 1
    return {
        "get": request.get,
        "parameters": request.parameters or [],  # PHP's empty array
        "errors": errors or [],
        "results": len(response) if isinstance(response, list) else 1,
        "paging": {"current": page, "total": page},
        "response": response,
    }


# --- quotas ---------------------------------------------------------------------------------------------------------


class RequestCounts:
    """Requests of this real day (UTC) and minute."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._day = self._minute = 0
        self.lock = threading.Lock()
        self.today = self.this_minute = 0

    def turn(self) -> None:
        """Begin a new minute or day, if one has begun."""
        minute = int(self._wall() // 60)
        if minute != self._minute:
            self._minute, self.this_minute = minute, 0
        if minute // 1440 != self._day:
            self._day, self.today = minute // 1440, 0


class _Quota:
    """A plan's limits; what exceeds one is refused and not counted."""

    def __init__(self, plan: ApiPlan, counts: RequestCounts) -> None:
        self._plan = plan
        self._counts = counts

    def spend(self) -> None:
        with self._counts.lock:
            self._counts.turn()
            if self._counts.this_minute >= self._plan.per_minute:
                raise InvalidRequest(
                    {
                        "rateLimit": "Too many requests. You have exceeded the limit of requests per minute "
                        "of your subscription."
                    },
                    HTTPStatus.TOO_MANY_REQUESTS,
                )
            if self._counts.today >= self._plan.per_day:
                raise InvalidRequest(
                    {
                        "requests": "You have reached the request limit for the day, "
                        "Go to https://dashboard.api-football.com to upgrade your plan."
                    }
                )
            self._counts.today += 1
            self._counts.this_minute += 1

    def spent_today(self) -> int:
        with self._counts.lock:
            self._counts.turn()
            return self._counts.today

    def headers(self) -> dict[str, str]:
        with self._counts.lock:
            self._counts.turn()
            return {
                "x-ratelimit-requests-limit": str(self._plan.per_day),
                "x-ratelimit-requests-remaining": str(max(0, self._plan.per_day - self._counts.today)),
                "X-RateLimit-Limit": str(self._plan.per_minute),
                "X-RateLimit-Remaining": str(max(0, self._plan.per_minute - self._counts.this_minute)),
            }


# --- parameters -----------------------------------------------------------------------------------------------------

Check = Callable[[str, str], str | None]
"""(the field's name as the API spells it, the value) to what is wrong with it."""


def _integer(name: str, value: str) -> str | None:
    return None if re.fullmatch(r"[0-9]{1,18}", value) else f"The {name} field must contain an integer."


def _year(name: str, value: str) -> str | None:
    if wrong := _integer(name, value):
        return wrong
    if len(value) < 4:
        return f"The {name} field must be at least 4 characters in length."
    return f"The {name} field cannot exceed 4 characters in length." if len(value) > 4 else None


def _day(name: str, value: str) -> str | None:
    try:
        valid = date.fromisoformat(value).isoformat() == value  # it reads 20200912 and 2020-W37-6 as well
    except ValueError:
        valid = False
    return None if valid else f"The {name} field must contain a valid date."


def _ids(name: str, value: str) -> str | None:
    ids = value.split("-")
    if any(_integer(name, one) for one in ids):
        return f"The {name} field is not in the correct format."
    return f"The {name} field cannot exceed {MAX_IDS} ids." if len(ids) > MAX_IDS else None


def _statuses(name: str, value: str) -> str | None:
    return None if re.fullmatch(r"\w+(-\w+)*", value) else f"The {name} field is not in the correct format."


def _timezone(name: str, value: str) -> str | None:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        return f"The {name} field must be a valid timezone."
    return None


@dataclass(frozen=True)
class _Endpoint:
    answer: Callable[[_Request, Source], list[Any]]
    fields: Mapping[str, Check]
    missing: Callable[[set[str]], dict[str, str]] = field(default=lambda given: {})
    """From the names of the parameters that were given, the errors about those that were not."""


def _check(endpoint: _Endpoint, request: _Request) -> None:
    given = request.parameters
    errors = endpoint.missing(set(given))
    for name, value in given.items():
        check = endpoint.fields.get(name)
        if check is None:
            errors[name] = f"The {_title(name)} field do not exist."
        elif wrong := check(_title(name), value):
            errors[name] = wrong
    if errors:
        raise InvalidRequest(errors)


def _title(name: str) -> str:
    return name.capitalize()


def _required(*names: str) -> dict[str, str]:
    return {name: f"The {_title(name)} field is required." for name in names}


_NOTHING_GIVEN = {"required": "At least one parameter is required."}


def _missing_for_fixtures(given: set[str]) -> dict[str, str]:
    if not given:
        return dict(_NOTHING_GIVEN)
    if given & {"id", "ids"}:
        return {}
    if given & {"league", "team"}:
        errors = _required(*{"season"} - given)
    elif "date" in given:
        errors = {}
    else:
        lonely = sorted(given & {"season", "from", "to", "status", "timezone"})
        return {name: f"The {_title(name)} field need another parameter." for name in lonely}
    if len(given & {"from", "to"}) == 1:
        errors |= _required(*{"from", "to"} - given)
    return errors


def _missing_for_statistics(given: set[str]) -> dict[str, str]:
    return _required(*{"fixture"} - given)


def _missing_for_teams(given: set[str]) -> dict[str, str]:
    return _required(*sorted({"league", "season"} - given)) if given else dict(_NOTHING_GIVEN)


def _check_plan(plan: ApiPlan, request: _Request) -> None:
    def refuse(what: str) -> InvalidRequest:
        return InvalidRequest({"plan": f"{plan.name} plans do not have access to {what}"})

    if "ids" in request.parameters and not plan.ids:
        raise refuse("the Ids parameter.")
    season = request.integer("season")
    if season is not None and plan.seasons is not None and season not in plan.seasons:
        raise refuse(f"this season, try from {plan.seasons[0]} to {plan.seasons[-1]}.")
    day = request.day("date")
    if day is not None and plan.days_around is not None:
        reach = timedelta(days=plan.days_around)
        first, last = request.now.date() - reach, request.now.date() + reach
        if not first <= day <= last:
            raise refuse(f"this date, try from {first} to {last}.")


# --- endpoints ------------------------------------------------------------------------------------------------------


def _status(source: Source, plan: ApiPlan, quota: _Quota, now: datetime) -> dict[str, Any]:
    return {
        "account": {"firstname": "footlake", "lastname": "local", "email": ""},
        "subscription": {"plan": plan.name, "end": (now + timedelta(days=365)).isoformat(), "active": True},
        "requests": {"current": quota.spent_today(), "limit_day": plan.per_day},
        "source": source.label,
    }


def _fixtures(request: _Request, source: Source) -> list[Fixture]:
    """Fixtures by date; those asked for by `ids` with all that belongs to them."""
    timezone, now = request.timezone, request.now
    ids = [int(one) for one in request.several("ids")]
    if "id" in request.parameters:
        ids.append(int(request.parameters["id"]))
    if ids:
        found = [fixture for one in dict.fromkeys(ids) if (fixture := source.fixture(one, now))]
    else:
        found = [fixture for season in _seasons(request, source) for fixture in source.fixtures(*season, now)]
    team, statuses = request.integer("team"), request.several("status")
    day, first, last = request.day("date"), request.day("from"), request.day("to")

    def asked_for(fixture: Fixture) -> bool:
        played_on = kickoff_time(fixture).astimezone(timezone).date()
        return (
            (team is None or team in (side["id"] for side in fixture["teams"].values()))
            and (not statuses or fixture["fixture"]["status"]["short"] in statuses)
            and (day is None or played_on == day)
            and (first is None or played_on >= first)
            and (last is None or played_on <= last)
        )

    answer = [_in_timezone(fixture, request) for fixture in sorted(filter(asked_for, found), key=kickoff_time)]
    if ids:
        for fixture in answer:
            fixture |= {
                "events": [],
                "lineups": [],
                "statistics": source.statistics(fixture["fixture"]["id"], now),
                "players": [],
            }
    return answer


def _seasons(request: _Request, source: Source) -> Iterable[Season]:
    """The seasons in which to look for what was asked."""
    league, year, day = request.integer("league"), request.integer("season"), request.day("date")
    if league is not None and year is not None:
        return [Season(league, year)]
    return [
        season
        for season in source.seasons(request.now)
        if year in (None, season.year) and (day is None or season.year <= day.year <= season.year + 1)
    ]


def _in_timezone(fixture: Fixture, request: _Request) -> Fixture:
    date = kickoff_time(fixture).astimezone(request.timezone).isoformat()
    name = request.parameters.get("timezone", "UTC")
    return fixture | {"fixture": fixture["fixture"] | {"timezone": name, "date": date}}


def _statistics(request: _Request, source: Source) -> list[Any]:
    team = request.integer("team")
    statistics = source.statistics(int(request.parameters["fixture"]), request.now)
    return [one for one in statistics if team in (None, one["team"]["id"])]


def _leagues(request: _Request, source: Source) -> list[Any]:
    """Leagues with their seasons; a season is current from its first match until the next one's."""
    now, wanted, year = request.now, request.integer("id"), request.integer("season")
    years: dict[int, list[int]] = {}
    for season in source.seasons(now):
        if wanted in (None, season.league) and year in (None, season.year):
            years.setdefault(season.league, []).append(season.year)
    answer = []
    for league, seasons in years.items():
        fixtures = {year: source.fixtures(league, year, now) for year in seasons}
        begun = [year for year in seasons if kickoff_time(fixtures[year][0]) <= now]
        about = fixtures[seasons[-1]][0]["league"]
        flag = about.get("flag")
        answer.append(
            {
                "league": {"id": league, "name": about["name"], "type": "League", "logo": about.get("logo")},
                "country": {
                    "name": about.get("country"),
                    "code": flag.rsplit("/", 1)[-1].removesuffix(".svg").upper() if flag else None,
                    "flag": flag,
                },
                "seasons": [
                    {
                        "year": year,
                        "start": str(kickoff_time(fixtures[year][0]).date()),
                        "end": str(kickoff_time(fixtures[year][-1]).date()),
                        "current": year == max(begun, default=seasons[0]),
                        "coverage": _COVERAGE,
                    }
                    for year in seasons
                ],
            }
        )
    return answer


_COVERAGE = {
    "fixtures": {"events": False, "lineups": False, "statistics_fixtures": True, "statistics_players": False},
    **dict.fromkeys(
        ("standings", "players", "top_scorers", "top_assists", "top_cards", "injuries", "predictions", "odds"), False
    ),
}


def _teams(request: _Request, source: Source) -> list[Any]:
    """The teams of a season, each with the ground of its home matches."""
    fixtures = source.fixtures(int(request.parameters["league"]), int(request.parameters["season"]), request.now)
    teams = {
        fixture["teams"]["home"]["id"]: {
            "team": {
                "id": fixture["teams"]["home"]["id"],
                "name": fixture["teams"]["home"]["name"],
                "code": _codes().get(fixture["teams"]["home"]["id"]),
                "country": fixture["league"].get("country"),
                "founded": None,
                "national": False,
                "logo": fixture["teams"]["home"].get("logo"),
            },
            "venue": {
                **fixture["fixture"]["venue"],
                **dict.fromkeys(("address", "capacity", "surface", "image")),
            },
        }
        for fixture in fixtures
    }
    return [teams[one] for one in sorted(teams)]


@cache
def _codes() -> dict[int, str]:
    text = resources.files("footlake").joinpath("data/teamcodes.csv").read_text(encoding="utf-8")
    return {int(row["idTeam"]): row["code"] for row in csv.DictReader(text.splitlines())}


_ENDPOINTS = {
    "fixtures": _Endpoint(
        _fixtures,
        {
            "id": _integer,
            "ids": _ids,
            "league": _integer,
            "season": _year,
            "from": _day,
            "to": _day,
            "date": _day,
            "team": _integer,
            "status": _statuses,
            "timezone": _timezone,
        },
        _missing_for_fixtures,
    ),
    "fixtures/statistics": _Endpoint(_statistics, {"fixture": _integer, "team": _integer}, _missing_for_statistics),
    "leagues": _Endpoint(_leagues, {"id": _integer, "season": _year}),
    "teams": _Endpoint(_teams, {"league": _integer, "season": _year}, _missing_for_teams),
}
