"""Resources of another owner in the account: one of each kind that footlake creates, with similar names."""

from __future__ import annotations

import json
from typing import Any

from footlake.aws import AwsContext
from footlake.deploy.packaging import zip_files
from footlake.resources.network import default_vpc, subnets

CODE = zip_files([("code.py", b"def handler(event, context): pass")])
ROLE = "GlueRoleOld"


def create_neighbours(aws: AwsContext) -> None:
    """Fill the account with resources whose names resemble the lake's, without its tag."""
    config = aws.config
    _iam(aws)
    role = f"arn:aws:iam::{config.account}:role/{ROLE}"
    _s3(aws)
    _lambda(aws, role)
    _glue(aws, role)
    _database(aws)
    for name in ("/footlake/api-football-key-old", "/footlake-other/mysql-password"):
        aws.client("ssm").put_parameter(Name=name, Value="theirs", Type="SecureString")
    logs = aws.client("logs")
    # One group is used by all Glue jobs of the account, with a retention that its owner chose.
    for name in ("/aws/lambda/etlGetFixturesOld", "/aws-glue/jobs/output", "/aws/lambda/etlGet"):
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=7)
    logs.put_resource_policy(policyName="footlake-other", policyDocument=json.dumps(_anybody("logs:PutLogEvents")))
    events = aws.client("events")
    events.put_rule(
        Name="etlGetFixturesOld", ScheduleExpression="rate(1 day)", Tags=[{"Key": "footlake", "Value": "x"}]
    )
    aws.client("sagemaker").create_model(ModelName="xGoals-mine", ExecutionRoleArn=role)
    topic = aws.client("sns").create_topic(Name="footlake-other")["TopicArn"]
    aws.client("cloudwatch").put_metric_alarm(
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
    aws.client("cloudwatch").put_dashboard(DashboardName="footlake-other", DashboardBody='{"widgets": []}')
    aws.client("budgets").create_budget(
        AccountId=config.account,
        Budget={
            "BudgetName": "footlake-other",
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "5", "Unit": "USD"},
        },
    )
    _lake_formation(aws, role)


def _anybody(action: str, resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _iam(aws: AwsContext) -> None:
    iam = aws.client("iam")
    services = ["glue.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    for name in (ROLE, "footlake-other", "LambdaFullAccessToS3Old"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=name, PolicyName="footlake", PolicyDocument=json.dumps(own))
    # The user of the original walk-through exists already, and is in use.
    iam.create_user(UserName="boto3user")
    iam.attach_user_policy(UserName="boto3user", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_access_key(UserName="boto3user")


def _s3(aws: AwsContext) -> None:
    s3, config = aws.client("s3"), aws.config
    for name in (f"{config.bucket}-other", config.assets_bucket):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="scripts/theirs.py", Body=b"theirs")
        s3.put_object(Bucket=name, Key="scripts/dropids.py.bak", Body=b"theirs")
    s3.put_bucket_tagging(Bucket=config.assets_bucket, Tagging={"TagSet": [{"Key": "team", "Value": "other"}]})
    policy = _anybody("s3:GetObject", f"arn:aws:s3:::{config.assets_bucket}/*")
    s3.put_bucket_policy(Bucket=config.assets_bucket, Policy=json.dumps(policy))


def _lambda(aws: AwsContext, role: str) -> None:
    client, config = aws.client("lambda"), aws.config
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
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=config.assets_bucket, NotificationConfiguration=notification(arn, "temporary/")
    )


def notification(function: str, prefix: str) -> dict[str, Any]:
    """Return the notification of another owner's function, and of EventBridge."""
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


def _glue(aws: AwsContext, role: str) -> None:
    glue = aws.client("glue")
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


def _database(aws: AwsContext) -> None:
    ec2, rds, vpc = aws.client("ec2"), aws.client("rds"), default_vpc(aws)
    group = ec2.create_security_group(GroupName="rds-mysql-2", Description="theirs", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}]
    )
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{aws.config.region}.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table["RouteTableId"] for table in tables],
    )
    ids = [subnet["SubnetId"] for subnet in subnets(aws)]
    rds.create_db_subnet_group(DBSubnetGroupName="rds-mysql-2", DBSubnetGroupDescription="theirs", SubnetIds=ids)
    rds.create_db_parameter_group(
        DBParameterGroupName="rds-mysql-2", DBParameterGroupFamily="mysql8.4", Description="theirs"
    )
    rds.create_db_instance(
        DBInstanceIdentifier="rds-mysql-2",
        Engine="postgres",  # the local AWS starts no server for it
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="theirs",
        MasterUserPassword="theirs-theirs",
        DBSubnetGroupName="rds-mysql-2",
        VpcSecurityGroupIds=[group],
    )


def _lake_formation(aws: AwsContext, role: str) -> None:
    client = aws.client("lakeformation")
    client.put_data_lake_settings(
        DataLakeSettings={
            "DataLakeAdmins": [{"DataLakePrincipalIdentifier": role}],
            "CreateDatabaseDefaultPermissions": [],
            "TrustedResourceOwners": [aws.config.account],
        }
    )
    client.register_resource(ResourceArn=f"arn:aws:s3:::{aws.config.bucket}-other", UseServiceLinkedRole=True)
    client.grant_permissions(
        Principal={"DataLakePrincipalIdentifier": role},
        Resource={"Database": {"Name": "awsdataengineerprojectdatabase2"}},
        Permissions=["ALL"],
    )
