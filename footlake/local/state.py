"""Save and load the state of the local AWS: all of moto's backends, in one pickle.

There is one pickle and not one per service because moto's objects refer to each other across services (a function to
its log group, an instance to its subnet), and must still do so after a restart.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import GeneratorType
from typing import Any

import cloudpickle
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from moto.backends import get_backend
from moto.core.base_backend import BackendDict

from footlake.errors import FootlakeError
from footlake.local.context import logger
from footlake.local.daemon import STATE_PATH
from footlake.local.files import replace_bytes

_LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()))


def save(path: Path) -> None:
    """Write the state of all backends to `path`, replacing the file only when it is complete."""
    backends = {
        service.service_name: {account: dict(regions) for account, regions in service.items()}
        for service in BackendDict._instances
    }
    buffer = io.BytesIO()
    StatePickler(buffer).dump(backends)
    replace_bytes(path, buffer.getvalue(), path.with_suffix(".partial"))


def load(path: Path) -> None:
    """Load the state that `save` wrote into backends that have not been used yet. Without a file, do nothing.

    Raise FootlakeError if the file is damaged or was written by an incompatible version of footlake or moto.
    """
    if not path.exists():
        return
    backends: dict[str, dict[str, dict[str, Any]]]
    try:
        backends = pickle.loads(path.read_bytes())  # a file that only this program writes
    except Exception as error:  # unpickling what another version wrote can raise anything
        message = f"{path} is damaged or was written by another version of footlake or moto ({error!r})."
        raise FootlakeError(message, "Remove its folder to start with an empty local AWS.") from error
    for service, accounts in backends.items():
        for account, regions in accounts.items():
            # dict.update, because moto's own look-up of a region would create and cache another backend
            dict.update(get_backend(service)[account], regions)


class StatePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles moto's backends, with replacements for objects in them that cannot be pickled."""

    def reducer_override(self, obj: Any) -> Any:
        """Return how to rebuild an object, as pickle specifies it."""
        if isinstance(obj, _LOCK_TYPES):
            return _create_lock, (type(obj).__name__,)
        if isinstance(obj, weakref.ReferenceType):
            return weakref.ref, (obj(),)
        if isinstance(obj, BackendDict):
            return get_backend, (obj.service_name,)
        if isinstance(obj, GeneratorType):  # the remaining pages of a list: clients must list again
            return iter, ((),)
        if hasattr(obj, "private_bytes"):  # a KMS key, an object of cryptography
            return _load_private_key, (obj.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),)
        if type(obj).__module__.startswith("moto.") and isinstance(obj, dict):
            # pickle calls the class without arguments, which some of moto's dictionaries do not support.
            factory = getattr(obj, "default_factory", None)
            return _restore_dict, (type(obj), dict(obj), obj.__dict__, factory)
        return super().reducer_override(obj)


def _create_lock(kind: str) -> Any:
    return threading.Lock() if kind == "lock" else threading.RLock()


def _load_private_key(pem: bytes) -> Any:
    return load_pem_private_key(pem, None)


def _restore_dict(kind: type[dict[Any, Any]], items: dict[Any, Any], attributes: dict[str, Any], factory: Any) -> Any:
    restored = kind.__new__(kind)
    if isinstance(restored, defaultdict):
        restored.default_factory = factory
    restored.__dict__.update(attributes)
    dict.update(restored, items)
    return restored


class StateSaver:
    """Saves the state of the local AWS after changes, so that a crash loses seconds of work.

    It saves when there was no request for `quiet_seconds`, and at least every `longest_seconds` while there are
    changes. `track_requests` wraps the WSGI application to notice changes and to hold requests back during a save.
    `save_error` has the reason why the last save failed, or "".
    """

    def __init__(self, path: Path, quiet_seconds: float = 3.0, longest_seconds: float = 15.0) -> None:
        self.path = path
        self.quiet_seconds = quiet_seconds
        self.longest_seconds = longest_seconds
        self.save_error = ""
        self._changed = threading.Condition()  # guards the attributes below and reports their changes
        self._in_flight = 0
        self._last_request = 0.0
        self._unsaved_since: float | None = None
        self._saving = False
        self._closed = False

    def track_requests(self, application: Callable[..., Any]) -> Callable[..., Any]:
        """Return the application with its requests tracked, and with an answer at STATE_PATH.

        GET answers `save_error`; POST saves first.
        """

        def track(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            if environ.get("PATH_INFO") == STATE_PATH:
                body = (self.save() if environ["REQUEST_METHOD"] == "POST" else self.save_error).encode()
                start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
                return [body]
            # An invocation lasts as long as its handler, which makes requests too: it must not block saves.
            is_invocation = environ.get("PATH_INFO", "").endswith("/invocations")
            with self._changed:
                self._changed.wait_for(lambda: is_invocation or not self._saving)
                self._in_flight += not is_invocation
                self._last_request = time.monotonic()
                self._unsaved_since = self._unsaved_since or self._last_request
            try:
                return application(environ, start_response)
            finally:
                with self._changed:
                    self._in_flight -= not is_invocation
                    self._changed.notify_all()

        return track

    def run(self) -> None:
        """Save after changes, until `close`."""
        with self._changed:
            while not self._closed:
                self._changed.wait(1.0)
                now = time.monotonic()
                if self._unsaved_since is None or self._closed:
                    continue
                is_quiet = now - self._last_request >= self.quiet_seconds
                if is_quiet or now - self._unsaved_since >= self.longest_seconds:
                    self.save()

    def save(self) -> str:
        """Save now. Return `save_error`."""
        with self._changed:
            self._saving = True
            self._changed.wait_for(lambda: self._in_flight == 0, timeout=2.0)
            try:
                self._save()
            except Exception as error:  # keep the last saved state, and try again later
                logger.exception("could not save the state")
                self.save_error = (error.strerror if isinstance(error, OSError) else None) or repr(error)
                self._unsaved_since = self._last_request = time.monotonic()
            finally:
                self._saving = False
                self._changed.notify_all()
            return self.save_error

    def close(self) -> None:
        """Save for the last time. Raise the error if that fails."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._save()

    def _save(self) -> None:
        for _attempt in range(3):  # a thread of an engine may change a dictionary while it is pickled
            with contextlib.suppress(RuntimeError):
                save(self.path)
                break
        else:
            save(self.path)
        self._unsaved_since = None
        self.save_error = ""
