"""Replace methods of moto's classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def replace_methods(moto_class: Any, *functions: Callable[..., Any]) -> None:
    """Set each function as the method of its name, in place of moto's or in addition to them."""
    for function in functions:
        setattr(moto_class, function.__name__, function)
