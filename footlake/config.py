"""Settings, the resource names derived from them, and the names of footlake's environment variables.

A flag overrides an environment variable, which overrides the settings file, which overrides the default.
footlake.handlers.variables has the environment variables of the Lambda functions.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from footlake.errors import FootlakeError

CONFIG_FILE = "footlake.toml"
TAG = "footlake"
DEFAULT, FLAG = "default", "flag"  # origins of a setting, next to the names of files and variables

VARIABLE_PREFIX = "FOOTLAKE_"
# Variables that only the local AWS reads.
MYSQLD_VARIABLE = "FOOTLAKE_MYSQLD"
LOCAL_ACCOUNT_PLAN_VARIABLE = "FOOTLAKE_LOCAL_ACCOUNT_PLAN"
LOCAL_QUOTAS_VARIABLE = "FOOTLAKE_LOCAL_QUOTAS"
LOCAL_SETTLE_SECONDS_VARIABLE = "FOOTLAKE_LOCAL_SETTLE_SECONDS"

DatabaseMode = Literal["always", "weekly", "none"]
"""When the MySQL database runs."""


@dataclass(frozen=True)
class Config:
    """The settings of one data lake. `account` and `region` are those of the AWS session, and empty before it."""

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
    max_monthly_cost: float | None = None
    database: DatabaseMode = "always"
    as_documented: bool = False
    account: str = ""
    region: str = ""

    @property
    def season(self) -> int:
        """The latest season."""
        return max(self.seasons)

    @property
    def bucket(self) -> str:
        """The bucket of the data lake. Bucket names are unique over all AWS accounts."""
        return f"{self.lake}-{self.account}-{self.region}"

    @property
    def assets_bucket(self) -> str:
        """The bucket in which Glue Studio keeps scripts, logs and temporary files."""
        return f"aws-glue-assets-{self.account}-{self.region}"

    @property
    def api_key_parameter(self) -> str:
        """The SSM parameter with the key for API-Football."""
        return f"/{self.lake}/api-football-key"

    @property
    def administrators_parameter(self) -> str:
        """The SSM parameter that lists the data lake administrators that footlake added."""
        return f"/{self.lake}/data-lake-administrators"

    @property
    def failed_events_queue(self) -> str:
        """The SQS queue for events that the Lambda functions could not process."""
        return f"{self.lake}-failed-events"

    @property
    def boundary(self) -> str:
        """The managed policy that limits what the lake's roles can be allowed."""
        return f"{self.lake}-boundary"

    @property
    def mysql_password_parameter(self) -> str:
        """The SSM parameter with the password of the database."""
        return f"/{self.lake}/mysql-password"

    # Names from the original walk-through.
    glue_database = "awsdataengineerprojectdatabase"
    connection = "mysqldbconnection"
    mysql_instance = "rds-mysql"
    mysql_database = "mysqldb"
    mysql_user = "admin"
    model = "xGoals"
    lambda_role = "LambdaFullAccessToS3"
    glue_role = "GlueRole"
    sagemaker_role = "SageMakerExecutionRole"

    @property
    def schedule_group(self) -> str:
        """The group of the schedules that start and stop the database."""
        return self.lake

    @property
    def schedule_role(self) -> str:
        """The role of the schedules that start and stop the database."""
        return f"{self.lake}-database-schedules"

    @property
    def tags(self) -> dict[str, str]:
        """The tags that mark a resource as part of this lake."""
        return {TAG: self.lake}

    def weekly(self, time: str, days: str = "TUE") -> str:
        """Return the weekly schedule of the original walk-through as an AWS cron expression.

        `time` has the minutes and hours (UTC). The schedule ends in the year after the last season.
        """
        return f"cron({time} ? * {days} {min(self.seasons)}-{self.season + 1})"


# The settings that users can give.
SETTINGS = tuple(field.name for field in fields(Config) if field.name not in ("account", "region"))
# Other names of settings: most lakes have a single league and a single season.
_ALIASES = {"league": "leagues", "season": "seasons"}
_NAMES = (*SETTINGS, *_ALIASES)
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_MISSPELT_SIMILARITY = 0.8  # from which a variable counts as a misspelt setting


def variable_name(setting: str) -> str:
    """Return the environment variable of a setting."""
    return f"{VARIABLE_PREFIX}{setting.upper()}"


def documented_name(setting: str) -> str:
    """Return the name under which documents show a setting: its singular alias, if it has one."""
    return next((alias for alias, name in _ALIASES.items() if name == setting), setting)


def description(setting: str) -> str:
    """Return what a setting means, as a sentence."""
    return _RULES[setting].description


def accepted_values(setting: str) -> str:
    """Return the values that a setting takes, in words."""
    return _RULES[setting].expected


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Config:
    """Return the settings of this run. FootlakeError for an unreadable file, an unknown name or an invalid value."""
    return replace(Config(), **{name: value for name, (value, _) in explicit_settings(file, environ, flags).items()})


def explicit_settings(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any]
) -> dict[str, tuple[Any, str]]:
    """Return value and origin of each setting that was given; the origin is a file, a variable or FLAG."""
    return _settings_of_file(file) | _settings_of_environment(environ) | _settings_of_flags(flags)


def _settings_of_file(file: Path | None) -> dict[str, tuple[Any, str]]:
    path = file or Path(CONFIG_FILE)
    if not file and not path.exists():
        return {}
    values = _read_toml(path)
    _reject_duplicates({name: f"{name} in {path}" for name in values})
    settings: dict[str, tuple[Any, str]] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            raise FootlakeError(
                f"Unsupported table [{name}] in {path}.",
                f"Remove the line [{name}]. Settings need no table, for example: season = 2026",
            )
        setting = _ALIASES.get(name, name)
        if setting not in SETTINGS:
            similar = difflib.get_close_matches(name, _NAMES, 1)
            hint = f"Did you mean {similar[0]}?" if similar else f"Valid settings: {', '.join(SETTINGS)}."
            raise FootlakeError(f"Unknown setting {name} in {path}.", hint)
        text = ",".join(str(item) for item in value) if isinstance(value, list) else str(value)
        settings[setting] = _parse(setting, text, f"{name} in {path}"), str(path)
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows editors write a byte order mark
    except OSError as error:
        raise FootlakeError(f"Cannot read {path}: {error.strerror}.", "Check --config.") from None
    except UnicodeDecodeError:
        raise FootlakeError(f"{path} is not UTF-8 text.", "Save it again with the encoding UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise FootlakeError(f"{path} is not valid TOML: {error}.", "Example of a valid line: season = 2026") from None


def _settings_of_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    _reject_misspelt_variables(environ)
    variables = {name: variable_name(name) for name in _NAMES if environ.get(variable_name(name))}
    _reject_duplicates(variables)
    settings = {_ALIASES.get(name, name): variable for name, variable in variables.items()}
    return {name: (_parse(name, environ[variable], variable), variable) for name, variable in settings.items()}


def _settings_of_flags(flags: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    options = {name: "--dir" if name == "local_dir" else f"--{name.replace('_', '-')}" for name in flags}
    return {
        name: (_parse(name, value, options[name]) if isinstance(value, str) else value, FLAG)
        for name, value in flags.items()
        if value not in (None, ())
    }


def _reject_duplicates(given: Mapping[str, str]) -> None:
    """Raise when a setting is given under both of its names. `given` maps a name to its description in the error."""
    for alias, name in _ALIASES.items():
        if alias in given and name in given:
            raise FootlakeError(f"{given[alias]} and {given[name]} are the same setting.", "Remove one of them.")


def _reject_misspelt_variables(environ: Mapping[str, str]) -> None:
    """Raise for a variable whose name resembles that of a setting. Others can belong to options or the local AWS."""
    names = [name.upper() for name in _NAMES]
    for variable in environ:
        name = variable.removeprefix(VARIABLE_PREFIX)
        if name == variable or name in names:
            continue
        if similar := difflib.get_close_matches(name, names, 1, _MISSPELT_SIMILARITY):
            raise FootlakeError(
                f"Unknown environment variable {variable}.", f"Did you mean {variable_name(similar[0])}?"
            )


def _parse(name: str, text: str, origin: str) -> Any:
    """Return the value of a setting from its text. FootlakeError, with `origin`, for an invalid one."""
    default, rule = getattr(Config, name), _RULES[name]
    try:
        if isinstance(default, tuple):
            value: Any = tuple(dict.fromkeys(int(number) for number in text.split(",")))
        elif isinstance(default, bool):
            value = _BOOLEANS[text.lower()]
        else:
            # Only max_monthly_cost has no default.
            value = (float if default is None else type(default))(rule.normalize(text))
        if rule.is_valid(value):
            return value
    except (ValueError, KeyError, OSError, RuntimeError):
        pass
    but_got = "" if name == "api_key" else f", but got {text!r}"  # an invalid key can still be a secret
    raise FootlakeError(f"Invalid {origin}: expected {rule.expected}{but_got}.")


def _normalize_network(text: str) -> str:
    """Return an IPv4 address or range in the form of EC2, in which a single address is a range."""
    import ipaddress

    return str(ipaddress.IPv4Network(text)) if text else ""


def _has_certificates(file: str) -> bool:
    """Whether the setting is empty or a PEM file with certificates. OSError or ValueError for other files."""
    import ssl

    if file:
        authorities = Path(file).expanduser().read_text(encoding="utf-8-sig")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities)
    return True


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: bool(re.fullmatch(pattern, text))


def _is_path(text: str) -> bool:
    """Whether the home directory in the path exists. RuntimeError when it does not."""
    return bool(Path(text).expanduser())


@dataclass(frozen=True)
class SettingRule:
    """What a setting means and which values it takes: in words, as a test of the value, and as a normal form.

    The two functions return, or raise ValueError, KeyError, OSError or RuntimeError for an invalid value.
    """

    description: str
    expected: str
    is_valid: Callable[[Any], bool] = lambda value: True
    normalize: Callable[[str], str] = str


_RULES = {
    "lake": SettingRule(
        "Name of the lake: the first part of the bucket's name, and the tag of every resource.",
        "2 to 30 lowercase letters, digits and hyphens, with a letter or digit at both ends, that do not begin with "
        "aws or ssm (reserved by Systems Manager), nor with amzn-s3-demo-, sthree- or xn-- (reserved by S3)",
        _matches(r"(?!aws|ssm|amzn-s3-demo-|sthree-|xn--)[a-z0-9][a-z0-9-]{0,28}[a-z0-9]"),
    ),
    "leagues": SettingRule(
        "API-Football league ids.",
        "league ids such as 39 or 39,140",
        lambda leagues: all(league > 0 for league in leagues),
    ),
    "seasons": SettingRule(
        "Season of the weekly runs, by the year in which it begins; several for leagues with different calendars.",
        "years from 1970 to 2198 in which a season begins, such as 2025 or 2025,2026",
        lambda years: all(1970 <= year < 2199 for year in years),  # 2199 is the last year of an AWS schedule
    ),
    "api_url": SettingRule(
        "Address of API-Football.", "a URL that begins with http:// or https://", _matches(r"https?://[!-~]+")
    ),
    "api_key": SettingRule(
        "API-Football key. `bootstrap` stores it in an encrypted SSM parameter.",
        "the key from your API-Football account, in ASCII letters, digits and symbols without spaces",
        _matches(r"[!-~]*"),
    ),
    "recordings": SettingRule("Folder with recorded API-Football responses, for the local AWS.", "a path", _is_path),
    "local_dir": SettingRule(
        "Folder in which the local AWS keeps its state.", "a path", lambda path: bool(path) and _is_path(path)
    ),
    "max_candidates": SettingRule(
        "Most candidates of an Autopilot job.", "a whole number from 1 to 750", lambda number: 1 <= number <= 750
    ),
    "max_runtime": SettingRule(
        "Longest duration of an Autopilot job, in seconds.",
        "a whole number of seconds, at least 60",
        lambda seconds: seconds >= 60,
    ),
    "glue_workers": SettingRule(
        "Workers of each Glue job, at 0.44 USD per hour each.",
        "a whole number from 2 to 100",
        lambda number: 2 <= number <= 100,
    ),
    "transform_instance": SettingRule(
        "Instance type of batch transforms.",
        "a SageMaker instance type such as ml.m5.large",
        _matches(r"ml\.[a-z0-9-]+\.[a-z0-9-]+"),
    ),
    "client_address": SettingRule(
        "Address range that can reach the database; by default your public address, looked up.",
        "an IPv4 address or range such as 203.0.113.7 or 203.0.113.0/24",
        normalize=_normalize_network,
    ),
    "mysql_ca": SettingRule(
        "File with the certificate authorities of the database; by default those of RDS.",
        "a file with CA certificates in PEM format",
        _has_certificates,
    ),
    "alert_email": SettingRule(
        "Email address for alarms and budget alerts. Without it there is no budget.",
        "an email address such as anna@example.org",
        _matches(r"([^@\s]+@[^@\s]+\.[^@\s.]+)?"),
    ),
    "budget": SettingRule(
        "Monthly budget in USD. Alerts are sent at 80 % spent and 100 % forecast.",
        "a whole number of USD, at least 1",
        lambda amount: amount >= 1,
    ),
    "max_monthly_cost": SettingRule(
        "Most that the lake's resources may cost a month, in USD, without runs; `bootstrap` refuses to create more.",
        "a number of USD such as 5 or 7.50",
        lambda amount: 0 <= amount < math.inf,
    ),
    "database": SettingRule(
        "When the MySQL database runs: always, weekly (only for the weekly run), or none (there is no database).",
        "always, weekly or none",
        _matches("always|weekly|none"),
    ),
    "as_documented": SettingRule(
        "Also create what the original walk-through has and footlake replaces: users, managed policies, an S3 endpoint "
        "with an hourly price and SageMaker Studio.",
        "true or false",
    ),
}
