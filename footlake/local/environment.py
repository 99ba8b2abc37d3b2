"""The environment variables that the local AWS and its child processes inherit.

Another Spark, Hadoop, Java or Python on this machine, and the user's AWS settings, must not affect them, so only the
variables listed here are inherited. https://spark.apache.org/docs/3.5.6/configuration.html#environment-variables
"""

from __future__ import annotations

import os

from footlake.config import (
    LOCAL_ACCOUNT_PLAN_VARIABLE,
    LOCAL_QUOTAS_VARIABLE,
    LOCAL_SETTLE_SECONDS_VARIABLE,
    MYSQLD_VARIABLE,
)

_SYSTEM = ("HOME", "LOGNAME", "PATH", "TMPDIR", "USER", "XDG_CACHE_HOME")
_LOCALE = ("LANG", "LC_ALL", "LC_CTYPE")
# Python itself may need it to find its library.
_LINKER = ("LD_LIBRARY_PATH",)
# For the functions, which call API-Football, and for the download of MariaDB.
_PROXIES = ("ALL_PROXY", "FTP_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_CERTIFICATES = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE")
LOCAL_AWS_VARIABLES = (
    LOCAL_ACCOUNT_PLAN_VARIABLE,
    LOCAL_QUOTAS_VARIABLE,
    LOCAL_SETTLE_SECONDS_VARIABLE,
    MYSQLD_VARIABLE,
)
_INHERITED = {
    *(*_SYSTEM, *_LOCALE, *_LINKER, *_PROXIES, *_CERTIFICATES),
    *(name.lower() for name in _PROXIES),
}


def inherited_environment(*more: str) -> dict[str, str]:
    """Return the inherited variables of this process and `more`, with settings that replace the files in `~/.aws`."""
    inherited = {name: value for name, value in os.environ.items() if name in _INHERITED or name in more}
    return inherited | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
