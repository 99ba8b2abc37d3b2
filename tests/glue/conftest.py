"""A local AWS with a bucket for the lake, the five jobs, and a MySQL database behind a Glue connection."""

from __future__ import annotations

import csv
import io
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.connections import Connection

from footlake.database import apply_schema
from footlake.deploy.packaging import zip_glue_modules
from footlake.lake import s3_keys, schemas
from footlake.local.context import Local
from footlake.local.engines.mysql import HOST, DatabaseServer

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "scripts" / "glue"
ASSETS = "glue-tests-assets"
TABLES = ("fixtures", "league_tables", "loaded_parts", "standings", "table_findings", "table_fixtures", "teams")
AUTHORITIES = "glue-tests-authorities"  # the bucket with the certificate of the database
TERMINAL = ("SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED")

Fixture = tuple[object, ...]


class GlueAws:
    """The local AWS with the five jobs."""

    def __init__(self, local: Local) -> None:
        self.local = local
        self.s3, self.glue, self.logs = (local.client(name) for name in ("s3", "glue", "logs"))
        self.s3.create_bucket(Bucket=ASSETS)
        for path in SCRIPTS.glob("*.py"):
            self.s3.put_object(Bucket=ASSETS, Key=f"scripts/{path.name}", Body=path.read_bytes())
        self.s3.put_object(Bucket=ASSETS, Key="scripts/footlake.zip", Body=zip_glue_modules())
        for path in SCRIPTS.glob("*.py"):
            if path.stem != "footlake_glue":
                self.create_job(path.stem)

    def create_job(self, name: str) -> None:
        """Create a job as bootstrap does."""
        self.glue.create_job(
            Name=name,
            Role="GlueRole",
            Command={"Name": "glueetl", "ScriptLocation": f"s3://{ASSETS}/scripts/{name}.py", "PythonVersion": "3"},
            DefaultArguments={
                "--TempDir": f"s3://{ASSETS}/temporary/",
                "--extra-py-files": f"s3://{ASSETS}/scripts/footlake_glue.py,s3://{ASSETS}/scripts/footlake.zip",
                "--enable-metrics": "true",
            },
            GlueVersion="5.1",
        )

    def run(self, job: str, bucket: str, **arguments: str) -> dict[str, Any]:
        """Run a job and return its run when it has ended."""
        given = {"--bucket": bucket} | {f"--{name}": value for name, value in arguments.items()}
        run_id = self.glue.start_job_run(JobName=job, Arguments=given)["JobRunId"]
        while True:
            run: dict[str, Any] = self.glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
            if run["JobRunState"] in TERMINAL:
                return run
            time.sleep(0.05)

    def summary(self, job: str, bucket: str, **arguments: str) -> str:
        """Run a job that must succeed and return its output."""
        run = self.run(job, bucket, **arguments)
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        return self.output(run)

    def output(self, run: dict[str, Any]) -> str:
        """Return what a run printed."""
        events = self.logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=f"{run['Id']}-driver")[
            "events"
        ]
        return "\n".join(event["message"] for event in events)


class LakeBucket:
    """One bucket, filled and read through the S3 API."""

    def __init__(self, aws: GlueAws, name: str) -> None:
        self.aws, self.name = aws, name
        aws.s3.create_bucket(Bucket=name)
        aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, text: str) -> None:
        """Store an object."""
        self.aws.s3.put_object(Bucket=self.name, Key=key, Body=text.encode())

    def put_csv(self, key: str, header: Sequence[str] | None, rows: Iterable[Sequence[object]]) -> None:
        """Store a CSV."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*([header] if header else []), *rows])
        self.put(key, text.getvalue())

    def text(self, key: str) -> str:
        """An object's content."""
        return str(self.aws.s3.get_object(Bucket=self.name, Key=key)["Body"].read().decode())

    def rows(self, key: str) -> list[dict[str, str]]:
        """The rows of a CSV with a header."""
        return list(csv.DictReader(io.StringIO(self.text(key))))

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.aws.s3.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below a prefix."""
        listed = self.aws.s3.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def versions(self) -> set[tuple[str, str]]:
        """Every version of every object of the datasets there has ever been."""
        listed = self.aws.s3.list_object_versions(Bucket=self.name, Prefix=s3_keys.DATASETS)
        return {
            (entry["Key"], entry["VersionId"])
            for kind in ("Versions", "DeleteMarkers")
            for entry in listed.get(kind, [])
        }

    def fixtures(self, part: str, *rows: Fixture) -> None:
        """Store a part's fixtures: id, status, home and away team, home and away goals, perhaps the round."""
        full = [(row[0], row[1], "2020-09-12", "11:30", *row[2:], *([""] * (7 - len(row)))) for row in rows]
        self.put_csv(s3_keys.fixtures(part), schemas.FIXTURE_COLUMNS, full)

    def statistics(self, part: str, *rows: Fixture) -> None:
        """Store a part's statistics: id, home and away team, then each figure for home and away."""
        self.put_csv(s3_keys.statistics(part), schemas.STATISTICS_COLUMNS, rows)


@pytest.fixture(scope="session")
def aws(local_aws: Local) -> GlueAws:
    return GlueAws(local_aws)


@pytest.fixture
def lake(aws: GlueAws) -> LakeBucket:
    return LakeBucket(aws, f"lake-{uuid.uuid4().hex}")


class Mysql:
    """The database `mysqldb`, and the Glue connection to it."""

    def __init__(self, server: DatabaseServer, aws: GlueAws) -> None:
        self.server = server
        aws.s3.create_bucket(Bucket=AUTHORITIES)
        aws.s3.put_object(Bucket=AUTHORITIES, Key="rds-ca.pem", Body=server.certificate.read_bytes())
        url = f"jdbc:mysql://{HOST}:{server.port}/mysqldb"
        aws.glue.create_connection(
            ConnectionInput={
                "Name": "mysqldbconnection",
                "ConnectionType": "JDBC",
                "ConnectionProperties": {"JDBC_CONNECTION_URL": url, "USERNAME": "admin", "PASSWORD": "s3cret: word"},
            }
        )

    def connect(self, database: str = "mysqldb") -> Connection:
        """A connection that commits by itself."""
        return pymysql.connect(
            host=HOST,
            port=self.server.port,
            user="admin",
            password="s3cret: word",
            database=database,
            ssl_ca=str(self.server.certificate),
            autocommit=True,
            # A test that fails in a transaction would let the next TRUNCATE wait for a day.
            init_command="SET lock_wait_timeout = 60",
        )

    def ask(self, statement: str, database: str = "mysqldb") -> list[tuple[Any, ...]]:
        """The rows that a statement returns."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())


@pytest.fixture(scope="session")
def mysql_server(aws: GlueAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mysql]:
    server = DatabaseServer(tmp_path_factory.mktemp("mysql"))
    server.start()
    server.set_master("admin", "s3cret: word")
    server.create_database("mysqldb")
    yield Mysql(server, aws)
    server.stop()


@pytest.fixture
def mysql(mysql_server: Mysql) -> Mysql:
    """The database with the tables of sql/, all empty."""
    return empty_tables(mysql_server)


def empty_tables(mysql: Mysql) -> Mysql:
    """Create missing tables and views, and empty all tables."""
    with mysql.connect() as connection:
        apply_schema(connection, REPOSITORY / "sql")
    for table in TABLES:
        mysql.ask(f"TRUNCATE TABLE {table}")
    return mysql
