"""What botocore's service models demand of a request's parameters, and the SDK does not check.

Messages are those of AWS's own framework: `1 validation error detected: Value 'x' at 'name' failed to satisfy
constraint: Member must …`.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Kind = Literal["required", "enum", "pattern", "length", "range"]


@dataclass(frozen=True)
class Violation:
    """A member that breaks a rule: where it is (`targets.1.member.id`), its value, and the rule in AWS's words."""

    kind: Kind
    path: str
    value: Any
    rule: str
    secret: bool = False

    def __str__(self) -> str:
        shown = "null" if self.value is None else f"'{_shown(self.value)}'"
        value = "Value" if self.secret else f"Value {shown}"
        return f"{value} at '{self.path}' failed to satisfy constraint: {self.rule}"


def explain(violations: list[Violation]) -> str:
    """All of them in one message."""
    count = len(violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(map(str, violations))}"


Check = Callable[[Any, str], Iterator[Violation]]


class Checks:
    """The checks of one service model, put together at a shape's first use."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._lock = threading.Lock()

    def violations(self, shape: Any, parameters: Mapping[str, Any]) -> list[Violation]:
        """Everything in an operation's parameters that its input shape does not allow."""
        with self._lock:
            check = self._check(shape)
        return list(check(parameters, ""))

    def _check(self, shape: Any) -> Check:
        if shape.name not in self._checks:
            # Shapes may hold themselves: what is asked for meanwhile finds its way here later.
            self._checks[shape.name] = lambda value, path: self._checks[shape.name](value, path)
            make = {"structure": self._structure, "list": self._list, "map": self._map, "string": _string}
            self._checks[shape.name] = make.get(shape.type_name, _number_or_blob)(shape)
        return self._checks[shape.name]

    def _structure(self, shape: Any) -> Check:
        if shape.is_document_type:
            return _nothing
        required = [(name, _lower(name)) for name in shape.required_members]
        members = {name: (_lower(name), self._check(member)) for name, member in shape.members.items()}

        def check(value: Any, path: str) -> Iterator[Violation]:
            prefix = f"{path}." if path else ""
            for name, shown in required:
                if value.get(name) is None:
                    yield Violation("required", prefix + shown, None, "Member must not be null")
            for name, one in value.items():
                if one is not None and name in members:
                    shown, inner = members[name]
                    yield from inner(one, prefix + shown)

        return check

    def _list(self, shape: Any) -> Check:
        length, inner, nested = _length(shape), self._check(shape.member), _is_nested(shape.member)

        def check(value: Any, path: str) -> Iterator[Violation]:
            yield from length(value, path)
            for number, one in enumerate(value, 1):
                for found in inner(one, f"{path}.{number}.member") if one is not None else ():
                    yield found if nested else _of_all(found, path, value, "Member")

        return check

    def _map(self, shape: Any) -> Check:
        length, keys, inner = _length(shape), self._check(shape.key), self._check(shape.value)
        nested = _is_nested(shape.value)

        def check(value: Any, path: str) -> Iterator[Violation]:
            yield from length(value, path)
            for key, one in value.items():
                yield from (_of_all(found, path, value, "Map keys") for found in keys(key, path))
                for found in inner(one, f"{path}.{key}.member") if one is not None else ():
                    yield found if nested else _of_all(found, path, value, "Map value")

        return check


def _of_all(found: Violation, path: str, value: Any, whose: str) -> Violation:
    """A simple value's violation, told of the list or map that holds it."""
    return Violation(found.kind, path, value, f"{whose} must satisfy constraint: [{found.rule}]", found.secret)


def _is_nested(shape: Any) -> bool:
    return shape.type_name in ("structure", "list", "map")


def _string(shape: Any) -> Check:
    length, values, secret = _length(shape), shape.enum, bool(shape.metadata.get("sensitive"))
    pattern = _pattern(shape.metadata.get("pattern", ""))
    allowed = frozenset(values)

    def check(value: Any, path: str) -> Iterator[Violation]:
        if not isinstance(value, str):
            return
        yield from length(value, path)
        if allowed and value not in allowed:
            yield Violation("enum", path, value, f"Member must satisfy enum value set: [{', '.join(values)}]", secret)
        if pattern and not pattern.fullmatch(value):
            rule = f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
            yield Violation("pattern", path, value, rule, secret)

    return check


def _number_or_blob(shape: Any) -> Check:
    if shape.type_name == "blob":
        return _length(shape)
    if shape.type_name in ("integer", "long", "float", "double"):
        return _bounds(shape, "range", "value", lambda value: value)
    return _nothing


def _length(shape: Any) -> Check:
    def size(value: Any) -> Any:
        return len(value) if isinstance(value, str | bytes | list | dict) else None

    return _bounds(shape, "length", "length", size)


def _bounds(shape: Any, kind: Kind, noun: str, measure: Callable[[Any], Any]) -> Check:
    least, most = (_number(shape.metadata.get(name)) for name in ("min", "max"))
    if least is None and most is None:
        return _nothing
    secret = bool(shape.metadata.get("sensitive"))

    def check(value: Any, path: str) -> Iterator[Violation]:
        size = measure(value)
        if size is None:
            return
        if least is not None and size < least:
            rule = f"Member must have {noun} greater than or equal to {least}"
            yield Violation(kind, path, value, rule, secret)
        if most is not None and size > most:
            rule = f"Member must have {noun} less than or equal to {most}"
            yield Violation(kind, path, value, rule, secret)

    return check


def _nothing(value: Any, path: str) -> Iterator[Violation]:
    return iter(())


def _number(text: Any) -> Any:
    """Some models write their numbers as text."""
    return float(text) if isinstance(text, str) else text


@functools.cache
def _pattern(text: str) -> Any:
    """A model's pattern, which is Java's; None where there is none or it cannot be said in Python."""
    import regex  # type: ignore[import-untyped]

    # Java reads a pair of surrogates as one character.
    text = text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    try:
        return regex.compile(text) if text else None
    except regex.error:
        return None


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    """A value as Java prints it."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_shown, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}={_shown(one)}' for key, one in value.items())}}}"
        case bytes():
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case datetime():
            return value.isoformat()
    return str(value)
