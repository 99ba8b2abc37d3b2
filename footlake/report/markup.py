"""What the page and its charts are written with: HTML that escapes what it is given, and numbers as they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

NOTHING = Markup("")


def join(parts: Iterable[Markup]) -> Markup:
    """These pieces in a row."""
    return NOTHING.join(parts)


def number(value: float) -> str:
    """One decimal."""
    return f"{value:z.1f}"


def signed(value: float) -> str:
    """One decimal, with its sign."""
    return f"{value:+z.1f}".replace("-", "−")


def kind(value: float, welcome: int) -> str:
    """Whether a difference is welcome, as it is shown."""
    shown = float(f"{value:z.1f}") * welcome
    return "good" if shown > 0 else "bad" if shown < 0 else "even"
