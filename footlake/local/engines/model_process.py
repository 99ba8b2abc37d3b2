"""LightGBM wants the system's OpenMP library, which a bare Debian lacks; scikit-learn brings a copy of its own."""

from __future__ import annotations

import ctypes.util
import importlib.util
from collections.abc import Mapping
from pathlib import Path

SONAME = "libgomp.so.1"


def with_openmp(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of a child that can load LightGBM; scikit-learn's copy is linked in `folder` if need be."""
    if ctypes.util.find_library("gomp"):
        return dict(environment)
    spec = importlib.util.find_spec("sklearn")
    bundled = Path(spec.origin).parent.parent / "scikit_learn.libs" if spec and spec.origin else None
    copies = sorted(bundled.glob("libgomp*.so*")) if bundled else []
    if not copies:
        return dict(environment)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / SONAME
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(copies[0])
    path = environment.get("LD_LIBRARY_PATH")
    return {**environment, "LD_LIBRARY_PATH": f"{folder}:{path}" if path else str(folder)}
