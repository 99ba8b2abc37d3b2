"""Crawl the tables of a MySQL database through a Glue connection."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pymysql

from footlake.local.engines.crawler_catalog import Table, storage_descriptor, table_input

# The Data Catalog's type by MySQL's; all others become strings.
HIVE_TYPES = {name: name for name in ("int", "bigint", "smallint", "tinyint", "double", "float", "date")} | {
    "datetime": "timestamp",
    "timestamp": "timestamp",
}
QUERY = """
SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns
WHERE table_schema LIKE %s AND table_name LIKE %s
ORDER BY table_schema, table_name, ordinal_position
"""


def crawl_jdbc(connection: Mapping[str, Any], path: str, prefix: str, crawler: str) -> Iterator[Table]:
    """Yield the tables that match an include path such as `mysqldb/%`; `prefix` is the crawler's TablePrefix."""
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for database, name, column, mysql_type in _query_columns(connection["ConnectionProperties"], path):
        tables.setdefault((database, name), {})[column.lower()] = _hive_type(mysql_type)
    for (database, name), columns in tables.items():
        parameters = {
            "UPDATED_BY_CRAWLER": crawler,
            "classification": "mysql",
            "connectionName": connection["Name"],
            "typeOfData": "table",
        }
        storage = storage_descriptor(columns, f"{database}.{name}", SerdeInfo={"Parameters": {}})
        yield table_input(f"{prefix}{database}_{name}", storage, parameters)


def _query_columns(properties: Mapping[str, str], path: str) -> list[tuple[str, str, str, str]]:
    """Return database, table, column and column type of all matching columns, sorted by table."""
    url = urlsplit(properties["JDBC_CONNECTION_URL"].removeprefix("jdbc:"))
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    database, _, table = path.partition("/")
    with (
        pymysql.connect(
            host=url.hostname,
            port=url.port or 3306,
            user=properties["USERNAME"],
            password=properties["PASSWORD"],
            ssl=tls,
        ) as session,
        session.cursor() as cursor,
    ):
        cursor.execute(QUERY, (database, table or "%"))
        return list(cursor.fetchall())


def _hive_type(mysql_type: str) -> str:
    """Return the Data Catalog's type for a type of MySQL such as `int(11) unsigned`."""
    name = mysql_type.split("(")[0].split()[0]
    if name == "decimal":
        return mysql_type.split()[0]
    return HIVE_TYPES.get(name, "string")
