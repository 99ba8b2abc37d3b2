"""Glue: the catalog database, the connection to MySQL, crawlers, jobs and triggers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.aws_errors import HIDDEN, get_or_none
from footlake.resources.base import (
    BaseResource,
    Destroyed,
    Ensured,
    OwnedResource,
    Resource,
    differs,
    get_member,
    regional_arn,
)
from footlake.resources.iam import IamRole
from footlake.resources.network import SecurityGroup, glue_subnet
from footlake.resources.rds import DBInstance
from footlake.resources.s3 import Bucket, S3Object, read_or_absent, read_or_hidden

NOT_FOUND = "EntityNotFoundException"
GLUE_VERSION = "5.1"
_STOPPABLE = ("STARTING", "RUNNING", "WAITING")
# Glue's messages while a new role, policy, bucket or Lake Formation grant is not visible everywhere.
_ROLE_NOT_SETTLED = ("should be given assume role permissions", "is unable to assume", "cannot be assumed")
_NOT_GRANTED = "Insufficient Lake Formation permission"
_CRAWLER_NOT_SETTLED = (
    *_ROLE_NOT_SETTLED,
    _NOT_GRANTED,
    "verify the role's TrustPolicy",
    "AWS-Crawler is not authorized",
    "does not exist",
)


class GlueResource(OwnedResource):
    """A resource of Glue, whose tags are read by an ARN made of kind and name."""

    def _indexed_arn(self, aws: AwsContext, state: Any) -> str:
        return regional_arn(aws, "glue", f"{self.kind.removeprefix('glue ')}/{self.name}")

    def _tags(self, aws: AwsContext, state: Any) -> Any:
        return aws.client("glue").get_tags(ResourceArn=self._indexed_arn(aws, state))["Tags"]


@dataclass(frozen=True)
class GlueDatabase(GlueResource):
    """A database of the catalog, with the S3 path of its tables. Its tables are deleted with it.

    `depends_on` are the permissions to create it, where Lake Formation does not leave them to IAM.
    """

    kind = "glue database"

    name: str
    location: str
    depends_on: tuple[Resource, ...] = ()

    @property
    def bucket(self) -> Bucket:
        """The bucket of the location."""
        return Bucket(self.location.removeprefix("s3://").partition("/")[0])

    def _create(self, aws: AwsContext) -> None:
        aws.retry_until_consistent(
            "Lake Formation to allow the creation of the database",
            lambda: aws.client("glue").create_database(DatabaseInput=self._desired(), Tags=aws.config.tags),
            _NOT_GRANTED,
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        if not differs(state, self._desired()):
            return False
        aws.client("glue").update_database(Name=self.name, DatabaseInput=self._desired())
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        glue = aws.client("glue")
        # Glue deletes the tables of a deleted database later. Deleting them first makes their deletion certain.
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=self.name):
            tables = [table["Name"] for table in page["TableList"]]
            if tables:
                glue.batch_delete_table(DatabaseName=self.name, TablesToDelete=tables)
        glue.delete_database(Name=self.name)

    def _desired(self) -> dict[str, str]:
        return {"Name": self.name, "Description": "Football data lake", "LocationUri": self.location}

    def ensure(self, aws: AwsContext) -> Ensured:
        state = read_or_hidden(lambda: self._get(aws))
        try:
            return self._create_or_update(aws, state)
        except aws.client("glue").exceptions.AlreadyExistsException:
            if state is not None:
                raise
            # It was hidden from an administrator whose rights are not visible everywhere yet.
            waiting = "Lake Formation to show the database"
            return self._create_or_update(aws, aws.retry_until_consistent(waiting, lambda: self._get(aws), *HIDDEN))

    def _read(self, aws: AwsContext) -> Any | None:
        return read_or_absent(aws, self.bucket, lambda: self._get(aws))

    def _get(self, aws: AwsContext) -> Any | None:
        return get_member(aws.client("glue").get_database, "Database", NOT_FOUND, Name=self.name)


@dataclass(frozen=True)
class GlueConnection(GlueResource):
    """The JDBC connection from Glue to MySQL. It holds the credentials, so that the jobs do not."""

    kind = "glue connection"

    name: str
    instance: DBInstance
    security_group: SecurityGroup

    def _create(self, aws: AwsContext) -> None:
        aws.client("glue").create_connection(ConnectionInput=self._desired(aws), Tags=aws.config.tags)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        desired = self._desired(aws)
        if not differs(state, desired):
            return False
        aws.client("glue").update_connection(Name=self.name, ConnectionInput=desired)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("glue").delete_connection(ConnectionName=self.name)

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        # The address is read last: it can take minutes, and everything else fails at once.
        subnet, password, group = glue_subnet(aws), self.instance.password.get(aws), self.security_group.id(aws)
        host, port = self.instance.endpoint(aws)
        return {
            "Name": self.name,
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": f"jdbc:mysql://{host}:{port}/{self.instance.database}",
                "USERNAME": self.instance.user,
                "PASSWORD": password,
                "JDBC_ENFORCE_SSL": "true",
            },
            "PhysicalConnectionRequirements": {
                "SubnetId": subnet["SubnetId"],
                "SecurityGroupIdList": [group],
                "AvailabilityZone": subnet["AvailabilityZone"],
            },
        }

    def _read(self, aws: AwsContext) -> Any | None:
        return get_member(
            aws.client("glue").get_connection, "Connection", NOT_FOUND, Name=self.name, HidePassword=False
        )


@dataclass(frozen=True)
class GlueTable(BaseResource):
    """A table of the catalog over the CSV files of a folder; `columns` are Hive types by name.

    It belongs to its database, because tables have no tags. The caller gets the permissions on the database meanwhile.
    """

    kind = "glue table"

    name: str
    database: GlueDatabase
    location: str
    columns: Mapping[str, str]
    header: bool = True

    def ensure(self, aws: AwsContext) -> Ensured:
        glue = aws.client("glue")
        state = read_or_hidden(lambda: self._get(aws))
        if state is None:
            try:
                self._write(aws, glue.create_table)
            except glue.exceptions.AlreadyExistsException:
                # It was hidden from an administrator whose rights are not visible everywhere yet.
                waiting = f"Lake Formation to show the table {self.name}"
                state = aws.retry_until_consistent(waiting, lambda: self._get(aws), *HIDDEN)
            else:
                return "created"
        if not differs(state, self._desired()):
            return "unchanged"
        self._write(aws, glue.update_table)
        return "updated"

    def _write(self, aws: AwsContext, call: Callable[..., Any]) -> None:
        aws.retry_until_consistent(
            f"Lake Formation to allow the table {self.name}",
            lambda: call(DatabaseName=self.database.name, TableInput=self._desired()),
            _NOT_GRANTED,
        )

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        delete = aws.client("glue").delete_table
        aws.retry_until_consistent(
            f"Lake Formation to allow the deletion of table {self.name}",
            lambda: get_or_none(delete, NOT_FOUND, DatabaseName=self.database.name, Name=self.name),
            _NOT_GRANTED,
        )

    def destroy(self, aws: AwsContext) -> Destroyed:
        """Delete the table as soon as the caller, who becomes an administrator meanwhile, may see it."""
        aws.retry_until_consistent(f"Lake Formation to show the table {self.name}", lambda: self._read(aws), *HIDDEN)
        return super().destroy(aws)

    def _is_ours(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        return not self.database.is_foreign(aws)

    def _desired(self) -> dict[str, Any]:
        parameters = {"classification": "csv", "delimiter": ",", "typeOfData": "file"}
        if self.header:
            parameters["skip.header.line.count"] = "1"
        return {
            "Name": self.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": parameters,
            "StorageDescriptor": {
                "Columns": [{"Name": name.lower(), "Type": hive_type} for name, hive_type in self.columns.items()],
                "Location": self.location,
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": ","},
                },
            },
        }

    def _read(self, aws: AwsContext) -> Any | None:
        return read_or_absent(aws, self.database.bucket, lambda: self._get(aws))

    def _get(self, aws: AwsContext) -> Any | None:
        database, table = {"DatabaseName": self.database.name}, aws.client("glue").get_table
        listed = self._listed(aws, "glue", "get_tables", "TableList", {"Name": self.name}, **database)
        return listed or get_member(table, "Table", NOT_FOUND, **database, Name=self.name)


@dataclass(frozen=True)
class GlueCrawler(GlueResource):
    """A crawler over tables of the catalog, or over the tables of a connection.

    A crawl of `tables` keeps their columns and creates no other table. A crawl of their folders would make odd tables
    of files that the CSV classifier does not recognise: those with one row, and those without a header.
    https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html#classifier-builtin-rules

    `depends_on` are the bucket and the role's grants, which Glue checks when the crawler is created.
    """

    kind = "glue crawler"

    name: str
    role: IamRole
    database: GlueDatabase
    schedule: str
    tables: tuple[GlueTable, ...] = ()
    connection: GlueConnection | None = None
    path: str = ""
    depends_on: tuple[Resource, ...] = ()

    def _create(self, aws: AwsContext) -> None:
        self._put(aws, aws.client("glue").create_crawler, Tags=aws.config.tags)

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        schedule = state.get("Schedule", {}).get("ScheduleExpression")
        # Glue returns the role as its name, whether it was set by name or by ARN.
        actual = state | {"Role": state["Role"].rsplit("/", 1)[-1]}
        if schedule == self.schedule and not differs(actual, self._desired(aws) | {"Role": self.role.name}):
            return False
        self._put(aws, aws.client("glue").update_crawler)
        return True

    def _put(self, aws: AwsContext, call: Callable[..., Any], **tags: Any) -> None:
        aws.retry_until_consistent(
            f"role {self.role.name} to be usable by {self.label}",
            lambda: call(**self._desired(aws), Schedule=self.schedule, **tags),
            *_CRAWLER_NOT_SETTLED,
        )

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        glue = aws.client("glue")
        if state["State"] != "READY":
            get_or_none(glue.stop_crawler, "CrawlerNotRunningException", "CrawlerStoppingException", Name=self.name)
            aws.wait_until(
                f"crawler {self.name} to stop",
                lambda: True if (self._read(aws) or {"State": "READY"})["State"] == "READY" else None,
                every=5,
                limit=300,
            )
        glue.delete_crawler(Name=self.name)

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        targets: dict[str, Any] = {}
        schema_changes = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}
        if self.tables:
            names = [table.name for table in self.tables]
            targets["CatalogTargets"] = [{"DatabaseName": self.database.name, "Tables": names}]
            schema_changes = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
        if self.connection:
            targets["JdbcTargets"] = [{"ConnectionName": self.connection.name, "Path": self.path}]
        return {
            "Name": self.name,
            "Role": self.role.arn(aws),
            "DatabaseName": self.database.name,
            "Targets": targets,
            "SchemaChangePolicy": schema_changes,
        }

    def _read(self, aws: AwsContext) -> Any | None:
        listed = self._listed(
            aws, "glue", "batch_get_crawlers", "Crawlers", {"Name": self.name}, CrawlerNames=self._names(aws)
        )
        return listed or get_member(aws.client("glue").get_crawler, "Crawler", NOT_FOUND, Name=self.name)


@dataclass(frozen=True)
class GlueJob(GlueResource):
    """A Spark job on `workers` workers, at least two. Its timeout (minutes) limits its price."""

    kind = "glue job"

    name: str
    role: IamRole
    script: S3Object
    libraries: tuple[S3Object, ...]
    lake_bucket: Bucket
    arguments: Mapping[str, str] = field(default_factory=dict)
    connection: GlueConnection | None = None
    workers: int = 2
    timeout: int = 10

    def _create(self, aws: AwsContext) -> None:
        aws.retry_until_consistent(
            f"role {self.role.name} to be usable",
            lambda: aws.client("glue").create_job(Name=self.name, Tags=aws.config.tags, **self._desired(aws)),
            *_ROLE_NOT_SETTLED,
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        desired = self._desired(aws)
        if not differs(state, desired):
            return False
        aws.client("glue").update_job(JobName=self.name, JobUpdate=desired)
        return True

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        glue = aws.client("glue")
        stoppable = self._run_ids(aws, *_STOPPABLE)
        if stoppable:
            glue.batch_stop_job_run(JobName=self.name, JobRunIds=stoppable)
            # A stopping run still writes to its logs and holds its network interfaces.
            aws.wait_until(
                f"job {self.name} to stop",
                lambda: None if self._run_ids(aws, *_STOPPABLE, "STOPPING") else True,
                every=5,
                limit=300,
            )
        glue.delete_job(JobName=self.name)

    def _run_ids(self, aws: AwsContext, *states: str) -> list[str]:
        """Return the ids of the runs in these states, which can only be among the newest."""
        runs = aws.client("glue").get_job_runs(JobName=self.name, MaxResults=10)["JobRuns"]
        return [run["Id"] for run in runs if run["JobRunState"] in states]

    def _desired(self, aws: AwsContext) -> dict[str, Any]:
        desired: dict[str, Any] = {
            "Role": self.role.arn(aws),
            "Command": {"Name": "glueetl", "ScriptLocation": self.script.uri, "PythonVersion": "3"},
            "GlueVersion": GLUE_VERSION,
            "WorkerType": "G.1X",
            "NumberOfWorkers": self.workers,
            "Timeout": self.timeout,
            "MaxRetries": 0,
            "DefaultArguments": {
                "--bucket": self.lake_bucket.name,
                "--TempDir": f"s3://{self.script.bucket.name}/temporary/",
                "--extra-py-files": ",".join(library.uri for library in self.libraries),
                **self.arguments,
            },
        }
        if self.connection:
            desired["Connections"] = {"Connections": [self.connection.name]}
        return desired

    def _read(self, aws: AwsContext) -> Any | None:
        listed = self._listed(aws, "glue", "batch_get_jobs", "Jobs", {"Name": self.name}, JobNames=self._names(aws))
        return listed or get_member(aws.client("glue").get_job, "Job", NOT_FOUND, JobName=self.name)


@dataclass(frozen=True)
class GlueTrigger(GlueResource):
    """A trigger that starts jobs on a schedule."""

    kind = "glue trigger"

    name: str
    schedule: str
    jobs: tuple[GlueJob, ...]

    def _create(self, aws: AwsContext) -> None:
        aws.client("glue").create_trigger(
            Name=self.name, Type="SCHEDULED", StartOnCreation=True, Tags=aws.config.tags, **self._desired()
        )

    def _update(self, aws: AwsContext, state: dict[str, Any]) -> bool:
        glue = aws.client("glue")
        drifted = differs(state, self._desired())
        inactive = state["State"] not in ("ACTIVATED", "ACTIVATING")
        if drifted:
            glue.update_trigger(Name=self.name, TriggerUpdate={"Name": self.name, **self._desired()})
        if inactive:
            glue.start_trigger(Name=self.name)
        return drifted or inactive

    def _delete(self, aws: AwsContext, state: dict[str, Any]) -> None:
        aws.client("glue").delete_trigger(Name=self.name)

    def _desired(self) -> dict[str, Any]:
        return {"Schedule": self.schedule, "Actions": [{"JobName": job.name} for job in self.jobs]}

    def _read(self, aws: AwsContext) -> Any | None:
        listed = self._listed(
            aws, "glue", "batch_get_triggers", "Triggers", {"Name": self.name}, TriggerNames=self._names(aws)
        )
        trigger = listed or get_member(aws.client("glue").get_trigger, "Trigger", NOT_FOUND, Name=self.name)
        return None if trigger is None or trigger["State"] == "DELETING" else trigger
