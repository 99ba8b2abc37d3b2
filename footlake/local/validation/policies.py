"""Evaluate statements of IAM policies: patterns, conditions and policies that name an AWS service as principal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any


def resource_policy_allows(
    statements: Iterable[Mapping[str, Any]], service: str, action: str, context: Mapping[str, str]
) -> bool:
    """Return whether a resource's policy allows `action` to an AWS service such as `s3.amazonaws.com`.

    `context` maps condition keys in lower case to their values. A condition on any other key does not restrict an
    Allow, so that a request is not rejected for facts that are unknown here.
    """
    matching = [statement for statement in statements if _grants_to_service(statement, service, action)]
    return any(
        statement["Effect"] == "Allow" and conditions_hold(statement, context, if_unknown=True)
        for statement in matching
    ) and not any(
        statement["Effect"] == "Deny" and conditions_hold(statement, context, if_unknown=False)
        for statement in matching
    )


def _grants_to_service(statement: Mapping[str, Any], service: str, action: str) -> bool:
    """Return whether a statement has this service as principal and includes this action."""
    principal = statement.get("Principal", {})
    services = [principal] if isinstance(principal, str) else as_list(principal.get("Service", []))
    return bool({"*", service} & set(services)) and matches_action(action, statement.get("Action", []))


def conditions_hold(statement: Mapping[str, Any], context: Mapping[str, Any], if_unknown: bool) -> bool:
    """Return whether all conditions of a statement hold.

    `context` maps condition keys in lower case to values, or to lists of values for ForAllValues. A condition holds
    `if_unknown` when its key is not in `context` or its operator is not in OPERATORS.
    """
    return all(
        _condition_holds(operator, as_list(values), context.get(key.lower()), if_unknown)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _condition_holds(operator: str, values: list[Any], actual: Any, if_unknown: bool) -> bool:
    quantifier, _, operator = operator.rpartition(":")
    compare = OPERATORS.get(operator.removesuffix("IfExists"))
    if operator == "Null":
        return (actual is None) == (str(values[0]).lower() == "true")
    if quantifier == "ForAllValues":
        return compare is not None and all(any(compare(item, value) for value in values) for item in actual or ())
    if compare is None or actual is None:
        return if_unknown or operator.endswith("IfExists")
    return any(compare(actual, value) for value in values)


def matches_action(action: str, patterns: str | list[str]) -> bool:
    """Return whether an action matches the Action element of a statement. Actions are case-insensitive."""
    return any(matches_pattern(action.lower(), pattern.lower()) for pattern in as_list(patterns))


def matches_pattern(text: str, pattern: str) -> bool:
    """Return whether `text` matches an IAM pattern, in which `*` and `?` are the wildcards."""
    return _compile_pattern(pattern).fullmatch(text) is not None


@lru_cache(4096)
def _compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return an IAM pattern as a regular expression. Every request is compared with the same few patterns."""
    parts = (".*" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in pattern)
    return re.compile("".join(parts))


def as_list(value: Any) -> list[Any]:
    """Return an element of a policy, which may be a single value or a list, as a list."""
    return value if isinstance(value, list) else [value]


# The supported condition operators; the first argument is the value of the request.
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": matches_pattern,
    "ArnEquals": matches_pattern,
    "ArnLike": matches_pattern,
    "Bool": lambda actual, expected: actual.lower() == str(expected).lower(),
}
