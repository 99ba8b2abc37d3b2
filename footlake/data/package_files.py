"""Find the SQL files and the Glue scripts of footlake."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from footlake.errors import FootlakeError

Folder = Literal["sql", "glue"]

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_CHECKOUT: dict[Folder, Path] = {"sql": Path("sql"), "glue": Path("scripts", "glue")}


def package_folder(folder: Folder) -> Path:
    """Return the folder in the installed package or, failing that, in the checkout."""
    for path in (_PACKAGE / "_bundle" / folder, _PACKAGE.parent / _IN_CHECKOUT[folder]):
        if path.is_dir():
            return path
    raise FootlakeError(f"The {folder} files of footlake are missing.", hint="Reinstall footlake.")
