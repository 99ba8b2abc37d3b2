"""Check parameters against the constraints of botocore's service models: required, enum, pattern, length, range.

boto3 checks only some of them. The messages are those of AWS: `1 validation error detected: Value 'x' at 'name' failed
to satisfy constraint: Member must …`.
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
    """A member that breaks a constraint.

    `path` is such as `targets.1.member.id`, `rule` the constraint in AWS's words. The value is not shown if `secret`.
    """

    kind: Kind
    path: str
    value: Any
    rule: str
    secret: bool = False

    def __str__(self) -> str:
        value = "null" if self.value is None else f"'{_format_as_java(self.value)}'"
        return (
            f"{'Value' if self.secret else f'Value {value}'} at '{self.path}' failed to satisfy constraint: {self.rule}"
        )


def format_violations(violations: list[Violation]) -> str:
    """Return one error message for all violations."""
    count = len(violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(map(str, violations))}"


Check = Callable[[Any, str], Iterator[Violation]]


class ModelValidator:
    """Checks the parameters of one service. The check of a shape is built when the shape is first used."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._lock = threading.Lock()

    def find_violations(self, shape: Any, parameters: Mapping[str, Any]) -> list[Violation]:
        """Return the violations in the parameters of an operation with this input shape."""
        with self._lock:
            check = self._shape_check(shape)
        return list(check(parameters, ""))

    def _shape_check(self, shape: Any) -> Check:
        if shape.name not in self._checks:
            # A shape may contain itself: until its check is built, refer to it by name.
            self._checks[shape.name] = lambda value, path: self._checks[shape.name](value, path)
            builders = {
                "structure": self._structure_check,
                "list": self._list_check,
                "map": self._map_check,
                "string": _string_check,
            }
            self._checks[shape.name] = builders.get(shape.type_name, _number_or_blob_check)(shape)
        return self._checks[shape.name]

    def _structure_check(self, shape: Any) -> Check:
        if shape.is_document_type:
            return _no_check
        required = [(name, _lower_first(name)) for name in shape.required_members]
        members = {name: (_lower_first(name), self._shape_check(member)) for name, member in shape.members.items()}

        def check(value: Any, path: str) -> Iterator[Violation]:
            prefix = f"{path}." if path else ""
            for name, shown_name in required:
                if value.get(name) is None:
                    yield Violation("required", prefix + shown_name, None, "Member must not be null")
            for name, member in value.items():
                if member is not None and name in members:
                    shown_name, check_member = members[name]
                    yield from check_member(member, prefix + shown_name)

        return check

    def _list_check(self, shape: Any) -> Check:
        check_length, check_item = _length_check(shape), self._shape_check(shape.member)
        is_nested = _is_nested(shape.member)

        def check(value: Any, path: str) -> Iterator[Violation]:
            yield from check_length(value, path)
            for number, item in enumerate(value, 1):
                for violation in check_item(item, f"{path}.{number}.member") if item is not None else ():
                    yield violation if is_nested else _of_container(violation, path, value, "Member")

        return check

    def _map_check(self, shape: Any) -> Check:
        check_length, check_key = _length_check(shape), self._shape_check(shape.key)
        check_item, is_nested = self._shape_check(shape.value), _is_nested(shape.value)

        def check(value: Any, path: str) -> Iterator[Violation]:
            yield from check_length(value, path)
            for key, item in value.items():
                yield from (_of_container(violation, path, value, "Map keys") for violation in check_key(key, path))
                for violation in check_item(item, f"{path}.{key}.member") if item is not None else ():
                    yield violation if is_nested else _of_container(violation, path, value, "Map value")

        return check


def _of_container(violation: Violation, path: str, container: Any, subject: str) -> Violation:
    """Return the violation of a scalar as AWS reports it: as one of the list or map that contains the scalar."""
    rule = f"{subject} must satisfy constraint: [{violation.rule}]"
    return Violation(violation.kind, path, container, rule, violation.secret)


def _is_nested(shape: Any) -> bool:
    return shape.type_name in ("structure", "list", "map")


def _string_check(shape: Any) -> Check:
    check_length, values, secret = _length_check(shape), shape.enum, bool(shape.metadata.get("sensitive"))
    pattern = _compile_pattern(shape.metadata.get("pattern", ""))
    allowed = frozenset(values)

    def check(value: Any, path: str) -> Iterator[Violation]:
        if not isinstance(value, str):
            return
        yield from check_length(value, path)
        if allowed and value not in allowed:
            yield Violation("enum", path, value, f"Member must satisfy enum value set: [{', '.join(values)}]", secret)
        if pattern and not pattern.fullmatch(value):
            rule = f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"
            yield Violation("pattern", path, value, rule, secret)

    return check


def _number_or_blob_check(shape: Any) -> Check:
    if shape.type_name == "blob":
        return _length_check(shape)
    if shape.type_name in ("integer", "long", "float", "double"):
        return _bounds_check(shape, "range", "value", lambda value: value)
    return _no_check


def _length_check(shape: Any) -> Check:
    def size(value: Any) -> Any:
        return len(value) if isinstance(value, str | bytes | list | dict) else None

    return _bounds_check(shape, "length", "length", size)


def _bounds_check(shape: Any, kind: Kind, noun: str, measure: Callable[[Any], Any]) -> Check:
    minimum, maximum = (_to_number(shape.metadata.get(name)) for name in ("min", "max"))
    if minimum is None and maximum is None:
        return _no_check
    secret = bool(shape.metadata.get("sensitive"))

    def check(value: Any, path: str) -> Iterator[Violation]:
        size = measure(value)
        if size is None:
            return
        if minimum is not None and size < minimum:
            rule = f"Member must have {noun} greater than or equal to {minimum}"
            yield Violation(kind, path, value, rule, secret)
        if maximum is not None and size > maximum:
            rule = f"Member must have {noun} less than or equal to {maximum}"
            yield Violation(kind, path, value, rule, secret)

    return check


def _no_check(value: Any, path: str) -> Iterator[Violation]:
    return iter(())


def _to_number(bound: Any) -> Any:
    """Return a bound as a number; some models give it as text."""
    return float(bound) if isinstance(bound, str) else bound


@functools.cache
def _compile_pattern(text: str) -> Any:
    """Compile a pattern in Java's syntax. Return None for an empty pattern and for one that Python cannot express."""
    import regex  # type: ignore[import-untyped]

    # Java treats a pair of surrogates as one character.
    text = text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    try:
        return regex.compile(text) if text else None
    except regex.error:
        return None


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _format_as_java(value: Any) -> str:
    """Format a value as Java prints it."""
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_format_as_java, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}={_format_as_java(item)}' for key, item in value.items())}}}"
        case bytes():
            return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
        case datetime():
            return value.isoformat()
    return str(value)
