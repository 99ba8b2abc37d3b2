"""What can go wrong, in a sentence, with what to do next."""

from __future__ import annotations

from collections.abc import Sequence


class FootlakeError(Exception):
    """A failure that a person can act on.

    `message` says what happened, `hint` what to do next; `exit_code` is what the process returns.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotReady(FootlakeError):
    """A step was asked for before the one that it needs."""


class StepFailed(FootlakeError):
    """AWS ran the work and the work failed; the message carries AWS's own reason, `log` the last lines of its log."""

    def __init__(self, message: str, hint: str = "", log: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.log = log


class TimedOut(FootlakeError):
    """Something was waited for longer than it should ever take."""


class QuotaExceeded(FootlakeError):
    """A quota is spent: nothing is lost, and the same command goes on from here later."""

    exit_code = 3


class TeardownIncomplete(FootlakeError):
    """Teardown ended and something is still there, or could not be looked at, or is of another name or region."""

    exit_code = 4


class Interrupted(KeyboardInterrupt):
    """Ctrl-C: while waiting for `what`, if for something."""

    exit_code = 130

    def __init__(self, what: str = "") -> None:
        super().__init__(what)
        self.what = what
