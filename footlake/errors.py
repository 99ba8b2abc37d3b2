"""The errors that footlake reports to the user, and the hints that say what to do next."""

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


class FootlakeError(Exception):
    """A failure that the user can act on.

    `message` says what failed, `hint` what to do next; `exit_code` is the exit code of the process.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = Hint(hint)


class NotReady(FootlakeError):
    """Something that this step needs is missing: run another command first."""


class StepFailed(FootlakeError):
    """Work on AWS failed. The message contains the reason that AWS gave, `log` the last lines of the work's log."""

    def __init__(self, message: str, hint: str = "", log: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.log = log


class TimedOut(FootlakeError):
    """Something took longer than footlake waits for it."""


class QuotaExceeded(FootlakeError):
    """The requests to API-Football are used up. Nothing is lost; the same command continues from here later."""

    exit_code = 3


class TeardownIncomplete(FootlakeError):
    """Resources are left after a teardown, could not be examined, or belong to a lake of another name or region."""

    exit_code = 4


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. `what` names what footlake was waiting for, if it was waiting."""

    exit_code = 130

    def __init__(self, what: str = "") -> None:
        super().__init__(what)
        self.what = what
