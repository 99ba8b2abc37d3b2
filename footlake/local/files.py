"""Files in the folder of a local AWS: locks, atomic replacement, and their errors as messages for the user."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from footlake.errors import FootlakeError

with suppress(ImportError):  # Windows does not have it, see require_support()
    import fcntl

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_supported() -> bool:
    """Return whether the local AWS can run on this system."""
    return sys.platform == "linux" and find_spec("fcntl") is not None


def require_support() -> None:
    """Raise FootlakeError if the local AWS cannot run on this system."""
    if not is_supported():
        raise FootlakeError(
            "The local AWS and training on this machine need Linux.",
            "Run footlake on Linux, in WSL or in a Linux container, or use it with an AWS account.",
        )


@contextmanager
def report_file_errors(folder: Path) -> Iterator[None]:
    """Raise FootlakeError for file errors, and for ValueError, KeyError and TypeError from a damaged file."""
    try:
        yield
    except OSError as error:
        hint = "Free some disk space or choose another --dir." if error.errno in DISK_FULL else "Choose another --dir."
        raise FootlakeError(f"Cannot use {folder} for the local AWS: {error.strerror}.", hint) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FootlakeError(
            f"A file of the local AWS in {folder} is damaged: {error}.",
            "Remove football.json and local.json from this folder.",
        ) from None


def is_locked(path: Path) -> bool:
    """Return whether a process holds the exclusive lock of a file. The kernel releases the lock when it ends."""
    require_support()
    try:
        with path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of a file, which is created; wait for other processes to release it."""
    require_support()
    with report_file_errors(path.parent):
        file = path.open("w", encoding="utf-8")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def replace_text(path: Path, text: str) -> None:
    """Replace the content of a file atomically: a reader sees the old text or the new text."""
    replace_bytes(path, text.encode(), path.with_name(f"{path.name}.{os.getpid()}"))


def replace_bytes(path: Path, content: bytes, partial: Path) -> None:
    """Replace the content of a file atomically by writing to `partial` first, which is removed after an OSError."""
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
