"""The errors that footlake reports with a message and a hint.

FootlakeError
├── NotReady
├── StepFailed
├── TimedOut
├── QuotaExceeded
├── TeardownIncomplete
└── CostLimitExceeded
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FootlakeCommand:
    """A footlake command line: the subcommand and its arguments, without the global options."""

    line: str

    def __str__(self) -> str:
        return self.with_options("")

    def with_options(self, options: str) -> str:
        """Return the command line with these global options, such as " --local"."""
        return f"footlake{options} {self.line}"


class Hint(str):
    """A text that keeps the footlake commands in it as data, so that they can be shown with the global options.

    As a string it has the commands without options: `Hint("Run ", FootlakeCommand("bootstrap"), " first.")` equals
    "Run footlake bootstrap first.". A part may be another hint, whose commands are kept.
    """

    parts: tuple[str | FootlakeCommand, ...]

    def __new__(cls, *parts: str | FootlakeCommand) -> Hint:
        hint = super().__new__(cls, "".join(map(str, parts)))
        hint.parts = tuple(piece for part in parts for piece in (part.parts if isinstance(part, Hint) else (part,)))
        return hint

    def __getnewargs__(self) -> tuple[str | FootlakeCommand, ...]:  # type: ignore[override]
        return self.parts  # a copy, as of dataclasses.asdict(), keeps the commands

    def with_options(self, options: str) -> str:
        """Return the text, with these global options in each of its commands."""
        return "".join(part if isinstance(part, str) else part.with_options(options) for part in self.parts)


BOOTSTRAP_FIRST = Hint("Run ", FootlakeCommand("bootstrap"), " first.")


class FootlakeError(Exception):
    """A failure that the user can act on.

    `message` says what happened and `hint` what to do next. The process ends with `exit_code`.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = Hint(hint)


class NotReady(FootlakeError):
    """A command needs the result of another command that has not run yet."""


class StepFailed(FootlakeError):
    """A job or function on AWS failed. The message has the reason from AWS, `log` the last lines of its log."""

    def __init__(self, message: str, hint: str = "", log: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.log = log


class TimedOut(FootlakeError):
    """A wait exceeded its limit."""


class QuotaExceeded(FootlakeError):
    """A quota of requests is used up. Data so far is stored, and the same command resumes later."""

    exit_code = 3


class TeardownIncomplete(FootlakeError):
    """Teardown ended and resources remain, could not be checked, or belong to another name or region."""

    exit_code = 4


class CostLimitExceeded(FootlakeError):
    """The resources would cost more a month than the user permits. Nothing was created."""

    exit_code = 5


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. `what` describes the wait that it interrupted, if any."""

    exit_code = 130

    def __init__(self, what: str = "") -> None:
        super().__init__(what)
        self.what = what
