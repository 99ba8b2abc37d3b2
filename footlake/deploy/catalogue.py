"""The document's table of contents: every standing resource, in the order in which it is made.

`bootstrap` walks it forwards, `teardown` backwards. A resource holds those that it needs, so define-before-use is
the order of dependency.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import footlake
from footlake.config import Config
from footlake.data.package_files import package_folder
from footlake.database import certificate_authorities
from footlake.deploy import packaging
from footlake.lake import s3_keys
from footlake.resources import role_policies
from footlake.resources.base import Resource
from footlake.resources.budgets import Budget
from footlake.resources.cloudwatch import Alarm, Dashboard, EventLog, SnsTopic
from footlake.resources.events import EventRule
from footlake.resources.glue import GlueConnection, GlueCrawler, GlueDatabase, GlueJob, GlueTrigger
from footlake.resources.iam import IamRole
from footlake.resources.lakeformation import DataLakeAdministrator, DataLakeLocation, DropGrant, LakeFormationGrant
from footlake.resources.lambdas import LambdaFunction, LambdaLayer, LambdaPermission
from footlake.resources.logs import LogGroup
from footlake.resources.network import S3Endpoint, SecurityGroup
from footlake.resources.rds import DBInstance, DBParameterGroup, DBSubnetGroup
from footlake.resources.s3 import Bucket, BucketNotification, S3Object
from footlake.resources.sagemaker import SageMakerModels
from footlake.resources.ssm import SecretParameter
from footlake.resources.walkthrough_extras import (
    IamUser,
    ManagedPolicies,
    S3InterfaceEndpoint,
    StudioDomain,
    StudioUserProfile,
)

# Log groups that AWS's own services share; made here so that they have a retention, removed only if made here.
GLUE_LOGS = tuple(LogGroup(f"/aws-glue/{name}") for name in ("jobs/output", "jobs/error", "crawlers"))
SAGEMAKER_LOGS = tuple(LogGroup(f"/aws/sagemaker/{name}Jobs") for name in ("Processing", "Training", "Transform"))
NO_API_KEY = (
    "There is no key for API-Football yet.|"
    "Get one (the free plan will do to begin with) and set FOOTLAKE_API_KEY, then run bootstrap again."
)
RETRY_SCHEDULE = "rate(30 minutes)"
GLUE_SCRIPTS = ("hometeamstatistics", "awayteamstatistics", "dropids", "mysqldbingestion", "teamsmysqldbingestion")


def api_key_secret(config: Config) -> SecretParameter:
    """Where the football API's key is kept."""
    return SecretParameter(config.api_key_parameter, config.api_key, missing=NO_API_KEY)


def mysql_instance(config: Config) -> DBInstance:
    """The database instance."""
    group = SecurityGroup(config.mysql_instance, config.client_address)
    password = SecretParameter(config.mysql_password_parameter, generated=True)
    return DBInstance(
        config.mysql_instance,
        config.mysql_database,
        config.mysql_user,
        password,
        DBSubnetGroup(config.mysql_instance),
        DBParameterGroup(config.mysql_instance),
        group,
    )


def catalogue(config: Config, everything: bool = False) -> list[Resource]:
    """Every standing resource of the lake that `config` describes, account and region included.

    With `everything`, also those of other settings: what a teardown looks for, however bootstrap was called.
    """
    alerting = bool(config.alert_email) or everything
    documented = config.as_documented or everything
    key = api_key_secret(config)
    instance = mysql_instance(config)

    # 3, 4.1 and 4.3 The account
    account: list[Resource] = [Budget(config.lake, config.budget, config.alert_email)] if alerting else []
    if documented:
        account += [IamUser("boto3user", "AmazonS3FullAccess"), IamUser("Administrator", "AdministratorAccess")]

    # 10, begun early: an instance takes minutes, and everything else can be made meanwhile.
    database_server: list[Resource] = [
        instance.password,
        instance.security_group,
        instance.subnet_group,
        instance.parameter_group,
        instance,
    ]
    if everything or not config.as_documented:
        database_server.append(S3Endpoint())
    if documented:
        database_server.append(S3InterfaceEndpoint(instance.security_group))

    # 4.2 The data lake
    raw = Bucket(config.bucket, short_lived=(s3_keys.TRANSFORM_INPUTS, s3_keys.LEASES))
    teamcodes = S3Object(
        raw, s3_keys.TEAMCODES, (Path(footlake.__file__).parent / "data/teamcodes.csv").read_bytes(), once=True
    )

    # 4.4 The catalog, and who may use it
    glue_role = IamRole(config.glue_role, "glue.amazonaws.com", role_policies.glue(config), GLUE_LOGS)
    administrator = DataLakeAdministrator(config.administrators_parameter)
    database = GlueDatabase(config.database, f"s3://{raw.name}/{s3_keys.DATASETS}", (administrator,))
    location = DataLakeLocation(raw, administrator)
    grants = (
        LakeFormationGrant(glue_role, ("DATA_LOCATION_ACCESS",), location, administrator),
        LakeFormationGrant(glue_role, ("ALTER", "CREATE_TABLE", "DESCRIBE"), database, administrator),
        LakeFormationGrant(glue_role, ("ALL",), database, administrator, tables=True),
    )
    s3datalake = GlueCrawler(
        "S3datalake",
        glue_role,
        database,
        config.weekly("30 8,9"),
        folders=(f"s3://{raw.name}/{s3_keys.DATASETS}",),
        depends_on=grants,
    )

    # 8 What trains and scores
    sagemaker_role = IamRole(
        config.sagemaker_role, "sagemaker.amazonaws.com", role_policies.sagemaker(config), SAGEMAKER_LOGS
    )
    models = SageMakerModels(config.model, sagemaker_role, raw)

    # 5 and 9 The functions
    names = ("etlGetFixtures", "etlGetStatistics", "etlGetXGoals")
    logs = {name: LogGroup(f"/aws/lambda/{name}") for name in names}
    lambda_role = IamRole(
        config.lambda_role, "lambda.amazonaws.com", role_policies.handlers(config), tuple(logs.values())
    )
    layer = LambdaLayer("footlake-requests", packaging.layer())
    code = packaging.handlers()
    environment = {
        "FOOTLAKE_LAKE": config.lake,
        "FOOTLAKE_BUCKET": raw.name,
        "FOOTLAKE_API_URL": config.api_url,
        "FOOTLAKE_API_KEY_PARAMETER": key.name,
        "FOOTLAKE_LEAGUES": ",".join(str(league) for league in config.leagues),
        "FOOTLAKE_SEASONS": ",".join(str(year) for year in config.seasons),
        "FOOTLAKE_MODEL": config.model,
        "FOOTLAKE_TRANSFORM_INSTANCE": config.transform_instance,
    }

    def function(name: str, module: str, timeout: int, starts: SageMakerModels | None = None) -> LambdaFunction:
        handler = f"footlake.handlers.{module}.handler"
        return LambdaFunction(name, handler, lambda_role, code, layer, logs[name], timeout, environment, starts=starts)

    get_fixtures = function("etlGetFixtures", "etl_get_fixtures", 10)
    get_statistics = function("etlGetStatistics", "etl_get_statistics", 90)
    get_xgoals = function("etlGetXGoals", "etl_get_xgoals", 60, models)
    functions = [get_fixtures, get_statistics, get_xgoals]

    every_tuesday = EventRule("etlGetFixtures", get_fixtures, schedule=config.weekly("0 8"))
    # What did not fit into an invocation or into the day's quota of the football API is taken up by the next one.
    left = {
        one.name: EventRule(f"{one.name}-left", one, schedule=RETRY_SCHEDULE, input={"left": True})
        for one in (get_fixtures, get_statistics)
    }
    transformed = EventRule(
        "etlGetXGoals",
        get_xgoals,
        pattern={
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Transform Job State Change"],
            "detail": {
                "TransformJobName": [{"prefix": f"{config.model}-"}],
                "TransformJobStatus": ["Completed", "Failed", "Stopped"],
            },
        },
    )
    put, created = ("s3:ObjectCreated:Put",), ("s3:ObjectCreated:*",)
    s3_to_statistics = LambdaPermission(get_statistics, "s3.amazonaws.com", raw.arn)
    s3_to_xgoals = LambdaPermission(get_xgoals, "s3.amazonaws.com", raw.arn)
    tuesday_to_fixtures = LambdaPermission(get_fixtures, "events.amazonaws.com", every_tuesday.source_arn)
    further = (
        LambdaPermission(
            get_fixtures, "events.amazonaws.com", left["etlGetFixtures"].source_arn, (tuesday_to_fixtures,)
        ),
        LambdaPermission(
            get_statistics, "events.amazonaws.com", left["etlGetStatistics"].source_arn, (s3_to_statistics,)
        ),
        LambdaPermission(get_xgoals, "events.amazonaws.com", transformed.source_arn, (s3_to_xgoals,)),
    )
    new_fixtures = BucketNotification(raw, get_statistics, s3_keys.RAW_FIXTURES, ".json", put, (s3_to_statistics,))
    # Spark moves its files to their place, which S3 calls a copy.
    new_team_rows = BucketNotification(
        raw, get_xgoals, s3_keys.TEAM_ROWS, ".csv", created, (s3_to_xgoals, new_fixtures)
    )

    # 7, 8 and 10 The jobs
    assets = Bucket(config.assets_bucket, shared=True)
    sources = {name: (package_folder("glue") / f"{name}.py").read_bytes() for name in (*GLUE_SCRIPTS, "footlake_glue")}
    scripts = {name: S3Object(assets, f"scripts/{name}.py", source) for name, source in sources.items()}
    pymysql = S3Object(assets, "scripts/pymysql.zip", packaging.pure_package("pymysql"))
    shared = (scripts["footlake_glue"],)
    rds_ca = S3Object(assets, "scripts/rds-ca.pem", certificate_authorities(config).encode())
    connection = GlueConnection(config.connection, instance, instance.security_group)
    to_mysql = {"--connection": connection.name, "--ca": f"s3://{assets.name}/{rds_ca.key}"}
    home, away, dropids = (
        GlueJob(name, glue_role, scripts[name], shared, raw, workers=config.glue_workers)
        for name in ("hometeamstatistics", "awayteamstatistics", "dropids")
    )
    ingestion, teams = (
        GlueJob(name, glue_role, scripts[name], (*shared, pymysql), raw, to_mysql, connection, config.glue_workers)
        for name in ("mysqldbingestion", "teamsmysqldbingestion")
    )
    mysqldb = GlueCrawler(
        "mysqldb",
        glue_role,
        database,
        config.weekly("30 10"),
        connection=connection,
        path=f"{config.mysql_database}/%",
        depends_on=grants,
    )
    topic = SnsTopic(f"{config.lake}-alerts", config.alert_email) if alerting else None

    # 8 as the document had it
    studio: list[Resource] = []
    if documented:
        domain = StudioDomain(config.lake, sagemaker_role)
        studio = [
            ManagedPolicies(lambda_role, ("AmazonS3FullAccess",)),
            ManagedPolicies(glue_role, ("service-role/AWSGlueServiceRole", "AmazonS3FullAccess")),
            ManagedPolicies(sagemaker_role, ("AmazonSageMakerFullAccess",)),
            LogGroup("/aws/sagemaker/studio"),
            domain,
            StudioUserProfile("mydefaultusername", domain),
        ]

    return [
        *account,
        key,
        *database_server,
        raw,
        teamcodes,
        administrator,
        location,
        *GLUE_LOGS,
        glue_role,
        database,
        *grants,
        DropGrant(database, administrator, grants),
        s3datalake,
        *SAGEMAKER_LOGS,
        sagemaker_role,
        models,
        *logs.values(),
        lambda_role,
        layer,
        *functions,
        every_tuesday,
        *left.values(),
        transformed,
        tuesday_to_fixtures,
        s3_to_statistics,
        s3_to_xgoals,
        *further,
        new_fixtures,
        new_team_rows,
        assets,
        *scripts.values(),
        pymysql,
        rds_ca,
        home,
        away,
        GlueTrigger("teamstatistics", config.weekly("0 9"), (home, away)),
        dropids,
        connection,
        ingestion,
        teams,
        GlueTrigger("mysqldbingestion", config.weekly("0 10"), (ingestion,)),
        mysqldb,
        *studio,
        *monitoring(config, functions, (home, away, dropids, ingestion, teams), transformed, topic),
    ]


def monitoring(
    config: Config,
    functions: list[LambdaFunction],
    jobs: tuple[GlueJob, ...],
    transformed: EventRule,
    topic: SnsTopic | None,
) -> list[Resource]:
    """Section 6: the record of how jobs ended, the alarms, the dashboard. `topic` hears of alarms, if there is one."""
    events = EventLog(LogGroup(f"/aws/events/{config.lake}"), f"{config.lake}-events")

    def ended(what: str, source: str, kind: str, detail: dict[str, Any]) -> EventRule:
        return EventRule(
            f"{config.lake}-{what}", events, pattern={"source": [source], "detail-type": [kind], "detail": detail}
        )

    names = [job.name for job in jobs]
    glue, sagemaker = ("aws.glue", "Glue Job State Change"), ("aws.sagemaker", "SageMaker Transform Job State Change")
    glue_succeeded = ended("glue-succeeded", *glue, {"jobName": names, "state": ["SUCCEEDED"]})
    glue_failed = ended("glue-failed", *glue, {"jobName": names, "state": ["FAILED", "TIMEOUT"]})
    transform_failed = ended(
        "transform-failed",
        *sagemaker,
        {"TransformJobName": [{"prefix": f"{config.model}-"}], "TransformJobStatus": ["Failed"]},
    )

    def alarm(what: str, description: str, *metric: str) -> Alarm:
        namespace, name, dimension, value = metric
        return Alarm(f"{config.lake}-{what}", description, namespace, name, {dimension: value}, topic)

    def matched(rule: EventRule) -> tuple[str, str, str, str]:
        # Glue counts its failed runs in no metric of its own, but EventBridge counts what a rule matches, at no cost.
        return "AWS/Events", "TriggeredRules", "RuleName", rule.name

    def by_function(metric: str, statistic: str = "Sum") -> list[list[Any]]:
        return [["AWS/Lambda", metric, "FunctionName", one.name, {"stat": statistic}] for one in functions]

    def by_rule(*rules: EventRule) -> list[list[Any]]:
        return [[*matched(rule), {"stat": "Sum"}] for rule in rules]

    def of_mysql(metric: str) -> list[list[Any]]:
        return [["AWS/RDS", metric, "DBInstanceIdentifier", config.mysql_instance, {"stat": "Average"}]]

    return [
        *([topic] if topic else []),
        events.group,
        events,
        glue_succeeded,
        glue_failed,
        transform_failed,
        *(
            alarm(f"{one.name}-errors", f"{one.name} failed", "AWS/Lambda", "Errors", "FunctionName", one.name)
            for one in functions
        ),
        alarm("glue-failed", f"A Glue job failed: see {events.group.name}", *matched(glue_failed)),
        alarm("transform-failed", f"A batch transform failed: see {events.group.name}", *matched(transform_failed)),
        Dashboard(
            config.lake,
            {
                "Functions: invocations": by_function("Invocations"),
                "Functions: errors": by_function("Errors"),
                "Functions: longest duration (ms)": by_function("Duration", "Maximum"),
                "Glue job runs": by_rule(glue_succeeded, glue_failed),
                "Batch transforms": by_rule(transformed, transform_failed),
                "MySQL: CPU (%)": of_mysql("CPUUtilization"),
                "MySQL: free storage (bytes)": of_mysql("FreeStorageSpace"),
            },
        ),
    ]
