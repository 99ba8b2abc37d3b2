"""What a Glue crawler makes of a file: CSV or JSON, its columns and their types.

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
SAME_SCHEMA = 0.7  # files belong together when this share of their columns is common to both

# A value's type while files are read: a dict for a struct, a list of one type for an array, otherwise a Hive type.
Kind = Any
UNKNOWN = ""  # no value seen yet

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAME = re.compile(r"[A-Za-z_][\w .:#/()-]{0,149}")
_WIDER = ("int", "bigint", "double")


@dataclass(frozen=True)
class Schema:
    """The format and columns of a file or of several alike, and how many records of how many bytes were looked at."""

    format: str
    columns: Mapping[str, Kind]
    records: int
    size: int
    delimiter: str = ","
    quoted: bool = False
    header: bool = False
    serde: str = ""

    def resembles(self, other: Schema) -> bool:
        """Whether both could be files of one table."""
        if (self.format, self.delimiter, self.header) != (other.format, other.delimiter, other.header):
            return False
        common = sum(name in other.columns and _alike(kind, other.columns[name]) for name, kind in self.columns.items())
        return common >= SAME_SCHEMA * max(len(self.columns), len(other.columns))

    def merged(self, other: Schema) -> Schema:
        """The schema that holds the files of both."""
        return replace(
            self,
            columns=merge(dict(self.columns), dict(other.columns)),
            quoted=self.quoted or other.quoted,
            records=self.records + other.records,
            size=self.size + other.size,
        )


def classify(text: str, classifiers: Iterable[Mapping[str, Mapping[str, Any]]] = ()) -> Schema | None:
    """The schema of a file's beginning, in whole lines, or None if it is neither JSON nor CSV.

    `classifiers` are custom CSV classifiers as GetClassifier returns them; they are tried before the built-in ones.
    """
    for classifier in classifiers:
        if "CsvClassifier" in classifier and (schema := _custom_csv(text, classifier["CsvClassifier"])):
            return schema
    return _json(text) or _csv(text)


def hive(kind: Kind) -> str:
    """A type as the Data Catalog writes it, such as `array<struct<id:int,name:string>>`."""
    if isinstance(kind, dict):
        return f"struct<{','.join(f'{name}:{hive(item)}' for name, item in kind.items())}>"
    if isinstance(kind, list):
        return f"array<{hive(kind[0])}>"
    return str(kind) or "string"


def merge(one: Kind, other: Kind) -> Kind:
    """The narrowest type that holds values of both."""
    if one == other or other == UNKNOWN:
        return one
    if one == UNKNOWN:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {name: merge(one.get(name, UNKNOWN), kind) for name, kind in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        return [merge(one[0], other[0])]
    if one in _WIDER and other in _WIDER:
        return max(one, other, key=_WIDER.index)
    return "string"


def _alike(one: Kind, other: Kind) -> bool:
    return bool(one == other or merge(one, other) != "string")


def _json(text: str) -> Schema | None:
    """Documents one after another, be it one on each line or a single one over many."""
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
    columns = reduce(merge, map(_json_kind, documents))
    lower = {name.lower(): kind for name, kind in columns.items()}
    return Schema("json", lower, len(documents), len(text.encode()))


def _json_kind(value: Any) -> Kind:
    if isinstance(value, dict):
        return {name: _json_kind(item) for name, item in value.items()}
    if isinstance(value, list):
        return [reduce(merge, map(_json_kind, value), UNKNOWN)]
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if -(2**31) <= value < 2**31 else "bigint"
    return {bool: "boolean", float: "double", str: "string"}.get(type(value), UNKNOWN)


def _csv(text: str) -> Schema | None:
    """At least two rows of at least two columns, all rows alike."""
    for delimiter in DELIMITERS:
        rows = _rows(text, delimiter, '"')
        if len(rows) >= 2 and len(rows[0]) >= 2 and all(len(row) == len(rows[0]) for row in rows):
            return _table(text, rows, _has_header(rows), delimiter, '"')
    return None


def _custom_csv(text: str, classifier: Mapping[str, Any]) -> Schema | None:
    delimiter, quote = classifier.get("Delimiter", ","), classifier.get("QuoteSymbol", '"')
    names = classifier.get("Header", ())
    rows = _rows(text, delimiter, quote)
    columns = len(rows[0]) if rows else 0
    if columns < 1 + (not classifier.get("AllowSingleColumn")) or (names and len(names) != columns):
        return None
    contains = classifier.get("ContainsHeader", "UNKNOWN")
    header = contains == "PRESENT" or (contains == "UNKNOWN" and _has_header(rows))
    return _table(text, rows, header, delimiter, quote, names, classifier.get("Serde", ""))


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote) if row]


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Glue's rule: the first row holds names only, and below it there is something that is not a string."""
    named = all(_NAME.fullmatch(name.strip()) for name in rows[0])
    return named and any(_csv_kind(cell) not in ("string", UNKNOWN) for row in rows[1:] for cell in row)


def _table(
    text: str,
    rows: Sequence[Sequence[str]],
    header: bool,
    delimiter: str,
    quote: str,
    names: Sequence[str] = (),
    serde: str = "",
) -> Schema:
    data = rows[1:] if header else rows
    found = names or (rows[0] if header else [f"col{index}" for index in range(len(rows[0]))])
    columns = {
        name.strip().lower(): reduce(merge, (_csv_kind(row[index]) for row in data if index < len(row)), UNKNOWN)
        for index, name in enumerate(found)
    }
    return Schema("csv", columns, len(data), len(text.encode()), delimiter, quote in text, header, serde)


def _csv_kind(cell: str) -> Kind:
    cell = cell.strip()
    if not cell:
        return UNKNOWN
    if _INTEGER.fullmatch(cell):
        return "bigint"
    return "double" if _NUMBER.fullmatch(cell) else "string"
