"""The errors that footlake reports with a message and a hint.

FootlakeError
├── NotReady
├── StepFailed
├── TimedOut
├── QuotaExceeded
└── TeardownIncomplete
"""

from __future__ import annotations

from collections.abc import Sequence


class FootlakeError(Exception):
    """A failure that the user can act on.

    `message` says what happened and `hint` what to do next. The process ends with `exit_code`.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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


class Interrupted(KeyboardInterrupt):
    """Ctrl-C. `what` describes the wait that it interrupted, if any."""

    exit_code = 130

    def __init__(self, what: str = "") -> None:
        super().__init__(what)
        self.what = what
