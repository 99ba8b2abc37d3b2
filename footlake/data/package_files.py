"""Where the files that travel with footlake lie: the tables' SQL and the Glue scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from footlake.errors import FootlakeError

Folder = Literal["sql", "glue"]

_PACKAGE = Path(__file__).resolve().parents[1]
_IN_CHECKOUT: dict[Folder, Path] = {"sql": Path("sql"), "glue": Path("scripts", "glue")}


def package_folder(folder: Folder) -> Path:
    """The folder as an installed footlake carries it, or as the checkout has it."""
    for path in (_PACKAGE / "_bundle" / folder, _PACKAGE.parent / _IN_CHECKOUT[folder]):
        if path.is_dir():
            return path
    raise FootlakeError(f"This installation of footlake lacks its {folder} files.", hint="Install footlake again.")
