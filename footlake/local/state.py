"""The state of the local AWS on disk: every one of moto's backends in one pickle.

One pickle, not one per service, because moto's objects point at each other (a function at its log group, an
instance at its subnet) and must still do so after a restart.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import GeneratorType
from typing import Any

from footlake.errors import FootlakeError
from footlake.local.context import logger
from footlake.local.daemon import STATE, replace_bytes

_LOCKS = (type(threading.Lock()), type(threading.RLock()))


def save(path: Path) -> None:
    """Write the state of all backends to `path`, replacing the file only when it is complete."""
    from moto.core.base_backend import BackendDict

    backends = {
        service.service_name: {account: dict(regions) for account, regions in service.items()}
        for service in BackendDict._instances
    }
    buffer = io.BytesIO()
    _pickler(buffer).dump(backends)
    replace_bytes(path, buffer.getvalue(), path.with_suffix(".partial"))


def load(path: Path) -> None:
    """Bring back what `save` wrote, into backends that have not been used yet. A missing file is an empty account."""
    import pickle

    from moto.backends import get_backend

    if not path.exists():
        return
    backends: dict[str, dict[str, dict[str, Any]]]
    try:
        backends = pickle.loads(path.read_bytes())  # our own file, in our own folder
    except Exception as error:  # an attribute, a module, an argument: whatever another version had
        message = f"{path} is damaged, or of another version of footlake or moto ({error!r})."
        raise FootlakeError(message, "Remove its folder to begin anew.") from error
    for service, accounts in backends.items():
        for account, regions in accounts.items():
            # dict's own update: moto's look-up caches what it made for a region that it did not know
            dict.update(get_backend(service)[account], regions)


def _pickler(buffer: io.BytesIO) -> Any:
    import cloudpickle
    from moto.core.base_backend import BackendDict

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, _LOCKS):
                return _new, (type(obj).__name__,)
            if isinstance(obj, weakref.ReferenceType):
                return weakref.ref, (obj(),)
            if isinstance(obj, BackendDict):
                return _backend, (obj.service_name,)
            if isinstance(obj, GeneratorType):  # the rest of a list of which nobody asked for the next page
                return iter, ((),)
            if hasattr(obj, "private_bytes"):  # a KMS key: cryptography's objects do not pickle
                return _private_key, (_pem(obj),)
            if type(obj).__module__.startswith("moto.") and isinstance(obj, dict):
                # Some of moto's dictionaries demand constructor arguments, which pickle's default way cannot give.
                factory = getattr(obj, "default_factory", None)
                return _restore_dict, (type(obj), dict(obj), obj.__dict__, factory)
            return super().reducer_override(obj)

    return Pickler(buffer)


def _new(kind: str) -> Any:
    return threading.Lock() if kind == "lock" else threading.RLock()


def _backend(service: str) -> Any:
    from moto.backends import get_backend

    return get_backend(service)


def _pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def _private_key(pem: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)


def _restore_dict(kind: type[dict[Any, Any]], items: dict[Any, Any], attributes: dict[str, Any], factory: Any) -> Any:
    restored = kind.__new__(kind)
    if isinstance(restored, defaultdict):
        restored.default_factory = factory
    restored.__dict__.update(attributes)
    dict.update(restored, items)
    return restored


class Keeper:
    """Saves the state soon after it changed, so that a crash loses seconds, not an account.

    That is when nothing was asked for `quiet_seconds`, and while much is being asked every `longest_seconds`. For the
    moment of a save `around`, which wraps the WSGI application, holds new requests back. Why the last one failed,
    `unsaved` says.
    """

    def __init__(self, path: Path, quiet_seconds: float = 3.0, longest_seconds: float = 15.0) -> None:
        self.path = path
        self.quiet_seconds = quiet_seconds
        self.longest_seconds = longest_seconds
        self.unsaved = ""
        self._open = threading.Condition()
        self._in_flight = 0
        self._asked = 0.0
        self._changed: float | None = None
        self._saving = False
        self._closed = False

    def around(self, application: Callable[..., Any]) -> Callable[..., Any]:
        """The application, with its requests counted; at `STATE` is told why the state is unsaved, and tried again."""

        def gate(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            if environ.get("PATH_INFO") == STATE:
                said = (self.save() if environ["REQUEST_METHOD"] == "POST" else self.unsaved).encode()
                start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))])
                return [said]
            # An invocation waits for a handler that asks in turn: it must neither hold a save up nor be held up.
            waits = environ.get("PATH_INFO", "").endswith("/invocations")
            with self._open:
                self._open.wait_for(lambda: waits or not self._saving)
                self._in_flight += not waits
                self._asked = time.monotonic()
                self._changed = self._changed or self._asked
            try:
                return application(environ, start_response)
            finally:
                with self._open:
                    self._in_flight -= not waits
                    self._open.notify_all()

        return gate

    def run(self) -> None:
        """Save after changes, until `close`."""
        with self._open:
            while not self._closed:
                self._open.wait(1.0)
                now = time.monotonic()
                if self._changed is None or self._closed:
                    continue
                if now - self._asked >= self.quiet_seconds or now - self._changed >= self.longest_seconds:
                    self.save()

    def save(self) -> str:
        """Save now; why that failed, "" if it did not."""
        with self._open:
            self._saving = True
            self._open.wait_for(lambda: self._in_flight == 0, timeout=2.0)
            try:
                self._save()
            except Exception as error:  # better an old state on disk than none of the later ones
                logger.exception("the state could not be saved")
                self.unsaved = (error.strerror if isinstance(error, OSError) else None) or repr(error)
                self._changed = self._asked = time.monotonic()  # until it is tried again
            finally:
                self._saving = False
                self._open.notify_all()
            return self.unsaved

    def close(self) -> None:
        """Save for the last time."""
        with self._open:
            self._closed = True
            self._open.notify_all()
            self._save()

    def _save(self) -> None:
        for _attempt in range(3):  # an executor's thread may touch a dictionary just then
            with contextlib.suppress(RuntimeError):
                save(self.path)
                break
        else:
            save(self.path)
        self._changed = None
        self.unsaved = ""
