"""Classify files as a Glue crawler does: CSV or JSON, columns and their types.

The rules are those of Glue's built-in classifiers:
https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

DELIMITERS = (",", "|", "\t", ";", "\x01")
SIMILARITY_THRESHOLD = 0.7  # share of common columns from which on two files belong to one table

# A struct is a dict of types, an array is a list with one type; other types are strings, Hive's names.
ColumnType = Any
UNKNOWN = ""  # no value seen yet

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z_][\w .:#/()-]{0,149}")
_NUMERIC_TYPES = ("int", "bigint", "double")


@dataclass(frozen=True)
class Schema:
    """The format and columns of similar files, with the number of records and bytes (`size`) that were read."""

    format: str
    columns: Mapping[str, ColumnType]
    records: int
    size: int
    delimiter: str = ","
    quoted: bool = False
    header: bool = False
    serde: str = ""

    def resembles(self, other: Schema) -> bool:
        """Return whether files with these schemas belong to one table."""
        if (self.format, self.delimiter, self.header) != (other.format, other.delimiter, other.header):
            return False
        common = sum(
            name in other.columns and is_compatible(column_type, other.columns[name])
            for name, column_type in self.columns.items()
        )
        return common >= SIMILARITY_THRESHOLD * max(len(self.columns), len(other.columns))

    def merge(self, other: Schema) -> Schema:
        """Return the schema of a table with the files of both."""
        return replace(
            self,
            columns=common_type(dict(self.columns), dict(other.columns)),
            quoted=self.quoted or other.quoted,
            records=self.records + other.records,
            size=self.size + other.size,
        )


def classify(text: str, classifiers: Iterable[Mapping[str, Mapping[str, Any]]] = ()) -> Schema:
    """Return the schema of the first lines of a file; without columns, as UNKNOWN, if they are neither JSON nor CSV.

    `classifiers` are custom classifiers as GetClassifier returns them. CSV classifiers precede the built-in ones.
    """
    for classifier in classifiers:
        if "CsvClassifier" in classifier and (schema := _parse_custom_csv(text, classifier["CsvClassifier"])):
            return schema
    return _parse_json(text) or _parse_csv(text) or Schema("UNKNOWN", {}, 0, len(text.encode()))


def hive_type(column_type: ColumnType) -> str:
    """Return a type in the Data Catalog's syntax, such as `array<struct<id:int,name:string>>`."""
    if isinstance(column_type, dict):
        return f"struct<{','.join(f'{name}:{hive_type(field)}' for name, field in column_type.items())}>"
    if isinstance(column_type, list):
        return f"array<{hive_type(column_type[0])}>"
    return str(column_type) or "string"


def common_type(first: ColumnType, second: ColumnType) -> ColumnType:
    """Return the narrowest type that holds values of both."""
    if first == second or second == UNKNOWN:
        return first
    if first == UNKNOWN:
        return second
    if isinstance(first, dict) and isinstance(second, dict):
        return first | {name: common_type(first.get(name, UNKNOWN), field) for name, field in second.items()}
    if isinstance(first, list) and isinstance(second, list):
        return [common_type(first[0], second[0])]
    if first in _NUMERIC_TYPES and second in _NUMERIC_TYPES:
        return max(first, second, key=_NUMERIC_TYPES.index)
    return "string"


def is_compatible(first: ColumnType, second: ColumnType) -> bool:
    """Return whether values of both types fit one column without becoming strings."""
    return bool(first == second or common_type(first, second) != "string")


def _parse_json(text: str) -> Schema | None:
    """Return the schema of consecutive JSON documents, which may span lines; an array becomes the column `array`."""
    decoder, documents, position = json.JSONDecoder(), [], 0
    while start := re.compile(r"\s*").match(text, position):
        if start.end() == len(text):
            break
        try:
            document, position = decoder.raw_decode(text, start.end())
        except json.JSONDecodeError:
            break
        if not isinstance(document, dict | list):
            return None
        documents.append({"array": document} if isinstance(document, list) else document)
    if not documents:
        return None
    columns = reduce(common_type, map(_json_type, documents))
    lowercase_columns = {name.lower(): column_type for name, column_type in columns.items()}
    return Schema("json", lowercase_columns, len(documents), len(text.encode()))


def _json_type(value: Any) -> ColumnType:
    if isinstance(value, dict):
        return {name: _json_type(item) for name, item in value.items()}
    if isinstance(value, list):
        return [reduce(common_type, map(_json_type, value), UNKNOWN)]
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if -(2**31) <= value < 2**31 else "bigint"
    return {bool: "boolean", float: "double", str: "string"}.get(type(value), UNKNOWN)


def _parse_csv(text: str) -> Schema | None:
    """Return the schema if there are at least two rows of data and two columns, and all rows have as many columns."""
    for delimiter in DELIMITERS:
        rows = _read_csv(text, delimiter, '"')
        if len(rows) >= 2 and len(rows[0]) >= 2 and all(len(row) == len(rows[0]) for row in rows):
            header = _has_header(rows)
            if len(rows) - header >= 2:
                return _csv_schema(text, rows, header, delimiter, '"')
    return None


def _parse_custom_csv(text: str, classifier: Mapping[str, Any]) -> Schema | None:
    delimiter, quote = classifier.get("Delimiter", ","), classifier.get("QuoteSymbol", '"')
    names = classifier.get("Header", ())
    rows = _read_csv(text, delimiter, quote)
    columns = len(rows[0]) if rows else 0
    if columns < 1 + (not classifier.get("AllowSingleColumn")) or (names and len(names) != columns):
        return None
    contains = classifier.get("ContainsHeader", "UNKNOWN")
    header = contains == "PRESENT" or (contains == "UNKNOWN" and _has_header(rows))
    return _csv_schema(text, rows, header, delimiter, quote, names, classifier.get("Serde", ""))


def _read_csv(text: str, delimiter: str, quote: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote) if row]


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row has names only and the other rows a value that is not a string (Glue's rule)."""
    are_names = all(_NAME.fullmatch(name.strip()) for name in rows[0])
    return are_names and any(_csv_type(cell) not in ("string", UNKNOWN) for row in rows[1:] for cell in row)


def _csv_schema(
    text: str,
    rows: Sequence[Sequence[str]],
    header: bool,
    delimiter: str,
    quote: str,
    names: Sequence[str] = (),
    serde: str = "",
) -> Schema:
    data = rows[1:] if header else rows
    column_names = names or (rows[0] if header else [f"col{index}" for index in range(len(rows[0]))])
    columns = {
        name.strip().lower(): reduce(common_type, (_csv_type(row[index]) for row in data if index < len(row)), UNKNOWN)
        for index, name in enumerate(column_names)
    }
    return Schema("csv", columns, len(data), len(text.encode()), delimiter, quote in text, header, serde)


def _csv_type(cell: str) -> ColumnType:
    cell = cell.strip()
    if not cell:
        return UNKNOWN
    if _INTEGER.fullmatch(cell):
        return "bigint"
    return "double" if _NUMBER.fullmatch(cell) else "string"
