"""Glue crawlers that really crawl: they read the objects, or ask the database, and write the Data Catalog's tables."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from urllib.parse import urlsplit

from footlake.local.context import Local
from footlake.local.engines.crawler_schemas import Schema, classify, hive

LOGS = "/aws-glue/crawlers"
SAMPLE_BYTES = 1 << 20
SAMPLE_FILES = 20  # of one folder, evenly spread

Table = dict[str, Any]  # a TableInput and, under PARTITIONS, the PartitionInputs that go with it
PARTITIONS = "Partitions"
Known = dict[tuple[str, ...], Schema | None]  # bucket, key, ETag, classifiers → what a crawl made of that object


class Cancelled(Exception):
    """The crawler was told to stop."""


def install(local: Local) -> None:
    """Make Glue's crawlers real."""
    from moto.core.utils import utcnow
    from moto.glue.exceptions import (
        CrawlerNotFoundException,
        CrawlerNotRunningException,
        CrawlerRunningException,
        GlueClientError,
    )
    from moto.glue.models import FakeCrawl, FakeCrawler, GlueBackend

    known: Known = {}

    def start_crawler(self: Any) -> None:
        if self.status != "READY":
            raise CrawlerRunningException(f"Crawler with name {self.name} has already started")
        crawl = FakeCrawl(self.name)
        crawl.dpu_hour, crawl.error_message, crawl.cancelled = 0, None, False
        self.crawls.append(crawl)
        local.background(lambda: run(self, crawl), f"crawler-{self.name}")

    def stop_crawler(self: Any) -> None:
        if self.status == "STOPPING":
            raise GlueClientError("CrawlerStoppingException", f"Crawler with name {self.name} is stopping")
        if self.status != "RUNNING":
            raise CrawlerNotRunningException(f"Crawler with name {self.name} isn't running")
        self.crawls[-1].status, self.crawls[-1].cancelled = "STOPPING", True

    def run(crawler: Any, crawl: Any) -> None:
        region, role = crawler.backend.region_name, crawler.role
        lines: list[str] = []

        def say(kind: str, line: str) -> None:
            lines.append(f"[{crawl.crawl_id}] {kind} : {line}")

        def check() -> None:
            if crawl.cancelled:
                raise Cancelled

        say("BENCHMARK", f"Running Start Crawl for Crawler {crawler.name}")
        state = "FAILED"
        try:
            glue = local.client("glue", region, role)
            glue.get_database(Name=crawler.database_name)
            found = list(_found(local, crawler, check, known))
            say("BENCHMARK", f"Classification complete, writing results to database {crawler.database_name}")
            check()
            crawl.status = "STOPPING"
            for line in write(glue, crawler, found):
                say("INFO", line)
            state = "COMPLETED"
        except Cancelled:
            state = "STOPPED"
        except Exception as error:
            crawl.error_message = str(error)
            say("ERROR", str(error))
        say("BENCHMARK", "Crawler has finished running and is in state READY")
        try:
            local.log(LOGS, crawler.name, lines, region, role)
        finally:
            _end(crawl, state)

    def delete_crawler(self: Any, name: str) -> None:
        if name not in self.crawlers:
            raise CrawlerNotFoundException(name)
        if self.crawlers[name].status != "READY":
            raise CrawlerRunningException(f"Crawler with name {name} is running")
        del self.crawlers[name]

    described = FakeCrawler.__dict__.get("_moto_as_dict", FakeCrawler.as_dict)

    def as_dict(self: Any) -> dict[str, Any]:
        description: dict[str, Any] = described(self)
        running = self.crawls and self.crawls[-1].end_time is None
        if running:
            elapsed = utcnow() - self.crawls[-1].start_time
            description["CrawlElapsedTime"] = int(elapsed.total_seconds() * 1000)
        description.pop("LastCrawl", None)
        if ended := [crawl for crawl in self.crawls if crawl.end_time]:
            last = ended[-1]
            description["LastCrawl"] = {
                "Status": {"COMPLETED": "SUCCEEDED", "STOPPED": "CANCELLED"}.get(last.status, last.status),
                "ErrorMessage": last.error_message,
                "LogGroup": LOGS,
                "LogStream": self.name,
                "MessagePrefix": last.crawl_id,
                "StartTime": last.start_time,
            }
        return description

    FakeCrawler._moto_as_dict = described
    FakeCrawler.as_dict = as_dict
    FakeCrawler.start_crawler = start_crawler
    FakeCrawler.stop_crawler = stop_crawler
    GlueBackend.delete_crawler = delete_crawler
    # Only the crawl itself moves on: moto would do it as it is looked at.
    FakeCrawl.status = property(lambda self: self._status, lambda self, value: setattr(self, "_status", value))
    FakeCrawl.advance = lambda self: None


def resume(local: Local) -> None:
    """Fail the crawls that a stop of the local AWS has cut off."""
    from moto.glue.models import glue_backends

    for regions in glue_backends.values():
        for backend in regions.values():
            for crawler in backend.crawlers.values():
                for crawl in crawler.crawls:
                    if crawl.end_time is None:
                        crawl.error_message = "The local AWS was stopped while this crawl was in progress"
                        _end(crawl, "FAILED")


def _end(crawl: Any, state: str) -> None:
    from moto.core.utils import utcnow

    crawl.end_time = utcnow()
    crawl.status = state


def _found(local: Local, crawler: Any, check: Callable[[], None], known: Known) -> Iterator[Table]:
    """The tables of all of a crawler's targets, as TableInputs; `check` raises when the crawl shall end."""
    region, role = crawler.backend.region_name, crawler.role
    glue, s3 = local.client("glue", region, role), local.client("s3", region, role)
    classifiers = [glue.get_classifier(Name=name)["Classifier"] for name in crawler.classifiers or ()]
    prefix = crawler.table_prefix or ""
    for target in crawler.targets.get("S3Targets", ()):
        for files in s3_tables(s3, target["Path"], target.get("Exclusions", ()), classifiers, check, known):
            yield files.table(prefix, crawler.name)
    for target in crawler.targets.get("JdbcTargets", ()):
        check()
        connection = glue.get_connection(Name=target["ConnectionName"])["Connection"]
        yield from jdbc_tables(connection, target["Path"], prefix, crawler.name)


@dataclass
class S3Folder:
    """The files that lie directly in one folder, and the schemas of some of them."""

    path: str  # ends with "/", or is a file's key
    sizes: dict[str, int] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How far down the folder is."""
        return self.path.count("/")


@dataclass
class Files:
    """The folders that make up one table."""

    bucket: str
    path: str
    folders: Sequence[S3Folder]

    def table(self, prefix: str, crawler: str) -> Table:
        """The TableInput with which a crawler describes them."""
        schema = reduce(Schema.merged, (schema for folder in self.folders for schema in folder.schemas.values()))
        sizes = [size for folder in self.folders for size in folder.sizes.values()]
        record = max(1, schema.size // max(1, schema.records))
        parameters = {
            "CrawlerSchemaDeserializerVersion": "1.0",
            "CrawlerSchemaSerializerVersion": "1.0",
            "UPDATED_BY_CRAWLER": crawler,
            "averageRecordSize": str(record),
            "classification": schema.format,
            "compressionType": "none",
            "objectCount": str(len(sizes)),
            "recordCount": str(sum(sizes) // record),
            "sizeKey": str(sum(sizes)),
            "typeOfData": "file",
        }
        if schema.format == "csv":
            quoted = str(schema.quoted).lower()
            parameters |= {"areColumnsQuoted": quoted, "columnsOrdered": "true", "delimiter": schema.delimiter}
        if schema.header:
            parameters["skip.header.line.count"] = "1"
        return {
            "Name": _name(prefix + self.path.rstrip("/").rpartition("/")[2]),
            "Owner": "owner",
            "Retention": 0,
            "StorageDescriptor": self._storage(schema, self.path) | {"Parameters": parameters},
            "PartitionKeys": [{"Name": name, "Type": "string"} for name in self._partition_keys()],
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            PARTITIONS: [
                {"Values": values, "StorageDescriptor": self._storage(schema, folder.path)}
                for folder in self.folders
                if (values := [level.rpartition("=")[2] for level in self._levels(folder)])
            ],
        }

    def _storage(self, schema: Schema, path: str) -> dict[str, Any]:
        return {
            "Columns": [{"Name": name, "Type": hive(kind)} for name, kind in schema.columns.items()],
            "Location": f"s3://{self.bucket}/{path}",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": _serde(schema),
            "BucketColumns": [],
            "SortColumns": [],
            "StoredAsSubDirectories": False,
        }

    def _partition_keys(self) -> list[str]:
        """`season` for folders such as `season=2020`, else `partition_0` …"""
        levels = enumerate(self._levels(self.folders[0]))
        return [_name(level.split("=")[0]) if "=" in level else f"partition_{index}" for index, level in levels]

    def _levels(self, folder: S3Folder) -> list[str]:
        below = folder.path.removeprefix(self.path).rstrip("/")
        return below.split("/") if below else []


def _serde(schema: Schema) -> dict[str, Any]:
    if schema.format == "json":
        library, parameters = "org.openx.data.jsonserde.JsonSerDe", {"paths": ",".join(sorted(schema.columns))}
    elif schema.serde == "OpenCSVSerDe" or (schema.quoted and schema.serde != "LazySimpleSerDe"):
        library = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
        parameters = {"escapeChar": "\\", "quoteChar": '"', "separatorChar": schema.delimiter}
    else:
        library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
        parameters = {"field.delim": schema.delimiter}
    return {"SerializationLibrary": library, "Parameters": parameters}


def s3_tables(
    s3: Any,
    path: str,
    exclusions: Sequence[str],
    classifiers: Sequence[Mapping[str, Any]],
    check: Callable[[], None],
    known: Known,
) -> Iterator[Files]:
    """The tables below an include path; of what is `known` the objects are not read again."""
    place = urlsplit(path)
    prefix = place.path.strip("/") + "/" if place.path.strip("/") else ""
    excluded = [re.compile(_glob(pattern)) for pattern in exclusions]
    folders: dict[str, S3Folder] = {}
    etags = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=prefix):
        for entry in page.get("Contents", ()):
            below = entry["Key"].removeprefix(prefix)
            hidden = any(name.startswith(("_", ".")) for name in below.split("/"))
            if entry["Size"] and not hidden and not any(pattern.fullmatch(below) for pattern in excluded):
                parent = entry["Key"][: entry["Key"].rfind("/") + 1]
                folders.setdefault(parent, S3Folder(parent)).sizes[entry["Key"]] = entry["Size"]
                etags[entry["Key"]] = entry["ETag"]
    for folder in folders.values():
        keys = sorted(folder.sizes)
        for key in keys[:: math.ceil(len(keys) / SAMPLE_FILES)]:
            check()
            version = (place.netloc, key, etags[key], str(classifiers))
            if version not in known:
                known[version] = classify(_beginning(s3, place.netloc, key), classifiers)
            if schema := known[version]:
                folder.schemas[key] = schema
    yield from _grouped(place.netloc, prefix, [folder for folder in folders.values() if folder.schemas])


def _beginning(s3: Any, bucket: str, key: str) -> str:
    """The first lines of an object."""
    body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{SAMPLE_BYTES - 1}")["Body"].read()
    text = str(body.decode("utf-8-sig", errors="replace"))
    return text[: text.rfind("\n") + 1] if len(body) == SAMPLE_BYTES else text


def _grouped(bucket: str, path: str, folders: Sequence[S3Folder]) -> Iterator[Files]:
    """One table if all files below `path` are alike, their folders its partitions; else each subfolder by itself.

    A file that lies beside unlike ones is a table of its own.
    """
    schemas = [schema for folder in folders for schema in folder.schemas.values()]
    if not schemas:
        return
    if len({folder.depth for folder in folders}) == 1 and all(map(schemas[0].resembles, schemas)):
        yield Files(bucket, path, folders)
        return
    below: dict[str, list[S3Folder]] = {}
    for folder in folders:
        if folder.path != path:
            below.setdefault(path + folder.path.removeprefix(path).split("/")[0] + "/", []).append(folder)
            continue
        for key, schema in folder.schemas.items():
            yield Files(bucket, key, [S3Folder(key, {key: folder.sizes[key]}, {key: schema})])
    for child, inside in below.items():
        yield from _grouped(bucket, child, inside)


def _glob(pattern: str) -> str:
    """An exclude pattern of Glue as a regular expression: `*` stays within a folder, `**` does not."""
    meanings = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|", "[!": "[^", "[": "[", "]": "]"}
    tokens = re.findall(r"\*\*|\[!|.", pattern, flags=re.DOTALL)
    return "".join(meanings.get(token, re.escape(token) if token != "-" else "-") for token in tokens)


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", text.lower())


def jdbc_tables(connection: Mapping[str, Any], path: str, prefix: str, crawler: str) -> Iterator[Table]:
    """The tables of a MySQL database that match a path such as `mysqldb/%`, as TableInputs."""
    import ssl

    import pymysql

    properties = connection["ConnectionProperties"]
    url = urlsplit(properties["JDBC_CONNECTION_URL"].removeprefix("jdbc:"))
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    database, _, table = path.partition("/")
    columns: dict[tuple[str, str], list[dict[str, str]]] = {}
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
        cursor.execute(
            "SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns"
            " WHERE table_schema LIKE %s AND table_name LIKE %s"
            " ORDER BY table_schema, table_name, ordinal_position",
            (database, table or "%"),
        )
        for schema, name, column, kind in cursor.fetchall():
            columns.setdefault((schema, name), []).append({"Name": column.lower(), "Type": _from_mysql(kind)})
    for (schema, name), found in columns.items():
        parameters = {
            "CrawlerSchemaDeserializerVersion": "1.0",
            "CrawlerSchemaSerializerVersion": "1.0",
            "UPDATED_BY_CRAWLER": crawler,
            "classification": "mysql",
            "compressionType": "none",
            "connectionName": connection["Name"],
            "typeOfData": "table",
        }
        yield {
            "Name": _name(f"{prefix}{schema}_{name}"),
            "Owner": "owner",
            "Retention": 0,
            "StorageDescriptor": {
                "Columns": found,
                "Location": f"{schema}.{name}",
                "Compressed": False,
                "NumberOfBuckets": -1,
                "SerdeInfo": {"Parameters": {}},
                "BucketColumns": [],
                "SortColumns": [],
                "Parameters": parameters,
                "StoredAsSubDirectories": False,
            },
            "PartitionKeys": [],
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            PARTITIONS: [],
        }


def _from_mysql(kind: str) -> str:
    """MySQL's column type as the Data Catalog's."""
    name = kind.split("(")[0].split()[0]
    if name == "decimal":
        return kind.split()[0]
    same = ("int", "bigint", "smallint", "tinyint", "double", "float", "date")
    return name if name in same else {"datetime": "timestamp", "timestamp": "timestamp"}.get(name, "string")


def write(glue: Any, crawler: Any, tables: Sequence[Table]) -> Iterator[str]:
    """Bring the found tables into the crawler's database; yields what was done, a sentence at a time."""
    database = crawler.database_name
    policy = crawler.schema_change_policy or {}
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    there = {table["Name"]: table for page in pages for table in page["TableList"]}
    for found in tables:
        partitions = found.pop(PARTITIONS)
        location = _location(found)
        name = next((name for name, table in there.items() if _location(table) == location), found["Name"])
        if name in there and _location(there[name]) != location:  # taken by another folder
            name = f"{name}_{hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()}"
        found["Name"] = name
        if name not in there:
            glue.create_table(DatabaseName=database, TableInput=found)
            yield f"Created table {name} in database {database}"
        elif any(there[name].get(part) != found[part] for part in ("StorageDescriptor", "PartitionKeys", "Parameters")):
            if policy.get("UpdateBehavior") == "LOG":
                yield f"Table {name} in database {database} has changed"
            else:
                glue.update_table(DatabaseName=database, TableInput=found)
                yield f"Updated table {name} in database {database}"
        there[name] = found
        for partition in partitions:
            with contextlib.suppress(glue.exceptions.AlreadyExistsException):
                glue.create_partition(DatabaseName=database, TableName=name, PartitionInput=partition)
    kept = {table["Name"] for table in tables}
    for name, table in there.items():
        if name in kept or table.get("Parameters", {}).get("UPDATED_BY_CRAWLER") != crawler.name:
            continue
        behavior = policy.get("DeleteBehavior", "DEPRECATE_IN_DATABASE")
        if behavior == "DELETE_FROM_DATABASE":
            glue.delete_table(DatabaseName=database, Name=name)
            yield f"Deleted table {name} from database {database}"
        elif behavior == "DEPRECATE_IN_DATABASE" and "DEPRECATED_BY_CRAWLER" not in table["Parameters"]:
            fields = ("Name", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
            kept_fields = {part: table[part] for part in fields if part in table}
            kept_fields["Parameters"] |= {"DEPRECATED_BY_CRAWLER": str(int(time.time() * 1000))}
            glue.update_table(DatabaseName=database, TableInput=kept_fields)
            yield f"Deprecated table {name} in database {database}"


def _location(table: Mapping[str, Any]) -> str:
    return str(table["StorageDescriptor"].get("Location", ""))
