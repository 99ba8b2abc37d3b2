"""Write a crawl's tables to the Data Catalog.

A table is a TableInput of the Glue API, and under PARTITIONS the PartitionInputs that belong to it:
https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Table = dict[str, Any]
PARTITIONS = "Partitions"
TABLE_INPUT_KEYS = ("Name", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")


def catalog_name(text: str) -> str:
    """Return the name that a crawler gives a table or partition key."""
    return re.sub(r"[^a-z0-9_]", "_", text.lower())


def table_input(
    name: str,
    storage: Mapping[str, Any],
    parameters: Mapping[str, str],
    partition_keys: Sequence[Mapping[str, str]] = (),
    partitions: Sequence[Mapping[str, Any]] = (),
) -> Table:
    """Return a table with the keys and parameters that a crawler gives every table."""
    parameters = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "compressionType": "none",
        **parameters,
    }
    return {
        "Name": catalog_name(name),
        "Owner": "owner",
        "Retention": 0,
        "StorageDescriptor": {**storage, "Parameters": parameters},
        "PartitionKeys": list(partition_keys),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        PARTITIONS: list(partitions),
    }


def storage_descriptor(columns: Mapping[str, str], location: str, **settings: Any) -> dict[str, Any]:
    """Return a StorageDescriptor; `columns` are Hive types by column name."""
    return {
        "Columns": [{"Name": name, "Type": hive_type} for name, hive_type in columns.items()],
        "Location": location,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "BucketColumns": [],
        "SortColumns": [],
        "StoredAsSubDirectories": False,
        **settings,
    }


def write_tables(glue: Any, crawler: Any, tables: Sequence[Table]) -> Iterator[str]:
    """Create, update and delete the crawler's tables as its SchemaChangePolicy says; yields a log line per change."""
    database = crawler.database_name
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    existing: dict[str, Table] = {table["Name"]: table for page in pages for table in page["TableList"]}
    for table in tables:
        yield from _write_table(glue, crawler, existing, table)
    names = {table["Name"] for table in tables}
    for name, table in existing.items():
        if name not in names and table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") == crawler.name:
            yield from _remove_table(glue, crawler, table)


def _write_table(glue: Any, crawler: Any, existing: dict[str, Table], table: Table) -> Iterator[str]:
    database, policy = crawler.database_name, crawler.schema_change_policy or {}
    partitions = table.pop(PARTITIONS)
    name = table["Name"] = _unique_name(table, existing)
    if name not in existing:
        glue.create_table(DatabaseName=database, TableInput=table)
        yield f"Created table {name} in database {database}"
    elif any(existing[name].get(key) != table[key] for key in ("StorageDescriptor", "PartitionKeys", "Parameters")):
        if policy.get("UpdateBehavior") == "LOG":
            yield f"Table {name} in database {database} has changed"
        else:
            glue.update_table(DatabaseName=database, TableInput=table)
            yield f"Updated table {name} in database {database}"
    existing[name] = table
    for partition in partitions:
        with contextlib.suppress(glue.exceptions.AlreadyExistsException):
            glue.create_partition(DatabaseName=database, TableName=name, PartitionInput=partition)


def _unique_name(table: Table, existing: Mapping[str, Table]) -> str:
    """Return the name of the table with the same location, or a new one, with a hash if the name is in use."""
    location = _location(table)
    for name, other in existing.items():
        if _location(other) == location:
            return name
    name = str(table["Name"])
    if name not in existing:
        return name
    return f"{name}_{hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()}"


def _remove_table(glue: Any, crawler: Any, table: Table) -> Iterator[str]:
    name, database = table["Name"], crawler.database_name
    behavior = (crawler.schema_change_policy or {}).get("DeleteBehavior", "DEPRECATE_IN_DATABASE")
    if behavior == "DELETE_FROM_DATABASE":
        glue.delete_table(DatabaseName=database, Name=name)
        yield f"Deleted table {name} from database {database}"
    elif behavior == "DEPRECATE_IN_DATABASE" and "DEPRECATED_BY_CRAWLER" not in table["Parameters"]:
        update = {key: table[key] for key in TABLE_INPUT_KEYS if key in table}
        update["Parameters"] |= {"DEPRECATED_BY_CRAWLER": str(int(time.time() * 1000))}
        glue.update_table(DatabaseName=database, TableInput=update)
        yield f"Deprecated table {name} in database {database}"


def _location(table: Mapping[str, Any]) -> str:
    return str(table["StorageDescriptor"].get("Location", ""))
