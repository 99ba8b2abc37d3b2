"""What is uploaded as code: zips whose bytes depend on their content alone, so that nothing changes by itself."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable
from pathlib import Path

import footlake

# What requests needs beside what AWS's Python runtime has.
LAYER_PACKAGES = ("requests", "certifi", "charset_normalizer", "idna")

_EPOCH = (1980, 1, 1, 0, 0, 0)


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip of these files, (path, content), the same bytes for the same files."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path, content in sorted(files):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, content)
    return buffer.getvalue()


def handlers() -> bytes:
    """The code of every Lambda function: the handlers and what they import of footlake."""
    root = Path(footlake.__file__).parent
    chosen = [
        root / "__init__.py",
        *(path for package in ("football", "handlers", "lake") for path in (root / package).glob("*.py")),
    ]
    return archive((f"footlake/{path.relative_to(root).as_posix()}", path.read_bytes()) for path in chosen)


def layer() -> bytes:
    """The Lambda layer with requests. Pure Python only: it runs on another Python than the one that packs it."""
    return archive((f"python/{path}", content) for package in LAYER_PACKAGES for path, content in _package(package))


def pure_package(name: str) -> bytes:
    """An installed pure-Python package as a zip that Spark can import from."""
    return archive(_package(name))


def _package(name: str) -> Iterable[tuple[str, bytes]]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    root = Path(spec.origin).parent
    for path in root.rglob("*"):
        if path.suffix in (".py", ".pem") and "__pycache__" not in path.parts:
            yield f"{name}/{path.relative_to(root).as_posix()}", path.read_bytes()
