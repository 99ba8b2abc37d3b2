"""Which of footlake's packages are installed, held against what it says it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True)
class Package:
    """A package that footlake needs, with its installed version, or None where it is missing."""

    name: str
    version: str | None
    wanted: str
    fits: bool


def check_packages(extra: str = "") -> Iterator[Package]:
    """Those of the core, or those that an extra (`local`) adds to it."""
    from packaging.requirements import Requirement

    for text in metadata.requires("footlake") or ():
        needed = Requirement(text)
        in_core = needed.marker is None or needed.marker.evaluate({"extra": ""})
        wanted = in_core if not extra else not in_core and needed.marker and needed.marker.evaluate({"extra": extra})
        if not wanted:
            continue
        try:
            version = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            yield Package(needed.name, None, str(needed.specifier), False)
        else:
            yield Package(needed.name, version, str(needed.specifier), needed.specifier.contains(version))
