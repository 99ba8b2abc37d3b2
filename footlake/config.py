"""The settings, and every name that follows from them. Flag before environment before file before default."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from footlake.errors import FootlakeError

CONFIG_FILE = "footlake.toml"
TAG = "footlake"


@dataclass(frozen=True)
class Config:
    """The settings of one lake. `account` and `region` are filled in once AWS has told them."""

    lake: str = "footlake"
    leagues: tuple[int, ...] = (39,)
    seasons: tuple[int, ...] = (2020,)
    api_url: str = "https://v3.football.api-sports.io"
    api_key: str = ""
    recordings: str = ""
    local_dir: str = "~/.footlake/local"
    max_candidates: int = 10
    max_runtime: int = 3600
    glue_workers: int = 2
    transform_instance: str = "ml.m5.large"
    client_address: str = ""
    mysql_ca: str = ""
    alert_email: str = ""
    budget: int = 30
    as_documented: bool = False
    account: str = ""
    region: str = ""

    @property
    def season(self) -> int:
        """The latest of the seasons."""
        return max(self.seasons)

    @property
    def bucket(self) -> str:
        """The data lake: globally unique, and the same from any machine."""
        return f"{self.lake}-{self.account}-{self.region}"

    @property
    def assets_bucket(self) -> str:
        """Where Glue Studio keeps scripts, logs and temporary files."""
        return f"aws-glue-assets-{self.account}-{self.region}"

    @property
    def api_key_parameter(self) -> str:
        """The SSM parameter that holds the football API's key."""
        return f"/{self.lake}/api-football-key"

    @property
    def administrators_parameter(self) -> str:
        """The SSM parameter that lists the data lake administrators that footlake added."""
        return f"/{self.lake}/data-lake-administrators"

    @property
    def mysql_password_parameter(self) -> str:
        """The SSM parameter that holds the database's password."""
        return f"/{self.lake}/mysql-password"

    # The document's own names.
    database = "awsdataengineerprojectdatabase"
    connection = "mysqldbconnection"
    mysql_instance = "rds-mysql"
    mysql_database = "mysqldb"
    mysql_user = "admin"
    model = "xGoals"
    lambda_role = "LambdaFullAccessToS3"
    glue_role = "GlueRole"
    sagemaker_role = "SageMakerExecutionRole"

    @property
    def tags(self) -> dict[str, str]:
        """What marks a resource as this lake's."""
        return {TAG: self.lake}

    def weekly(self, time: str, days: str = "TUE") -> str:
        """The document's schedule: `time` is cron's minutes and hours (UTC), its years are the seasons'."""
        return f"cron({time} ? * {days} {min(self.seasons)}-{self.season + 1})"


# Settings that people give; the environment variable is FOOTLAKE_ and the name in capitals.
SETTINGS = tuple(field.name for field in fields(Config) if field.name not in ("account", "region"))
# A single league and season is the usual case, and reads better so.
_ALIASES = {"league": "leagues", "season": "seasons"}
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


DEFAULT, FLAG = "default", "flag"
CLOSE = 0.8  # how alike a misspelt variable and a setting are, at least


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Config:
    """The settings of this run. FootlakeError for a file that cannot be read, an unknown name or a bad value."""
    return replace(Config(), **{name: value for name, (value, _) in explicit_settings(file, environ, flags).items()})


def explicit_settings(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> dict[str, tuple[Any, str]]:
    """The settings that are not left at their defaults, and where each came from: file, variable or flag."""
    values: dict[str, tuple[Any, str]] = {}
    path = file or Path(CONFIG_FILE)
    if file or path.exists():
        values |= {name: (value, str(path)) for name, value in _checked(_read(path), str(path)).items()}
    named = {name: f"FOOTLAKE_{name.upper()}" for name in (*SETTINGS, *_ALIASES)}
    _check_names(environ)
    _only_once({name: variable for name, variable in named.items() if environ.get(variable)})
    values |= {
        _ALIASES.get(name, name): (_convert(_ALIASES.get(name, name), environ[variable], variable), variable)
        for name, variable in named.items()
        if environ.get(variable)
    }
    options = {name: "--dir" if name == "local_dir" else f"--{name.replace('_', '-')}" for name in flags}
    return values | {
        name: (_convert(name, value, options[name]) if isinstance(value, str) else value, FLAG)
        for name, value in flags.items()
        if value not in (None, ())
    }


def _only_once(given: Mapping[str, str]) -> None:
    """Refuse a setting under both of its names; `given` has what each name is called where it is given."""
    for short, name in _ALIASES.items():
        if short in given and name in given:
            raise FootlakeError(f"{given[short]} and {given[name]} are the same setting.", "Take one of them away.")


def _check_names(environ: Mapping[str, str]) -> None:
    """Refuse a variable that is nearly a setting's; others may be options, or the local AWS's own."""
    known = [name.upper() for name in (*SETTINGS, *_ALIASES)]
    for variable in environ:
        name = variable.removeprefix("FOOTLAKE_")
        if name != variable and name not in known and (close := difflib.get_close_matches(name, known, 1, CLOSE)):
            raise FootlakeError(f"There is no setting {variable}.", f"Did you mean FOOTLAKE_{close[0]}?")


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FootlakeError(f"Cannot read {path}: {error.strerror}.", "Check --config.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FootlakeError(f"{path} is not valid TOML: {error}.", "A line of it looks like: season = 2026") from None


def _checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    _only_once({name: f"{name} in {where}" for name in values})
    for name, value in values.items():
        if isinstance(value, dict):
            raise FootlakeError(
                f"{where} has a table: [{name}].",
                "Settings go without one: take that line away, season = 2026 will do.",
            )
        known = _ALIASES.get(name, name)
        if known not in SETTINGS:
            close = difflib.get_close_matches(name, (*SETTINGS, *_ALIASES), 1)
            hint = f"Did you mean {close[0]}?" if close else f"Settings are: {', '.join(SETTINGS)}."
            raise FootlakeError(f"{where} has an unknown setting: {name}.", hint)
        text = ",".join(str(one) for one in value) if isinstance(value, list) else str(value)
        checked[known] = _convert(known, text, f"{name} in {where}")
    return checked


def _convert(name: str, text: str, where: str) -> Any:
    default = getattr(Config(), name)
    expected, allowed = _EXPECTED.get(name, _ANYTHING)
    try:
        if isinstance(default, tuple):
            value: Any = tuple(dict.fromkeys(int(number) for number in text.split(",")))
        elif isinstance(default, bool):
            value = _BOOLEANS[text.lower()]
        else:
            value = _READ.get(name, type(default))(text)
        if allowed(value):
            return value
    except (ValueError, KeyError, OSError, RuntimeError):
        pass
    shown = "not one" if name == "api_key" else repr(text)  # what is nearly a key is a secret, too
    raise FootlakeError(f"{where} is {shown}.", f"It takes {expected}.")


def _network(text: str) -> str:
    """As EC2 writes a range of addresses: a single one is a range, too."""
    import ipaddress

    return str(ipaddress.IPv4Network(text)) if text else ""


def _vouches(file: str) -> bool:
    """Whether the file has certificates to believe; OSError or ValueError otherwise."""
    import ssl

    if file:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=Path(file).expanduser().read_text())
    return True


# How a setting is read that is not simply a text or a number.
_READ: dict[str, Callable[[str], Any]] = {"client_address": _network}
# What a setting takes, in words and as a test, which may also raise: RuntimeError for the home of a user who is not.
_ANYTHING: tuple[str, Callable[[Any], bool]] = ("text", lambda _: True)
_PATH: tuple[str, Callable[[Any], bool]] = ("a path", lambda path: bool(Path(path).expanduser()))
_EXPECTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "lake": (
        "2 to 30 small letters, digits and hyphens, as it begins a bucket's name",
        lambda lake: bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,28}[a-z0-9]", lake)),
    ),
    "leagues": ("league ids such as 39 or 39,140", lambda leagues: all(league > 0 for league in leagues)),
    "seasons": (
        "the year in which the season begins, a whole number from 1970 to 2198, or several such as 2025,2026",
        lambda years: all(1970 <= year < 2199 for year in years),  # a schedule's years end with 2199
    ),
    "api_url": (
        "an address that begins with http:// or https://",
        lambda url: bool(re.fullmatch(r"https?://[!-~]+", url)),
    ),
    "api_key": (
        "a key as API-Football shows it: letters, digits and signs of ASCII without blanks",
        lambda key: bool(re.fullmatch(r"[!-~]*", key)),
    ),
    "alert_email": (
        "an e-mail address such as anna@example.org",
        lambda address: not address or bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", address)),
    ),
    "recordings": _PATH,
    "local_dir": ("a path", lambda path: bool(path and Path(path).expanduser())),
    "client_address": ("an IPv4 address or range, such as 203.0.113.7 or 203.0.113.0/24", lambda _: True),
    "mysql_ca": ("a file of certificates in PEM form", _vouches),
    "transform_instance": (
        "an instance type of SageMaker's, such as ml.m5.large",
        lambda name: bool(re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", name)),
    ),
    "max_candidates": ("a whole number from 1 to 750", lambda number: 1 <= number <= 750),
    "max_runtime": ("a whole number of seconds, at least 60", lambda seconds: seconds >= 60),
    "glue_workers": ("a whole number from 2 to 100", lambda number: 2 <= number <= 100),
    "budget": ("a whole number of USD, at least 1", lambda amount: amount >= 1),
    "as_documented": ("true or false", lambda _: True),
}
