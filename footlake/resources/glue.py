"""The Glue catalog and the work that fills it: crawlers, jobs, triggers, the connection to MySQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.aws import AwsContext
from footlake.resources.base import Destroyed, Ensured, Resource, differs, get_or_none, is_owned, require_owned
from footlake.resources.iam import IamRole
from footlake.resources.network import SecurityGroup, subnets
from footlake.resources.rds import DBInstance
from footlake.resources.s3 import Bucket, S3Object

NOT_FOUND = "EntityNotFoundException"
GLUE_VERSION = "5.1"
_STOPPABLE = ("STARTING", "RUNNING", "WAITING")
# What Glue says while a new role, its policy, a bucket or a grant of Lake Formation's is not known everywhere.
_ROLE_NOT_SETTLED = ("should be given assume role permissions", "is unable to assume", "cannot be assumed")
_NOT_GRANTED = "Insufficient Lake Formation permission"
_CRAWLER_NOT_SETTLED = (
    *_ROLE_NOT_SETTLED,
    _NOT_GRANTED,
    "verify the role's TrustPolicy",
    "AWS-Crawler is not authorized",
    "does not exist",
)


def _arn(aws: AwsContext, kind: str, name: str) -> str:
    return f"arn:aws:glue:{aws.config.region}:{aws.config.account}:{kind}/{name}"


def _tags(aws: AwsContext, kind: str, name: str) -> Any:
    return aws.client("glue").get_tags(ResourceArn=_arn(aws, kind, name))["Tags"]


def _claim(aws: AwsContext, resource: Resource, kind: str, name: str) -> None:
    require_owned(aws, resource.label, lambda: _tags(aws, kind, name), _arn(aws, kind, name))


@dataclass(frozen=True)
class GlueDatabase:
    """A database of the catalog, with the S3 path of its tables; its tables go with it.

    `after` is what gives the right to make it where Lake Formation does not leave that to IAM.
    """

    name: str
    location: str
    depends_on: tuple[Resource, ...] = ()

    @property
    def label(self) -> str:
        return f"glue database {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        glue, database = aws.client("glue"), self._read(aws)
        wanted = {"Name": self.name, "Description": "Football data lake", "LocationUri": self.location}
        if database is None:
            aws.retry_until_consistent(
                "Lake Formation to allow a database",
                lambda: glue.create_database(DatabaseInput=wanted, Tags=aws.config.tags),
                _NOT_GRANTED,
            )
            return "created"
        _claim(aws, self, "database", self.name)
        if not differs(database, wanted):
            return "unchanged"
        glue.update_database(Name=self.name, DatabaseInput=wanted)
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, _tags(aws, "database", self.name)):
            return "kept"
        glue = aws.client("glue")
        # Deleting a database leaves its tables to be collected later; seeing them gone is better.
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=self.name):
            names = [table["Name"] for table in page["TableList"]]
            if names:
                glue.batch_delete_table(DatabaseName=self.name, TablesToDelete=names)
        glue.delete_database(Name=self.name)
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("glue").get_database, NOT_FOUND, Name=self.name)
        return answer["Database"] if answer else None


@dataclass(frozen=True)
class GlueConnection:
    """The JDBC connection through which Glue reaches MySQL; it holds the credentials, so that no job has to."""

    name: str
    instance: DBInstance
    security_group: SecurityGroup

    @property
    def label(self) -> str:
        return f"glue connection {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        glue, connection = aws.client("glue"), self._read(aws)
        if connection is not None:
            _claim(aws, self, "connection", self.name)
        wanted = self._wanted(aws)
        if connection is None:
            glue.create_connection(ConnectionInput=wanted, Tags=aws.config.tags)
            return "created"
        if not differs(connection, wanted):
            return "unchanged"
        glue.update_connection(Name=self.name, ConnectionInput=wanted)
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, _tags(aws, "connection", self.name)):
            return "kept"
        aws.client("glue").delete_connection(ConnectionName=self.name)
        return "deleted"

    def _wanted(self, aws: AwsContext) -> dict[str, Any]:
        # The instance takes minutes: all else is looked up by then.
        subnet, password, group = subnets(aws)[0], self.instance.password.get(aws), self.security_group.id(aws)
        host, port = self.instance.address(aws)
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

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("glue").get_connection, NOT_FOUND, Name=self.name, HidePassword=False)
        return answer["Connection"] if answer else None


@dataclass(frozen=True)
class GlueCrawler:
    """A crawler over folders of a bucket, or over the tables behind a connection.

    `after` are the bucket and what its role is granted, which Glue looks at as it makes the crawler.
    """

    name: str
    role: IamRole
    database: GlueDatabase
    schedule: str
    folders: tuple[str, ...] = ()
    connection: GlueConnection | None = None
    path: str = ""
    depends_on: tuple[Resource, ...] = ()

    @property
    def label(self) -> str:
        return f"glue crawler {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        glue, crawler = aws.client("glue"), self._read(aws)
        wanted = self._wanted(aws)
        if crawler is None:
            self._settled(aws, lambda: glue.create_crawler(**wanted, Schedule=self.schedule, Tags=aws.config.tags))
            return "created"
        _claim(aws, self, "crawler", self.name)
        schedule = crawler.get("Schedule", {}).get("ScheduleExpression")
        # The role comes back as its name, whether it was given as name or ARN.
        actual = crawler | {"Role": crawler["Role"].rsplit("/", 1)[-1]}
        if schedule == self.schedule and not differs(actual, wanted | {"Role": self.role.name}):
            return "unchanged"
        self._settled(aws, lambda: glue.update_crawler(**wanted, Schedule=self.schedule))
        return "updated"

    def _settled(self, aws: AwsContext, call: Callable[[], Any]) -> None:
        aws.retry_until_consistent(f"role {self.role.name} to be usable by {self.label}", call, *_CRAWLER_NOT_SETTLED)

    def destroy(self, aws: AwsContext) -> Destroyed:
        crawler = self._read(aws)
        if crawler is None:
            return "absent"
        if not is_owned(aws, _tags(aws, "crawler", self.name)):
            return "kept"
        glue = aws.client("glue")
        if crawler["State"] != "READY":
            get_or_none(glue.stop_crawler, "CrawlerNotRunningException", "CrawlerStoppingException", Name=self.name)
            aws.wait_until(
                f"crawler {self.name} to stop",
                lambda: True if (self._read(aws) or {"State": "READY"})["State"] == "READY" else None,
                every=5,
                limit=300,
            )
        glue.delete_crawler(Name=self.name)
        return "deleted"

    def _wanted(self, aws: AwsContext) -> dict[str, Any]:
        targets: dict[str, Any] = {}
        if self.folders:
            targets["S3Targets"] = [{"Path": folder} for folder in self.folders]
        if self.connection:
            targets["JdbcTargets"] = [{"ConnectionName": self.connection.name, "Path": self.path}]
        return {
            "Name": self.name,
            "Role": self.role.arn(aws),
            "DatabaseName": self.database.name,
            "Targets": targets,
            "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"},
        }

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("glue").get_crawler, NOT_FOUND, Name=self.name)
        return answer["Crawler"] if answer else None


@dataclass(frozen=True)
class GlueJob:
    """A Spark job on so many workers, of which Glue takes two at least; its timeout (minutes) bounds its price."""

    name: str
    role: IamRole
    script: S3Object
    libraries: tuple[S3Object, ...]
    lake_bucket: Bucket
    arguments: Mapping[str, str] = field(default_factory=dict)
    connection: GlueConnection | None = None
    workers: int = 2
    timeout: int = 10

    @property
    def label(self) -> str:
        return f"glue job {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        glue, job = aws.client("glue"), self._read(aws)
        wanted = self._wanted(aws)
        if job is None:
            aws.retry_until_consistent(
                f"role {self.role.name} to be usable",
                lambda: glue.create_job(Name=self.name, Tags=aws.config.tags, **wanted),
                *_ROLE_NOT_SETTLED,
            )
            return "created"
        _claim(aws, self, "job", self.name)
        if not differs(job, wanted):
            return "unchanged"
        glue.update_job(JobName=self.name, JobUpdate=wanted)
        return "updated"

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, _tags(aws, "job", self.name)):
            return "kept"
        glue = aws.client("glue")
        active = self._runs(aws, *_STOPPABLE)
        if active:
            glue.batch_stop_job_run(JobName=self.name, JobRunIds=active)
            # A run that is still stopping writes to its logs and holds its network interfaces.
            aws.wait_until(
                f"job {self.name} to stop",
                lambda: None if self._runs(aws, *_STOPPABLE, "STOPPING") else True,
                every=5,
                limit=300,
            )
        glue.delete_job(JobName=self.name)
        return "deleted"

    def _runs(self, aws: AwsContext, *states: str) -> list[str]:
        """The ids of the runs in these states; only the newest ones can be."""
        runs = aws.client("glue").get_job_runs(JobName=self.name, MaxResults=10)["JobRuns"]
        return [run["Id"] for run in runs if run["JobRunState"] in states]

    def _wanted(self, aws: AwsContext) -> dict[str, Any]:
        temporary = f"s3://{self.script.bucket.name}/temporary/"
        wanted: dict[str, Any] = {
            "Role": self.role.arn(aws),
            "Command": {"Name": "glueetl", "ScriptLocation": self.script.uri, "PythonVersion": "3"},
            "GlueVersion": GLUE_VERSION,
            "WorkerType": "G.1X",
            "NumberOfWorkers": self.workers,
            "Timeout": self.timeout,
            "MaxRetries": 0,
            "DefaultArguments": {
                "--bucket": self.lake_bucket.name,
                "--TempDir": temporary,
                "--extra-py-files": ",".join(library.uri for library in self.libraries),
                **self.arguments,
            },
        }
        if self.connection:
            wanted["Connections"] = {"Connections": [self.connection.name]}
        return wanted

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("glue").get_job, NOT_FOUND, JobName=self.name)
        return answer["Job"] if answer else None


@dataclass(frozen=True)
class GlueTrigger:
    """Starts jobs on a schedule."""

    name: str
    schedule: str
    jobs: tuple[GlueJob, ...]

    @property
    def label(self) -> str:
        return f"glue trigger {self.name}"

    def exists(self, aws: AwsContext) -> bool:
        return self._read(aws) is not None

    def ensure(self, aws: AwsContext) -> Ensured:
        glue, trigger = aws.client("glue"), self._read(aws)
        wanted = {"Schedule": self.schedule, "Actions": [{"JobName": job.name} for job in self.jobs]}
        if trigger is None:
            glue.create_trigger(Name=self.name, Type="SCHEDULED", StartOnCreation=True, Tags=aws.config.tags, **wanted)
            return "created"
        _claim(aws, self, "trigger", self.name)
        outcome: Ensured = "unchanged"
        if differs(trigger, wanted):
            glue.update_trigger(Name=self.name, TriggerUpdate={"Name": self.name, **wanted})
            outcome = "updated"
        if trigger["State"] not in ("ACTIVATED", "ACTIVATING"):
            glue.start_trigger(Name=self.name)
            outcome = "updated"
        return outcome

    def destroy(self, aws: AwsContext) -> Destroyed:
        if not self.exists(aws):
            return "absent"
        if not is_owned(aws, _tags(aws, "trigger", self.name)):
            return "kept"
        aws.client("glue").delete_trigger(Name=self.name)
        return "deleted"

    def _read(self, aws: AwsContext) -> dict[str, Any] | None:
        answer = get_or_none(aws.client("glue").get_trigger, NOT_FOUND, Name=self.name)
        trigger = answer["Trigger"] if answer else None
        return trigger if trigger and trigger["State"] != "DELETING" else None
