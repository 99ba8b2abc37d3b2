"""The JSONPath filters of batch transform (InputFilter, OutputFilter), for CSV records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

ColumnFilter = Callable[[Sequence[str]], list[str]]

_INDEX = re.compile(r"-?\d+")
_SLICE = re.compile(r"(-?\d*):(-?\d*)")


def parse_column_filter(expression: str) -> ColumnFilter:
    """Return a function that selects the columns of an expression (`$`, `$[3:]`, `$[0,1,-1]`, `$[0,5:]` …).

    Raises ValueError for another expression. The function raises IndexError if a record has too few columns.
    """
    text = expression.strip() or "$"
    if text in ("$", "$[*]"):
        return list
    if not (text.startswith("$[") and text.endswith("]")):
        raise ValueError(f"{expression} is not a JSONPath for CSV records")
    selectors: list[int | slice] = []
    for item in text[2:-1].split(","):
        if _INDEX.fullmatch(item.strip()):
            selectors.append(int(item))
        elif limits := _SLICE.fullmatch(item.strip()):
            selectors.append(slice(*(int(limit) if limit else None for limit in limits.groups())))
        else:
            raise ValueError(f"{expression} is not a JSONPath for CSV records")

    def select(record: Sequence[str]) -> list[str]:
        columns: list[str] = []
        for selector in selectors:
            if isinstance(selector, slice):
                columns += record[selector]
            elif -len(record) <= selector < len(record):
                columns.append(record[selector])
            else:
                raise IndexError(f"{expression} does not fit a record of {len(record)} columns")
        return columns

    return select
