"""Somebody else in the account: one of every kind of thing that footlake makes, with names near its own."""

from __future__ import annotations

import json
from typing import Any

from footlake.aws import AwsContext
from footlake.deploy.packaging import zip_files
from footlake.resources.network import default_vpc, subnets

CODE = zip_files([("code.py", b"def handler(event, context): pass")])
ROLE = "GlueRoleOld"


def move_in(lake: AwsContext) -> None:
    """Fill the account. Every name is near one of the lake's; nothing carries its tag."""
    config = lake.config
    _iam(lake)
    role = f"arn:aws:iam::{config.account}:role/{ROLE}"
    _s3(lake)
    _lambda(lake, role)
    _glue(lake, role)
    _database(lake)
    for name in ("/footlake/api-football-key-old", "/footlake-other/mysql-password"):
        lake.client("ssm").put_parameter(Name=name, Value="theirs", Type="SecureString")
    logs = lake.client("logs")
    # One of the groups that AWS's services share, with a retention of its owner's choice.
    for name in ("/aws/lambda/etlGetFixturesOld", "/aws-glue/jobs/output", "/aws/lambda/etlGet"):
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    logs.put_resource_policy(policyName="footlake-other", policyDocument=json.dumps(_anybody("logs:PutLogEvents")))
    events = lake.client("events")
    events.put_rule(
        Name="etlGetFixturesOld", ScheduleExpression="rate(1 day)", Tags=[{"Key": "footlake", "Value": "x"}]
    )
    lake.client("sagemaker").create_model(ModelName="xGoals-mine", ExecutionRoleArn=role)
    topic = lake.client("sns").create_topic(Name="footlake-other")["TopicArn"]
    lake.client("cloudwatch").put_metric_alarm(
        AlarmName="footlake-other",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    lake.client("cloudwatch").put_dashboard(DashboardName="footlake-other", DashboardBody='{"widgets": []}')
    lake.client("budgets").create_budget(
        AccountId=config.account,
        Budget={
            "BudgetName": "footlake-other",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "5", "Unit": "USD"},
        },
    )
    _lake_formation(lake, role)


def _anybody(action: str, resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _iam(lake: AwsContext) -> None:
    iam = lake.client("iam")
    services = ["glue.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    for name in (ROLE, "footlake-other", "LambdaFullAccessToS3Old"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=name, PolicyName="footlake", PolicyDocument=json.dumps(own))
    # The document's user is already there, and somebody works with it.
    iam.create_user(UserName="boto3user")
    iam.attach_user_policy(UserName="boto3user", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_access_key(UserName="boto3user")


def _s3(lake: AwsContext) -> None:
    s3, config = lake.client("s3"), lake.config
    for name in (f"{config.bucket}-other", config.assets_bucket):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="scripts/theirs.py", Body=b"theirs")
        s3.put_object(Bucket=name, Key="scripts/dropids.py.bak", Body=b"theirs")
    s3.put_bucket_tagging(Bucket=config.assets_bucket, Tagging={"TagSet": [{"Key": "team", "Value": "other"}]})
    policy = _anybody("s3:GetObject", f"arn:aws:s3:::{config.assets_bucket}/*")
    s3.put_bucket_policy(Bucket=config.assets_bucket, Policy=json.dumps(policy))


def _lambda(lake: AwsContext, role: str) -> None:
    client, config = lake.client("lambda"), lake.config
    client.publish_layer_version(LayerName="footlake-requests-other", Content={"ZipFile": CODE})
    for name in ("etlGetFixturesOld", "etlGet"):
        client.create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler="code.handler", Code={"ZipFile": CODE}
        )
    client.add_permission(
        FunctionName="etlGetFixturesOld",
        StatementId="footlake-theirs",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceAccount=config.account,
    )
    arn = client.get_function(FunctionName="etlGetFixturesOld")["Configuration"]["FunctionArn"]
    lake.client("s3").put_bucket_notification_configuration(
        Bucket=config.assets_bucket, NotificationConfiguration=notification(arn, "temporary/")
    )


def notification(function: str, prefix: str) -> dict[str, Any]:
    """A notification of somebody else's function, and of EventBridge."""
    rules = [{"Name": "prefix", "Value": prefix}]
    return {
        "LambdaFunctionConfigurations": [
            {
                "Id": "footlake-other",
                "LambdaFunctionArn": function,
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": rules}},
            }
        ],
        "EventBridgeConfiguration": {},
    }


def _glue(lake: AwsContext, role: str) -> None:
    glue = lake.client("glue")
    database = "awsdataengineerprojectdatabase2"
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "fixtures"})
    for name in ("S3datalake2", "mysqldb2"):
        glue.create_crawler(
            Name=name, Role=role, DatabaseName=database, Targets={"S3Targets": [{"Path": "s3://theirs/"}]}
        )
    command = {"Name": "glueetl", "ScriptLocation": "s3://theirs/script.py", "PythonVersion": "3"}
    for name in ("hometeamstatistics2", "footlake-other"):
        glue.create_job(Name=name, Role=role, Command=command, GlueVersion="5.1", WorkerType="G.1X", NumberOfWorkers=2)
    glue.create_trigger(
        Name="teamstatistics2",
        Type="SCHEDULED",
        Schedule="cron(0 9 ? * TUE *)",
        Actions=[{"JobName": "hometeamstatistics2"}],
    )
    glue.create_connection(
        ConnectionInput={
            "Name": "mysqldbconnection2",
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": "jdbc:mysql://theirs:3306/mysqldb",
                "USERNAME": "admin",
                "PASSWORD": "theirs",
            },
        }
    )


def _database(lake: AwsContext) -> None:
    ec2, rds, vpc = lake.client("ec2"), lake.client("rds"), default_vpc(lake)
    group = ec2.create_security_group(GroupName="rds-mysql-2", Description="theirs", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}]
    )
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{lake.config.region}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table["RouteTableId"] for table in tables],
    )
    ids = [subnet["SubnetId"] for subnet in subnets(lake)]
    rds.create_db_subnet_group(DBSubnetGroupName="rds-mysql-2", DBSubnetGroupDescription="theirs", SubnetIds=ids)
    rds.create_db_parameter_group(
        DBParameterGroupName="rds-mysql-2", DBParameterGroupFamily="mysql8.4", Description="theirs"
    )
    rds.create_db_instance(
        DBInstanceIdentifier="rds-mysql-2",
        Engine="postgres",  # one that the local AWS starts no server for
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="theirs",
        MasterUserPassword="theirs-theirs",
        DBSubnetGroupName="rds-mysql-2",
        VpcSecurityGroupIds=[group],
    )


def _lake_formation(lake: AwsContext, role: str) -> None:
    client = lake.client("lakeformation")
    client.put_data_lake_settings(
        DataLakeSettings={
            "DataLakeAdmins": [{"DataLakePrincipalIdentifier": role}],
            "CreateDatabaseDefaultPermissions": [],
            "TrustedResourceOwners": [lake.config.account],
        }
    )
    client.register_resource(ResourceArn=f"arn:aws:s3:::{lake.config.bucket}-other", UseServiceLinkedRole=True)
    client.grant_permissions(
        Principal={"DataLakePrincipalIdentifier": role},
        Resource={"Database": {"Name": "awsdataengineerprojectdatabase2"}},
        Permissions=["ALL"],
    )
