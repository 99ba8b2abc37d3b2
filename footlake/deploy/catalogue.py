"""The catalogue of every standing resource, in sections after the original walk-through.

https://github.com/mbahra/AWS_Data_Engineer is the walk-through. Section numbers are its chapters.

A resource holds the resources that it depends on. Each section function returns its resources after those that they
depend on, in its own list or in that of an earlier section. `bootstrap` creates the catalogue in that order,
`teardown` deletes it in the opposite one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import footlake
from footlake.config import Config
from footlake.data.package_files import package_folder
from footlake.database import certificate_authorities
from footlake.deploy import packaging
from footlake.errors import FootlakeCommand, Hint
from footlake.handlers import variables
from footlake.lake import s3_keys, schemas
from footlake.resources import role_policies
from footlake.resources.base import Resource
from footlake.resources.budgets import Budget
from footlake.resources.cloudwatch import Alarm, Dashboard, EventLog, SnsTopic
from footlake.resources.events import EventRule
from footlake.resources.glue import GlueConnection, GlueCrawler, GlueDatabase, GlueJob, GlueTable, GlueTrigger
from footlake.resources.iam import IamRole, PermissionsBoundary
from footlake.resources.lakeformation import DataLakeAdministrator, DataLakeLocation, DropGrant, LakeFormationGrant
from footlake.resources.lambdas import FailureDestination, LambdaFunction, LambdaLayer, LambdaPermission
from footlake.resources.logs import LogGroup
from footlake.resources.network import EndpointSecurityGroup, S3Endpoint, SecurityGroup
from footlake.resources.rds import DBInstance, DBParameterGroup, DBSubnetGroup
from footlake.resources.s3 import Bucket, BucketNotification, S3Object
from footlake.resources.sagemaker import SageMakerModels
from footlake.resources.scheduler import DatabaseSchedule, ScheduleGroup
from footlake.resources.sqs import SqsQueue
from footlake.resources.ssm import SecretParameter
from footlake.resources.walkthrough_extras import (
    IamUser,
    ManagedPolicies,
    S3InterfaceEndpoint,
    StudioDomain,
    StudioUserProfile,
)

# The module with the handler of each function, and its timeout in seconds.
FUNCTIONS = {
    "etlGetFixtures": ("etl_get_fixtures", 30),
    "etlGetStatistics": ("etl_get_statistics", 90),
    "etlGetXGoals": ("etl_get_xgoals", 60),
}
FUNCTION_LOGS = tuple(LogGroup(f"/aws/lambda/{name}") for name in FUNCTIONS)
# Log groups shared with the rest of the account. footlake creates them to give them a retention, and deletes only
# those that it created.
GLUE_LOGS = tuple(LogGroup(f"/aws-glue/{name}", shared=True) for name in ("jobs/output", "jobs/error", "crawlers"))
SAGEMAKER_LOGS = tuple(
    LogGroup(f"/aws/sagemaker/{name}Jobs", shared=True) for name in ("Processing", "Training", "Transform")
)
NO_API_KEY = (
    "No API-Football key is set.",
    Hint(
        "Get a key (the free plan is enough to start) and set FOOTLAKE_API_KEY. Then run ",
        FootlakeCommand("bootstrap"),
        ".",
    ),
)
# Minute and hour (UTC) of the weekly steps, see Config.weekly.
FETCH_TIME, TEAM_ROWS_TIME, LOAD_TIME = "0 8", "0 9", "0 10"
RETRY_SCHEDULE = "rate(30 minutes)"
# A sleeping database is stopped after the weekly load, and again every six hours: AWS starts an instance that was
# stopped for seven days, and a command that is killed leaves it running.
STOP_SCHEDULE = "cron(0 0,6,12,18 * * ? *)"
AWAKE_HOURS = 8  # more than from one stop to the next
TEAM_STATISTICS_JOBS = ("hometeamstatistics", "awayteamstatistics")
DROP_IDS_JOB = "dropids"
MYSQL_JOBS = ("mysqldbingestion", "teamsmysqldbingestion")
CRAWLERS = ("S3datalake", "mysqldb")
GLUE_JOBS = (*TEAM_STATISTICS_JOBS, DROP_IDS_JOB, *MYSQL_JOBS)
GLUE_SHARED_MODULE = "footlake_glue"
CRAWL_EVENT = "Glue Crawler State Change"
_MATCHED_EVENTS = ("AWS/Events", "TriggeredRules")  # the metric of an EventBridge rule


def catalogue(config: Config, everything: bool = False) -> list[Resource]:
    """Return every standing resource of the lake, dependencies first. `config` must have its account and region.

    With `everything`, also those that other settings would add: `teardown` looks for all of them.
    """
    if everything:
        config = replace(config, database="weekly")  # which has every part of the database
    shared = SharedResources(config, everything)
    sections = (
        account,
        database_server,
        database_schedules,
        data_lake,
        data_catalog,
        models,
        functions,
        function_triggers,
        glue_scripts,
        training_rows,
        mysql_loading,
        walkthrough_extras,
        monitoring,
    )
    return [resource for section in sections for resource in section(shared)]


def superfluous(config: Config) -> list[Resource]:
    """Return the resources that the lake has with another value of the setting `database`, dependencies first."""
    needed = {resource.label for resource in catalogue(config)}
    return [one for one in catalogue(replace(config, database="weekly")) if one.label not in needed]


def start_schedule(config: Config) -> str:
    """Return the schedule (UTC) that wakes a sleeping database: half an hour before the weekly load."""
    return config.weekly("30 9")


def api_key_secret(config: Config) -> SecretParameter:
    """Return the SSM parameter with the key for API-Football."""
    return SecretParameter(config.api_key_parameter, config.api_key, missing=NO_API_KEY)


def mysql_instance(config: Config) -> DBInstance:
    """Return the MySQL instance with its password, subnets, parameters and security group."""
    return DBInstance(
        config.mysql_instance,
        config.mysql_database,
        config.mysql_user,
        SecretParameter(config.mysql_password_parameter, generated=True),
        DBSubnetGroup(config.mysql_instance),
        DBParameterGroup(config.mysql_instance),
        SecurityGroup(config.mysql_instance, config.client_address),
        sleeps=config.database == "weekly",
    )


@dataclass(frozen=True)
class SharedResources:
    """The resources to which more than one section refers; one of these sections lists each of them."""

    config: Config
    everything: bool

    @property
    def has_alerts(self) -> bool:
        """Whether the catalogue has the resources that send e-mail."""
        return bool(self.config.alert_email) or self.everything

    @property
    def has_walkthrough_extras(self) -> bool:
        """Whether the catalogue has the parts of the original walk-through that footlake replaces by default."""
        return self.config.as_documented or self.everything

    @property
    def has_database(self) -> bool:
        """Whether the catalogue has MySQL, what Glue needs to reach it, and the jobs that load it."""
        return self.config.database != "none"

    @cached_property
    def database_server(self) -> DBInstance:
        return mysql_instance(self.config)

    @cached_property
    def boundary(self) -> PermissionsBoundary:
        return PermissionsBoundary(self.config.boundary, role_policies.boundary(self.config))

    @cached_property
    def bucket(self) -> Bucket:
        return Bucket(self.config.bucket, short_lived=(s3_keys.TRANSFORM_INPUTS, s3_keys.LEASES))

    @cached_property
    def glue_role(self) -> IamRole:
        policy = role_policies.glue(self.config)
        return IamRole(self.config.glue_role, "glue.amazonaws.com", policy, self.boundary, GLUE_LOGS)

    @cached_property
    def administrator(self) -> DataLakeAdministrator:
        return DataLakeAdministrator(self.config.administrators_parameter)

    @cached_property
    def glue_database(self) -> GlueDatabase:
        return GlueDatabase(
            self.config.glue_database, f"s3://{self.bucket.name}/{s3_keys.DATASETS}", (self.administrator,)
        )

    @cached_property
    def location(self) -> DataLakeLocation:
        return DataLakeLocation(self.bucket, self.administrator)

    @cached_property
    def grants(self) -> tuple[LakeFormationGrant, ...]:
        role, database, administrator = self.glue_role, self.glue_database, self.administrator
        return (
            LakeFormationGrant(role, ("DATA_LOCATION_ACCESS",), self.location, administrator),
            LakeFormationGrant(role, ("ALTER", "CREATE_TABLE", "DESCRIBE"), database, administrator),
            LakeFormationGrant(role, ("ALL",), database, administrator, tables=True),
        )

    @cached_property
    def sagemaker_role(self) -> IamRole:
        policy = role_policies.sagemaker(self.config)
        return IamRole(self.config.sagemaker_role, "sagemaker.amazonaws.com", policy, self.boundary, SAGEMAKER_LOGS)

    @cached_property
    def models(self) -> SageMakerModels:
        return SageMakerModels(self.config.model, self.sagemaker_role, self.bucket)

    @cached_property
    def lambda_role(self) -> IamRole:
        policy = role_policies.handlers(self.config)
        return IamRole(self.config.lambda_role, "lambda.amazonaws.com", policy, self.boundary, FUNCTION_LOGS)

    @cached_property
    def layer(self) -> LambdaLayer:
        return LambdaLayer("footlake-requests", packaging.zip_layer())

    @cached_property
    def functions(self) -> tuple[LambdaFunction, ...]:
        """The functions in the order of FUNCTIONS."""
        code, environment = packaging.zip_handlers(), _function_environment(self.config)
        return tuple(
            LambdaFunction(
                name,
                f"footlake.handlers.{module}.handler",
                self.lambda_role,
                code,
                self.layer,
                log_group,
                timeout,
                environment,
                starts=self.models if module == "etl_get_xgoals" else None,
            )
            for log_group, (name, (module, timeout)) in zip(FUNCTION_LOGS, FUNCTIONS.items(), strict=True)
        )

    @cached_property
    def failed_events(self) -> SqsQueue:
        rules = [*FUNCTIONS, *map(retry_rule, FUNCTIONS)]
        return SqsQueue(self.config.failed_events_queue, tuple(rules))

    @cached_property
    def transform_ended(self) -> EventRule:
        """The rule that invokes etlGetXGoals when a batch transform ends."""
        pattern = _transforms_ended(self.config, "Completed", "Failed", "Stopped")
        return EventRule("etlGetXGoals", self.functions[-1], pattern=pattern, dead_letters=self.failed_events)

    @cached_property
    def assets_bucket(self) -> Bucket:
        return Bucket(
            self.config.assets_bucket,
            shared=True,
            # Glue writes the lists of a job's input files there.
            written=tuple(f"temporary/partitionlisting/{job}/" for job in GLUE_JOBS),
        )

    @property
    def glue_jobs(self) -> tuple[str, ...]:
        """The names of the Glue jobs."""
        return tuple(name for name in GLUE_JOBS if self.has_database or name not in MYSQL_JOBS)

    @cached_property
    def glue_scripts(self) -> dict[str, S3Object]:
        """The script of each Glue job, and the module that they share."""
        folder = package_folder("glue")
        return {
            name: S3Object(self.assets_bucket, f"scripts/{name}.py", (folder / f"{name}.py").read_bytes())
            for name in (*self.glue_jobs, GLUE_SHARED_MODULE)
        }

    @cached_property
    def glue_libraries(self) -> tuple[S3Object, ...]:
        """The files that every Glue job imports from: the shared module, and modules of footlake."""
        modules = S3Object(self.assets_bucket, "scripts/footlake.zip", packaging.zip_glue_modules())
        return self.glue_scripts[GLUE_SHARED_MODULE], modules


def _function_environment(config: Config) -> dict[str, str]:
    return {
        variables.LAKE: config.lake,
        variables.BUCKET: config.bucket,
        variables.API_URL: config.api_url,
        variables.API_KEY_PARAMETER: config.api_key_parameter,
        variables.LEAGUES: ",".join(str(league) for league in config.leagues),
        variables.SEASONS: ",".join(str(year) for year in config.seasons),
        variables.MODEL: config.model,
        variables.TRANSFORM_INSTANCE: config.transform_instance,
    }


def account(shared: SharedResources) -> list[Resource]:
    """Sections 3, 4.1 and 4.3: the budget, the users of the account, the limit of roles, and the API-Football key."""
    config = shared.config
    resources: list[Resource] = []
    if shared.has_alerts:
        resources.append(Budget(config.lake, config.budget, config.alert_email))
    if shared.has_walkthrough_extras:
        resources += [IamUser("boto3user", "AmazonS3FullAccess"), IamUser("Administrator", "AdministratorAccess")]
    return [*resources, shared.boundary, api_key_secret(config)]


def database_server(shared: SharedResources) -> list[Resource]:
    """Section 10: MySQL and the way from its network to S3.

    It comes early: an instance takes minutes, during which the other sections are created.
    """
    if not shared.has_database:
        return []
    server = shared.database_server
    resources: list[Resource] = [
        server.password,
        server.security_group,
        server.subnet_group,
        server.parameter_group,
        server,
    ]
    if shared.everything or not shared.config.as_documented:
        resources.append(S3Endpoint())
    if shared.has_walkthrough_extras:
        group = EndpointSecurityGroup("s3-endpoint")
        resources += [group, S3InterfaceEndpoint(group)]
    return resources


def database_schedules(shared: SharedResources) -> list[Resource]:
    """Not in the walk-through: the schedules that start a sleeping database for the weekly load, and stop it."""
    config = shared.config
    if config.database != "weekly":
        return []
    policy = role_policies.database_schedules(config)
    role = IamRole(config.schedule_role, "scheduler.amazonaws.com", policy, shared.boundary)
    group = ScheduleGroup(config.schedule_group)
    server = shared.database_server
    return [
        role,
        group,
        DatabaseSchedule("database-start", start_schedule(config), "start", server, group, role),
        DatabaseSchedule("database-stop", STOP_SCHEDULE, "stop", server, group, role),
    ]


def data_lake(shared: SharedResources) -> list[Resource]:
    """Section 4.2: the bucket and the team codes in it."""
    team_codes = (Path(footlake.__file__).parent / "data/teamcodes.csv").read_bytes()
    return [shared.bucket, S3Object(shared.bucket, s3_keys.TEAMCODES, team_codes, once=True)]


def data_catalog(shared: SharedResources) -> list[Resource]:
    """Section 4.4: the Glue database, its crawler, and the Lake Formation grants for the role of Glue."""
    tables = tuple(
        GlueTable(
            catalog_name(folder),
            shared.glue_database,
            f"s3://{shared.bucket.name}/{folder}",
            columns,
            header=folder != s3_keys.PREDICTIONS,
        )
        for folder, columns in schemas.HIVE_TYPES.items()
    )
    crawler = GlueCrawler(
        "S3datalake",
        shared.glue_role,
        shared.glue_database,
        shared.config.weekly("30 8,9"),
        tables=tables,
        depends_on=shared.grants,
    )
    return [
        shared.administrator,
        shared.location,
        *GLUE_LOGS,
        shared.glue_role,
        shared.glue_database,
        *shared.grants,
        DropGrant(shared.glue_database, shared.administrator, shared.grants),
        *tables,
        crawler,
    ]


def catalog_name(folder: str) -> str:
    """Return the name of the table over a folder: that which a crawler would give it."""
    return re.sub(r"[^a-z0-9_]", "_", folder.rstrip("/").rpartition("/")[2].lower())


def models(shared: SharedResources) -> list[Resource]:
    """Section 8: the models of expected goals and the role that trains and applies them."""
    return [*SAGEMAKER_LOGS, shared.sagemaker_role, shared.models]


def functions(shared: SharedResources) -> list[Resource]:
    """Sections 5 and 9: the Lambda functions."""
    destinations = (FailureDestination(function, shared.failed_events) for function in shared.functions)
    return [*FUNCTION_LOGS, shared.lambda_role, shared.layer, *shared.functions, shared.failed_events, *destinations]


def retry_rule(function: str) -> str:
    """Return the name of the rule that lets a function continue unfinished work."""
    return f"{function}-left"


def function_triggers(shared: SharedResources) -> list[Resource]:
    """Sections 5 and 9: the schedules and events that invoke the functions, and the permissions for it."""
    bucket, transform_ended = shared.bucket, shared.transform_ended
    get_fixtures, get_statistics, get_xgoals = shared.functions
    failed = shared.failed_events
    weekly = EventRule("etlGetFixtures", get_fixtures, schedule=shared.config.weekly(FETCH_TIME), dead_letters=failed)
    # An invocation leaves work undone when its time or the daily quota of API-Football ends, or when it dies; these
    # rules resume it.
    retry_fixtures, retry_statistics, retry_xgoals = (
        EventRule(
            retry_rule(function.name), function, schedule=RETRY_SCHEDULE, input={"left": True}, dead_letters=failed
        )
        for function in (get_fixtures, get_statistics, get_xgoals)
    )
    weekly_to_fixtures = LambdaPermission(get_fixtures, "events.amazonaws.com", weekly.source_arn)
    s3_to_statistics = LambdaPermission(get_statistics, "s3.amazonaws.com", bucket.arn)
    s3_to_xgoals = LambdaPermission(get_xgoals, "s3.amazonaws.com", bucket.arn)
    ended_to_xgoals = LambdaPermission(get_xgoals, "events.amazonaws.com", transform_ended.source_arn, (s3_to_xgoals,))
    new_fixtures = BucketNotification(
        bucket, get_statistics, s3_keys.RAW_FIXTURES, ".json", ("s3:ObjectCreated:Put",), (s3_to_statistics,)
    )
    # Every way of creation: which one Spark uses depends on its file system.
    new_team_rows = BucketNotification(
        bucket, get_xgoals, s3_keys.NEW_TEAM_ROWS, ".mark", ("s3:ObjectCreated:*",), (s3_to_xgoals, new_fixtures)
    )
    return [
        weekly,
        retry_fixtures,
        retry_statistics,
        retry_xgoals,
        transform_ended,
        weekly_to_fixtures,
        s3_to_statistics,
        s3_to_xgoals,
        LambdaPermission(get_fixtures, "events.amazonaws.com", retry_fixtures.source_arn, (weekly_to_fixtures,)),
        LambdaPermission(get_statistics, "events.amazonaws.com", retry_statistics.source_arn, (s3_to_statistics,)),
        ended_to_xgoals,
        LambdaPermission(get_xgoals, "events.amazonaws.com", retry_xgoals.source_arn, (s3_to_xgoals, ended_to_xgoals)),
        new_fixtures,
        new_team_rows,
    ]


def glue_scripts(shared: SharedResources) -> list[Resource]:
    """Sections 7, 8 and 10: the code of the Glue jobs."""
    _, modules = shared.glue_libraries
    return [shared.assets_bucket, *shared.glue_scripts.values(), modules]


def training_rows(shared: SharedResources) -> list[Resource]:
    """Sections 7 and 8: the Glue jobs that make team rows, and the one that drops their ids for training."""
    scripts, workers = shared.glue_scripts, shared.config.glue_workers

    def job(name: str) -> GlueJob:
        return GlueJob(name, shared.glue_role, scripts[name], shared.glue_libraries, shared.bucket, workers=workers)

    team_statistics = tuple(job(name) for name in TEAM_STATISTICS_JOBS)
    trigger = GlueTrigger("teamstatistics", shared.config.weekly(TEAM_ROWS_TIME), team_statistics)
    return [*team_statistics, trigger, job(DROP_IDS_JOB)]


def mysql_loading(shared: SharedResources) -> list[Resource]:
    """Section 10: the Glue jobs that load MySQL, and the crawler of its tables."""
    if not shared.has_database:
        return []
    config, scripts, role = shared.config, shared.glue_scripts, shared.glue_role
    connection = GlueConnection(config.connection, shared.database_server, shared.database_server.security_group)
    pymysql = S3Object(shared.assets_bucket, "scripts/pymysql.zip", packaging.zip_package("pymysql"))
    rds_ca = S3Object(shared.assets_bucket, "scripts/rds-ca.pem", certificate_authorities(config).encode())
    libraries = (*shared.glue_libraries, pymysql)
    arguments = {"--connection": connection.name, "--ca": rds_ca.uri}
    fixtures, teams = (
        GlueJob(name, role, scripts[name], libraries, shared.bucket, arguments, connection, config.glue_workers)
        for name in MYSQL_JOBS
    )
    crawler = GlueCrawler(
        "mysqldb",
        role,
        shared.glue_database,
        config.weekly("30 10"),
        connection=connection,
        path=f"{config.mysql_database}/%",
        depends_on=shared.grants,
    )
    trigger = GlueTrigger("mysqldbingestion", config.weekly(LOAD_TIME), (fixtures,))
    return [pymysql, rds_ca, connection, fixtures, teams, trigger, crawler]


def walkthrough_extras(shared: SharedResources) -> list[Resource]:
    """Section 8 as the original walk-through has it: AWS's broad managed policies and SageMaker Studio."""
    if not shared.has_walkthrough_extras:
        return []
    domain = StudioDomain(shared.config.lake, shared.sagemaker_role)
    return [
        ManagedPolicies(shared.lambda_role, ("AmazonS3FullAccess",)),
        ManagedPolicies(shared.glue_role, ("service-role/AWSGlueServiceRole", "AmazonS3FullAccess")),
        ManagedPolicies(shared.sagemaker_role, ("AmazonSageMakerFullAccess",)),
        LogGroup("/aws/sagemaker/studio"),
        domain,
        StudioUserProfile("mydefaultusername", domain),
    ]


def monitoring(shared: SharedResources) -> list[Resource]:
    """Section 6: the log of how jobs ended, the alarms with their e-mail topic, and the dashboard."""
    lake = shared.config.lake
    topic = SnsTopic(f"{lake}-alerts", shared.config.alert_email) if shared.has_alerts else None
    log = EventLog(LogGroup(f"/aws/events/{lake}"), f"{lake}-events")
    glue_succeeded = EventRule(f"{lake}-glue-succeeded", log, pattern=_glue_runs_ended("SUCCEEDED"))
    glue_failed = EventRule(f"{lake}-glue-failed", log, pattern=_glue_runs_ended("FAILED", "TIMEOUT"))
    crawl_started = EventRule(f"{lake}-crawl-started", log, pattern=_crawls("Started"))
    crawl_ended = EventRule(f"{lake}-crawl-ended", log, pattern=_crawls("Succeeded", "Failed"))
    crawl_failed = EventRule(f"{lake}-crawl-failed", log, pattern=_failed_crawls())
    transform_failed = EventRule(f"{lake}-transform-failed", log, pattern=_transforms_ended(shared.config, "Failed"))
    return [
        *([topic] if topic else []),
        log.group,
        log,
        glue_succeeded,
        glue_failed,
        crawl_started,
        crawl_ended,
        crawl_failed,
        transform_failed,
        *_alarms(lake, log.group, glue_failed, crawl_failed, transform_failed, topic),
        _long_crawl_alarm(lake, crawl_started, crawl_ended, topic),
        _failed_events_alarm(shared.failed_events, topic),
        *([_awake_alarm(shared.config, topic)] if shared.config.database == "weekly" else []),
        _dashboard(
            shared.config,
            {
                "Glue job runs": (glue_succeeded, glue_failed),
                "Crawls": (crawl_started, crawl_ended, crawl_failed),
                "Batch transforms": (shared.transform_ended, transform_failed),
            },
        ),
    ]


def _glue_runs_ended(*states: str) -> dict[str, Any]:
    """Return the event pattern of runs of footlake's Glue jobs that end in one of `states`."""
    return _event_pattern("aws.glue", "Glue Job State Change", {"jobName": list(GLUE_JOBS), "state": list(states)})


def _crawls(*states: str) -> dict[str, Any]:
    """Return the event pattern of crawls by footlake's crawlers that reach one of `states`."""
    return _event_pattern("aws.glue", CRAWL_EVENT, {"crawlerName": list(CRAWLERS), "state": list(states)})


def _failed_crawls() -> dict[str, Any]:
    """Return the event pattern of crawls that failed, or that their schedule could not start."""
    return {
        "source": ["aws.glue"],
        "$or": [
            {"detail-type": [CRAWL_EVENT], "detail": {"crawlerName": list(CRAWLERS), "state": ["Failed"]}},
            {"detail-type": ["Glue Scheduled Crawler Invocation Failure"], "detail": {"crawlerName": list(CRAWLERS)}},
        ],
    }


def _transforms_ended(config: Config, *statuses: str) -> dict[str, Any]:
    """Return the event pattern of the lake's batch transforms that end in one of `statuses`."""
    detail = {"TransformJobName": [{"prefix": f"{config.model}-"}], "TransformJobStatus": list(statuses)}
    return _event_pattern("aws.sagemaker", "SageMaker Transform Job State Change", detail)


def _event_pattern(source: str, detail_type: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {"source": [source], "detail-type": [detail_type], "detail": detail}


def _alarms(
    lake: str,
    log_group: LogGroup,
    glue_failed: EventRule,
    crawl_failed: EventRule,
    transform_failed: EventRule,
    topic: SnsTopic | None,
) -> list[Alarm]:
    """Return an alarm for the errors of each function, and one each for Glue jobs, crawls and batch transforms.

    They also report runs that take too long: functions and jobs have a timeout, after which they have failed.
    """
    errors = [
        Alarm(f"{lake}-{name}-errors", f"{name} failed", "AWS/Lambda", "Errors", {"FunctionName": name}, topic)
        for name in FUNCTIONS
    ]
    # Glue has no metric of failed runs, but EventBridge counts the events that a rule matches, at no cost.
    failures = [
        Alarm(rule.name, f"{work} failed: see {log_group.name}", *_MATCHED_EVENTS, {"RuleName": rule.name}, topic)
        for rule, work in (
            (glue_failed, "A Glue job"),
            (crawl_failed, "A crawl"),
            (transform_failed, "A batch transform"),
        )
    ]
    return errors + failures


def _long_crawl_alarm(lake: str, started: EventRule, ended: EventRule, topic: SnsTopic | None) -> Alarm:
    """Return the alarm for a crawl that has not ended by the full hour.

    Crawlers have no timeout, and AWS bills their time. The schedules start crawls at half past; they take some minutes.
    """
    description = "A crawl has not ended within the hour in which it began: stop it in AWS Glue if it is still running"
    counted, subtracted = {"RuleName": started.name}, {"RuleName": ended.name}
    return Alarm(f"{lake}-crawl-long", description, *_MATCHED_EVENTS, counted, topic, subtracted=subtracted)


def _failed_events_alarm(queue: SqsQueue, topic: SnsTopic | None) -> Alarm:
    description = f"Events could not be processed: see the SQS queue {queue.name}"
    metric = "ApproximateNumberOfMessagesVisible"
    return Alarm(queue.name, description, "AWS/SQS", metric, {"QueueName": queue.name}, topic)


def _awake_alarm(config: Config, topic: SnsTopic | None) -> Alarm:
    """Return the alarm for a sleeping database that the schedules did not stop. A stopped instance has no metrics."""
    stop = FootlakeCommand("database stop")
    description = f"The database has been running for {AWAKE_HOURS} hours. To stop it: {stop}"
    dimensions = {"DBInstanceIdentifier": config.mysql_instance}
    name = f"{config.lake}-database-awake"
    return Alarm(
        name, description, "AWS/RDS", "CPUUtilization", dimensions, topic, statistic="SampleCount", hours=AWAKE_HOURS
    )


def _dashboard(config: Config, rules: Mapping[str, Sequence[EventRule]]) -> Dashboard:
    """Return the dashboard: a graph of metrics for each title. `rules` has a title for the events of some rules."""

    def function_metrics(metric: str, statistic: str = "Sum") -> list[list[Any]]:
        return [["AWS/Lambda", metric, "FunctionName", name, {"stat": statistic}] for name in FUNCTIONS]

    def rule_metrics(rules: Sequence[EventRule]) -> list[list[Any]]:
        return [[*_MATCHED_EVENTS, "RuleName", rule.name, {"stat": "Sum"}] for rule in rules]

    def mysql_metrics(metric: str) -> list[list[Any]]:
        return [["AWS/RDS", metric, "DBInstanceIdentifier", config.mysql_instance, {"stat": "Average"}]]

    graphs = {
        "Functions: invocations": function_metrics("Invocations"),
        "Functions: errors": function_metrics("Errors"),
        "Functions: longest duration (ms)": function_metrics("Duration", "Maximum"),
        **{title: rule_metrics(counted) for title, counted in rules.items()},
    }
    if config.database != "none":
        graphs["MySQL: CPU (%)"] = mysql_metrics("CPUUtilization")
        graphs["MySQL: free storage (bytes)"] = mysql_metrics("FreeStorageSpace")
    return Dashboard(config.lake, graphs)
