"""moto's request parsers, made as strict as AWS about JSON types and unknown XML elements."""

from __future__ import annotations

import functools
import json
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS, RequestParserError

# The JSON values that AWS accepts for a shape of this type.
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "long": (int, float),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}
JSON_TYPE_NAMES = {bool: "BOOLEAN", int: "NUMBER", float: "DECIMAL", str: "STRING", list: "ARRAY", dict: "OBJECT"}


@functools.cache
def parser_class(protocol: str) -> Any:
    """Return the request parser for a protocol: `ec2`, `json`, `query`, `rest-json` or `rest-xml`."""
    moto_parser = PROTOCOL_PARSERS[protocol]
    if protocol == "rest-xml":
        return StrictXmlParser
    return type("StrictJsonParser", (_StrictJson, moto_parser), {}) if protocol.endswith("json") else moto_parser


class _StrictJson:
    """Raise TypeError when a member of the body does not have the type of its shape."""

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if node is None:
            return None
        expected = JSON_TYPES.get(shape.type_name)
        in_body = "location" not in shape.serialization and not shape.metadata.get("document")
        if expected and in_body and not _has_type(node, expected):
            article = "an" if shape.type_name[0] in "aeiou" else "a"
            found = f"{JSON_TYPE_NAMES[type(node)]}_VALUE"
            raise TypeError(f"{found} can not be converted to {article} {shape.type_name.capitalize()}")
        return super()._parse_shape(shape, node)  # type: ignore[misc]

    def _parse_body_as_json(self, body: bytes) -> Any:
        return json.loads(body) if body else {}


class StrictXmlParser(PROTOCOL_PARSERS["rest-xml"]):  # type: ignore[misc]
    """Raise RequestParserError for elements that the shape does not have."""

    def _parse_structure(self, shape: Any, node: Any) -> Any:
        names = {self._member_key_name(member, name) for name, member in shape.members.items()}
        unknown = self._build_name_to_xml_node(node).keys() - names
        # The input shape itself has no element: it is the parent of the payload and of parameters in URL and headers.
        if unknown and not any("location" in member.serialization for member in shape.members.values()):
            raise RequestParserError(f"Unknown element {sorted(unknown)[0]}")
        return super()._parse_structure(shape, node)


def _has_type(node: Any, expected: tuple[type, ...]) -> bool:
    """Return whether a JSON value has one of the types; Python counts a bool as an int, JSON does not."""
    return isinstance(node, expected) and not (isinstance(node, bool) and bool not in expected)
