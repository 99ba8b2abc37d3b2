"""Compare the installed packages with the requirements of footlake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True)
class Package:
    """A required package: its installed version (None: missing), the required versions, and whether it fits."""

    name: str
    version: str | None
    wanted: str
    fits: bool


def check_packages(extra: str = "") -> Iterator[Package]:
    """Yield the packages of the core, or those that an extra such as `local` adds to it."""
    from packaging.requirements import Requirement

    version: str | None
    for text in metadata.requires("footlake") or ():
        requirement = Requirement(text)
        marker = requirement.marker
        in_core = marker is None or marker.evaluate({"extra": ""})
        in_extra = marker is not None and not in_core and marker.evaluate({"extra": extra})
        if not (in_extra if extra else in_core):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        fits = version is not None and requirement.specifier.contains(version)
        yield Package(requirement.name, version, str(requirement.specifier), fits)
