"""Crawl the objects below an S3 path: classify a sample of them and group their folders into tables."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from urllib.parse import urlsplit

from footlake.local.engines.crawler_catalog import Table, catalog_name, storage_descriptor, table_input
from footlake.local.engines.crawler_schemas import Schema, classify, hive_type

SAMPLE_BYTES = 1 << 20  # read at the start of each object
SAMPLE_FILES = 20  # classified in each folder, evenly spread

SchemaCache = dict[tuple[str, ...], Schema]  # by bucket, key, ETag and classifiers


def crawl_s3(
    s3: Any,
    path: str,
    exclusions: Sequence[str],
    classifiers: Sequence[Mapping[str, Any]],
    raise_if_stopped: Callable[[], None],
    cache: SchemaCache,
) -> Iterator[S3Table]:
    """Yield the tables below an include path; objects in `cache` are not read again."""
    url = urlsplit(path)
    bucket = url.netloc
    prefix = url.path.strip("/") + "/" if url.path.strip("/") else ""
    folders: dict[str, S3Folder] = {}
    etags = {}
    for entry in _list_files(s3, bucket, prefix, exclusions):
        key = entry["Key"]
        parent = key[: key.rfind("/") + 1]
        folders.setdefault(parent, S3Folder(parent)).sizes[key] = entry["Size"]
        etags[key] = entry["ETag"]
    for folder in folders.values():
        keys = sorted(folder.sizes)
        for key in keys[:: math.ceil(len(keys) / SAMPLE_FILES)]:
            raise_if_stopped()
            version = (bucket, key, etags[key], str(classifiers))
            if version not in cache:
                cache[version] = classify(_read_first_lines(s3, bucket, key), classifiers)
            folder.schemas[key] = cache[version]
    yield from group_into_tables(bucket, prefix, [folder for folder in folders.values() if folder.schemas])


def _list_files(s3: Any, bucket: str, prefix: str, exclusions: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the listing's entries without empty, hidden (`_` or `.`) and excluded objects."""
    excluded = [re.compile(glob_to_regex(pattern)) for pattern in exclusions]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            path = entry["Key"].removeprefix(prefix)
            hidden = any(name.startswith(("_", ".")) for name in path.split("/"))
            if entry["Size"] and not hidden and not any(pattern.fullmatch(path) for pattern in excluded):
                yield entry


def _read_first_lines(s3: Any, bucket: str, key: str) -> str:
    """Return the complete lines among an object's first SAMPLE_BYTES."""
    body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{SAMPLE_BYTES - 1}")["Body"].read()
    text = str(body.decode("utf-8-sig", errors="replace"))
    return text[: text.rfind("\n") + 1] if len(body) == SAMPLE_BYTES else text


def glob_to_regex(pattern: str) -> str:
    """Translate an exclude pattern: `*` matches within a folder, `**` across folders.

    https://docs.aws.amazon.com/glue/latest/dg/define-crawler-choose-data-sources.html
    """
    regexes = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|", "[!": "[^", "[": "[", "]": "]"}
    tokens = re.findall(r"\*\*|\[!|.", pattern, flags=re.DOTALL)
    return "".join(regexes.get(token, re.escape(token) if token != "-" else "-") for token in tokens)


@dataclass
class S3Folder:
    """The files directly in one folder, and the schemas of the sampled ones."""

    path: str  # ends with "/", or is the key of a single file
    sizes: dict[str, int] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """The number of folders in the path."""
        return self.path.count("/")


def group_into_tables(bucket: str, path: str, folders: Sequence[S3Folder]) -> Iterator[S3Table]:
    """Yield one table if all files below `path` have similar schemas; its subfolders are partitions.

    Otherwise each subfolder is grouped separately, and each file directly in `path` becomes a table.
    """
    schemas = [schema for folder in folders for schema in folder.schemas.values()]
    if not schemas:
        return
    if len({folder.depth for folder in folders}) == 1 and all(map(schemas[0].resembles, schemas)):
        yield S3Table(bucket, path, folders)
        return
    subfolders: dict[str, list[S3Folder]] = {}
    for folder in folders:
        if folder.path != path:
            child = path + folder.path.removeprefix(path).split("/")[0] + "/"
            subfolders.setdefault(child, []).append(folder)
            continue
        for key, schema in folder.schemas.items():
            yield S3Table(bucket, key, [S3Folder(key, {key: folder.sizes[key]}, {key: schema})])
    for child, child_folders in subfolders.items():
        yield from group_into_tables(bucket, child, child_folders)


@dataclass
class S3Table:
    """The folders of one table."""

    bucket: str
    path: str
    folders: Sequence[S3Folder]

    def table_input(self, prefix: str, crawler: str) -> Table:
        """Return the table for the Data Catalog; `prefix` is the crawler's TablePrefix."""
        schema = reduce(Schema.merge, (schema for folder in self.folders for schema in folder.schemas.values()))
        partitions = [
            {"Values": values, "StorageDescriptor": self._storage(schema, folder.path)}
            for folder in self.folders
            if (values := [level.rpartition("=")[2] for level in self._levels(folder)])
        ]
        return table_input(
            prefix + self.path.rstrip("/").rpartition("/")[2],
            self._storage(schema, self.path),
            self._parameters(schema, crawler),
            [{"Name": name, "Type": "string"} for name in self._partition_keys()],
            partitions,
        )

    def _parameters(self, schema: Schema, crawler: str) -> dict[str, str]:
        sizes = [size for folder in self.folders for size in folder.sizes.values()]
        record_size = max(1, schema.size // max(1, schema.records))
        parameters = {
            "UPDATED_BY_CRAWLER": crawler,
            "averageRecordSize": str(record_size),
            "classification": schema.format,
            "objectCount": str(len(sizes)),
            "recordCount": str(sum(sizes) // record_size),
            "sizeKey": str(sum(sizes)),
            "typeOfData": "file",
        }
        if schema.format == "csv":
            quoted = str(schema.quoted).lower()
            parameters |= {"areColumnsQuoted": quoted, "columnsOrdered": "true", "delimiter": schema.delimiter}
        if schema.header:
            parameters["skip.header.line.count"] = "1"
        return parameters

    def _storage(self, schema: Schema, path: str) -> dict[str, Any]:
        return storage_descriptor(
            {name: hive_type(column_type) for name, column_type in schema.columns.items()},
            f"s3://{self.bucket}/{path}",
            InputFormat="org.apache.hadoop.mapred.TextInputFormat",
            OutputFormat="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            SerdeInfo=_serde_info(schema),
        )

    def _partition_keys(self) -> list[str]:
        """Return `season` for folders such as `season=2020`, otherwise `partition_0`, `partition_1`, …"""
        levels = enumerate(self._levels(self.folders[0]))
        return [catalog_name(level.split("=")[0]) if "=" in level else f"partition_{index}" for index, level in levels]

    def _levels(self, folder: S3Folder) -> list[str]:
        """Return the names of the folders between the table's path and `folder`."""
        relative_path = folder.path.removeprefix(self.path).rstrip("/")
        return relative_path.split("/") if relative_path else []


def _serde_info(schema: Schema) -> dict[str, Any]:
    if schema.format == "json":
        library, parameters = "org.openx.data.jsonserde.JsonSerDe", {"paths": ",".join(sorted(schema.columns))}
    elif schema.serde == "OpenCSVSerDe" or (schema.quoted and schema.serde != "LazySimpleSerDe"):
        library = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
        parameters = {"escapeChar": "\\", "quoteChar": '"', "separatorChar": schema.delimiter}
    else:
        library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
        parameters = {"field.delim": schema.delimiter}
    return {"SerializationLibrary": library, "Parameters": parameters}
