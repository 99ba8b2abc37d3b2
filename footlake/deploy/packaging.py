"""Build the zip files of code that bootstrap uploads. The same content gives the same bytes, so it is not an update."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterable
from pathlib import Path

import footlake

# requests and all its dependencies: AWS may change which packages the Python runtime of Lambda has.
LAYER_PACKAGES = ("requests", "certifi", "charset_normalizer", "idna", "urllib3")

# The modules of footlake that the Glue scripts import; they need only the standard library.
GLUE_MODULES = (
    *("__init__", "football/__init__", "football/statuses"),
    *("lake/__init__", "lake/mysql", "lake/s3_keys", "lake/schemas"),
)

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zip_files(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip of files given as (path, content)."""
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path, content in sorted(files):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on Windows too: same bytes, and the permissions apply
            entry.external_attr = 0o644 << 16
            package.writestr(entry, content)
    return buffer.getvalue()


def zip_handlers() -> bytes:
    """Return the code of the Lambda functions: the handlers and the packages of footlake that they import."""
    root = Path(footlake.__file__).parent
    paths = [
        root / "__init__.py",
        *(path for package in ("football", "handlers", "lake") for path in (root / package).glob("*.py")),
    ]
    return zip_files((f"footlake/{path.relative_to(root).as_posix()}", path.read_bytes()) for path in paths)


def zip_glue_modules() -> bytes:
    """Return the modules of footlake that the Glue scripts import, as a zip from which Spark can import them."""
    root = Path(footlake.__file__).parent
    return zip_files((f"footlake/{name}.py", (root / f"{name}.py").read_bytes()) for name in GLUE_MODULES)


def zip_layer() -> bytes:
    """Return the Lambda layer with requests. It has pure Python only, as Lambda runs another Python version."""
    return zip_files((f"python/{path}", content) for package in LAYER_PACKAGES for path, content in _package(package))


def zip_package(name: str) -> bytes:
    """Return an installed pure-Python package as a zip from which Spark can import it."""
    return zip_files(_package(name))


def _package(name: str) -> Iterable[tuple[str, bytes]]:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    root = Path(spec.origin).parent
    for path in root.rglob("*"):
        if path.suffix in (".py", ".pem") and "__pycache__" not in path.parts:
            yield f"{name}/{path.relative_to(root).as_posix()}", path.read_bytes()
