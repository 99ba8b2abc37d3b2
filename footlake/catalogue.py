"""The document's table of contents: every standing resource, in the order in which it is made.

`bootstrap` walks it forwards, `teardown` backwards. A resource holds those that it needs, so define-before-use is
the order of dependency.
"""

from __future__ import annotations

from pathlib import Path

import footlake
from footlake import layout, packaging
from footlake.bundle import bundled
from footlake.config import Config
from footlake.resources import policies
from footlake.resources.base import Resource
from footlake.resources.events import Rule
from footlake.resources.glue import Connection, Crawler, Database, Job, Trigger
from footlake.resources.iam import Role
from footlake.resources.lambdas import Function, Layer, Permission
from footlake.resources.logs import LogGroup
from footlake.resources.network import S3Endpoint, SecurityGroup
from footlake.resources.rds import Instance, ParameterGroup, SubnetGroup
from footlake.resources.s3 import Bucket, Notification, Object
from footlake.resources.sagemaker import Models
from footlake.resources.ssm import Secret

# Log groups that AWS's own services share; made here so that they have a retention, removed only if made here.
SHARED_LOG_GROUPS = (
    "/aws-glue/jobs/output",
    "/aws-glue/jobs/error",
    "/aws-glue/crawlers",
    "/aws/sagemaker/AutoMLJobs",
    "/aws/sagemaker/ProcessingJobs",
    "/aws/sagemaker/TrainingJobs",
    "/aws/sagemaker/TransformJobs",
)
NO_API_KEY = (
    "There is no key for API-Football yet.|"
    "Get one (the free plan will do to begin with) and set FOOTLAKE_API_KEY, then run bootstrap again."
)
SCRIPTS = ("hometeamstatistics", "awayteamstatistics", "dropids", "mysqldbingestion", "teamsmysqldbingestion")


def api_key(config: Config) -> Secret:
    """Where the football API's key is kept."""
    return Secret(config.api_key_parameter, config.api_key, missing=NO_API_KEY)


def mysql(config: Config) -> Instance:
    """The database instance."""
    group = SecurityGroup(config.mysql_instance, config.client_address)
    password = Secret(config.mysql_password_parameter, generated=True)
    return Instance(
        config.mysql_instance,
        config.mysql_database,
        config.mysql_user,
        password,
        SubnetGroup(config.mysql_instance),
        ParameterGroup(config.mysql_instance),
        group,
    )


def catalogue(config: Config) -> list[Resource]:
    """Every standing resource of the lake that `config` describes, account and region included."""
    key = api_key(config)
    instance = mysql(config)

    # 10, begun early: an instance takes minutes, and everything else can be made meanwhile.
    database_server: list[Resource] = [
        instance.password,
        instance.security_group,
        instance.subnet_group,
        instance.parameter_group,
        instance,
        S3Endpoint(),
    ]

    # 4.2 The data lake
    raw = Bucket(config.bucket, short_lived=(layout.TRANSFORM_INPUTS, layout.LEASES))
    teamcodes = Object(
        raw, layout.TEAMCODES, (Path(footlake.__file__).parent / "data/teamcodes.csv").read_bytes(), once=True
    )

    # 4.4 The catalog
    database = Database(config.database, f"s3://{raw.name}/{layout.DATASETS}")
    glue_role = Role(config.glue_role, "glue.amazonaws.com", policies.glue(config))
    s3datalake = Crawler(
        "S3datalake",
        glue_role,
        database,
        config.weekly("30 8,9"),
        folders=(f"s3://{raw.name}/{layout.DATASETS}",),
    )

    # 5 and 9 The functions
    lambda_role = Role(config.lambda_role, "lambda.amazonaws.com", policies.handlers(config))
    layer = Layer("footlake-requests", packaging.layer())
    code = packaging.handlers()
    environment = {
        "FOOTLAKE_LAKE": config.lake,
        "FOOTLAKE_BUCKET": raw.name,
        "FOOTLAKE_API_URL": config.api_url,
        "FOOTLAKE_API_KEY_PARAMETER": key.name,
        "FOOTLAKE_LEAGUES": ",".join(str(league) for league in config.leagues),
        "FOOTLAKE_SEASON": str(config.season),
        "FOOTLAKE_MODEL": config.model,
        "FOOTLAKE_TRANSFORM_INSTANCE": config.transform_instance,
    }

    def function(name: str, module: str, timeout: int) -> Function:
        group = LogGroup(f"/aws/lambda/{name}")
        handler = f"footlake.handlers.{module}.handler"
        return Function(name, handler, lambda_role, code, layer, group, timeout, environment)

    get_fixtures = function("etlGetFixtures", "etl_get_fixtures", 10)
    get_statistics = function("etlGetStatistics", "etl_get_statistics", 90)
    get_xgoals = function("etlGetXGoals", "etl_get_xgoals", 60)
    functions = [get_fixtures, get_statistics, get_xgoals]

    every_tuesday = Rule("etlGetFixtures", get_fixtures, schedule=config.weekly("0 8"))
    transformed = Rule(
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
    s3_to_statistics = Permission(get_statistics, "s3.amazonaws.com", raw.arn)
    s3_to_xgoals = Permission(get_xgoals, "s3.amazonaws.com", raw.arn)
    new_fixtures = Notification(raw, get_statistics, layout.RAW_FIXTURES, ".json", put, (s3_to_statistics,))
    # Spark moves its files to their place, which S3 calls a copy.
    new_team_rows = Notification(raw, get_xgoals, layout.TEAM_ROWS, ".csv", created, (s3_to_xgoals, new_fixtures))

    # 7, 8 and 10 The jobs
    assets = Bucket(config.assets_bucket, shared=True)
    sources = {name: (bundled("glue") / f"{name}.py").read_bytes() for name in (*SCRIPTS, "footlake_glue")}
    scripts = {name: Object(assets, f"scripts/{name}.py", source) for name, source in sources.items()}
    pymysql = Object(assets, "scripts/pymysql.zip", packaging.pure_package("pymysql"))
    shared = (scripts["footlake_glue"],)
    connection = Connection(config.connection, instance, instance.security_group)
    to_mysql = {"--connection": connection.name}
    home, away, dropids = (
        Job(name, glue_role, scripts[name], shared, raw)
        for name in ("hometeamstatistics", "awayteamstatistics", "dropids")
    )
    ingestion, teams = (
        Job(name, glue_role, scripts[name], (*shared, pymysql), raw, to_mysql, connection)
        for name in ("mysqldbingestion", "teamsmysqldbingestion")
    )
    mysqldb = Crawler(
        "mysqldb",
        glue_role,
        database,
        config.weekly("30 10"),
        connection=connection,
        path=f"{config.mysql_database}/%",
    )

    return [
        key,
        *database_server,
        raw,
        teamcodes,
        glue_role,
        database,
        s3datalake,
        *(LogGroup(name) for name in SHARED_LOG_GROUPS),
        lambda_role,
        layer,
        *(one.log_group for one in functions),
        *functions,
        every_tuesday,
        Permission(get_fixtures, "events.amazonaws.com", every_tuesday.source_arn),
        transformed,
        Permission(get_xgoals, "events.amazonaws.com", transformed.source_arn),
        s3_to_statistics,
        s3_to_xgoals,
        new_fixtures,
        new_team_rows,
        assets,
        *scripts.values(),
        pymysql,
        home,
        away,
        Trigger("teamstatistics", config.weekly("0 9"), (home, away)),
        dropids,
        Role(config.sagemaker_role, "sagemaker.amazonaws.com", policies.sagemaker(config)),
        Models(config.model),
        connection,
        ingestion,
        teams,
        Trigger("mysqldbingestion", config.weekly("0 10"), (ingestion,)),
        mysqldb,
    ]
