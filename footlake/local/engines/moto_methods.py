"""Replace methods of moto's classes by functions that can still call the original."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def replace_method(owner: type, name: str, function: Callable[..., Any]) -> None:
    """Replace the method `name` of a moto class by `function`.

    `function` receives moto's own method, then the arguments of the call. A second replacement replaces the first, so
    that one process can start several local AWS after each other.
    """
    current = getattr(owner, name)
    original = getattr(current, "__wrapped__", current)

    @functools.wraps(original)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        return function(original, *args, **kwargs)

    setattr(owner, name, replacement)
