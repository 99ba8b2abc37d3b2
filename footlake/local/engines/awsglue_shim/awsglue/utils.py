"""awsglue.utils: the arguments of a job."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn


class GlueArgumentError(Exception):
    """A job argument is missing or wrong."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:
    """Return the values of `--<option>` in `args`, ignoring others. Raises GlueArgumentError if one is missing."""
    parser = _Parser(allow_abbrev=False, add_help=False)
    for option in options:
        parser.add_argument(f"--{option}", required=True)
    for option in ("JOB_NAME", "JOB_RUN_ID", "TempDir"):
        if option not in options:
            parser.add_argument(f"--{option}")
    parsed, _ = parser.parse_known_args(args[1:])
    return {name: value for name, value in vars(parsed).items() if value is not None}
