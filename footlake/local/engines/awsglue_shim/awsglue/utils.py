"""Arguments of a Glue job."""

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
    """The values of `--<option>` in `args`; GlueArgumentError if one is missing. Others are ignored."""
    parser = _Parser(allow_abbrev=False, add_help=False)
    for option in options:
        parser.add_argument(f"--{option}", required=True)
    optional = ("JOB_NAME", "JOB_RUN_ID", "TempDir")
    for option in optional:
        if option not in options:
            parser.add_argument(f"--{option}")
    known, _ = parser.parse_known_args(args[1:])
    return {name: value for name, value in vars(known).items() if value is not None}
