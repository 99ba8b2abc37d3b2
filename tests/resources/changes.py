"""What other people do to the lake's resources: change them behind its back, or own something of the same name."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from footlake.aws import AwsContext
from footlake.resources import (
    budgets,
    cloudwatch,
    events,
    glue,
    iam,
    lakeformation,
    lambdas,
    logs,
    network,
    rds,
    s3,
    ssm,
    walkthrough_extras,
)
from footlake.resources.base import get_or_none, tag_list

Change = Callable[[AwsContext, Any], None]

NOBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
NEVER = "cron(0 0 1 1 ? 2099)"


def arn(lake: AwsContext, service: str, name: str) -> str:
    return f"arn:aws:{service}:{lake.config.region}:{lake.config.account}:{name}"


# --- drift ---------------------------------------------------------------------------------------------------------


def bucket_public(lake: AwsContext, one: s3.Bucket) -> None:
    lake.client("s3").delete_public_access_block(Bucket=one.name)


def bucket_unversioned(lake: AwsContext, one: s3.Bucket) -> None:
    lake.client("s3").put_bucket_versioning(Bucket=one.name, VersioningConfiguration={"Status": "Suspended"})


def bucket_without_lifecycle(lake: AwsContext, one: s3.Bucket) -> None:
    lake.client("s3").delete_bucket_lifecycle(Bucket=one.name)


def object_rewritten(lake: AwsContext, one: s3.S3Object) -> None:
    lake.client("s3").put_object(Bucket=one.bucket.name, Key=one.key, Body=b"print('other')")


def notification_changed(lake: AwsContext, one: s3.BucketNotification) -> None:
    client = lake.client("s3")
    there = client.get_bucket_notification_configuration(Bucket=one.bucket.name)
    del there["ResponseMetadata"]
    for configuration in there["LambdaFunctionConfigurations"]:
        if configuration["LambdaFunctionArn"] == one.function.arn(lake):
            configuration["Events"] = ["s3:ObjectRemoved:*"]
    client.put_bucket_notification_configuration(Bucket=one.bucket.name, NotificationConfiguration=there)


def role_policy_changed(lake: AwsContext, one: iam.IamRole) -> None:
    lake.client("iam").put_role_policy(RoleName=one.name, PolicyName=iam.POLICY, PolicyDocument=json.dumps(NOBODY))


def role_policy_deleted(lake: AwsContext, one: iam.IamRole) -> None:
    lake.client("iam").delete_role_policy(RoleName=one.name, PolicyName=iam.POLICY)


def role_trusts_another(lake: AwsContext, one: iam.IamRole) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    lake.client("iam").update_assume_role_policy(RoleName=one.name, PolicyDocument=document)


def group_opened(source: dict[str, Any], lake: AwsContext, one: network.SecurityGroup) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **source}
    lake.client("ec2").authorize_security_group_ingress(GroupId=one.id(lake), IpPermissions=[rule])


def group_closed(lake: AwsContext, one: network.SecurityGroup) -> None:
    groups = lake.client("ec2").describe_security_groups(GroupIds=[one.id(lake)])["SecurityGroups"]
    lake.client("ec2").revoke_security_group_ingress(GroupId=one.id(lake), IpPermissions=groups[0]["IpPermissions"])


def endpoint_off_its_routes(lake: AwsContext, one: network.S3Endpoint) -> None:
    endpoint = one._read(lake)
    assert endpoint
    lake.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=endpoint["RouteTableIds"]
    )


def subnets_fewer(lake: AwsContext, one: rds.DBSubnetGroup) -> None:
    ids = [subnet["SubnetId"] for subnet in network.subnets(lake)][:2]
    lake.client("rds").modify_db_subnet_group(DBSubnetGroupName=one.name, SubnetIds=ids)


def instance_private(lake: AwsContext, one: rds.DBInstance) -> None:
    one.address(lake)
    lake.client("rds").modify_db_instance(
        DBInstanceIdentifier=one.name, PubliclyAccessible=False, ApplyImmediately=True
    )


def instance_of_other_settings(lake: AwsContext, one: rds.DBInstance) -> None:
    """One that lets in who comes without TLS, too."""
    client, name = lake.client("rds"), "theirs"
    if not get_or_none(client.describe_db_parameter_groups, "DBParameterGroupNotFound", DBParameterGroupName=name):
        client.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily=rds.FAMILY, Description="x")
    client.modify_db_instance(DBInstanceIdentifier=one.name, DBParameterGroupName=name, ApplyImmediately=True)


def instance_unsaved(lake: AwsContext, one: rds.DBInstance) -> None:
    one.address(lake)
    lake.client("rds").modify_db_instance(DBInstanceIdentifier=one.name, BackupRetentionPeriod=0, ApplyImmediately=True)


def mysql_in_the_clear(lake: AwsContext, one: rds.DBParameterGroup) -> None:
    setting = rds.ENCRYPTED | {"ParameterValue": "0"}
    lake.client("rds").modify_db_parameter_group(DBParameterGroupName=one.name, Parameters=[setting])


def key_changed(lake: AwsContext, one: ssm.SecretParameter) -> None:
    lake.client("ssm").put_parameter(Name=one.name, Value="another key", Type="SecureString", Overwrite=True)


def retention_changed(lake: AwsContext, one: logs.LogGroup) -> None:
    lake.client("logs").put_retention_policy(logGroupName=one.name, retentionInDays=1)


def retention_deleted(lake: AwsContext, one: logs.LogGroup) -> None:
    lake.client("logs").delete_retention_policy(logGroupName=one.name)


def function_hurried(lake: AwsContext, one: lambdas.LambdaFunction) -> None:
    lake.client("lambda").update_function_configuration(FunctionName=one.name, Timeout=3)


def function_elsewhere(lake: AwsContext, one: lambdas.LambdaFunction) -> None:
    lake.client("lambda").update_function_configuration(
        FunctionName=one.name, Environment={"Variables": {"FOOTLAKE_BUCKET": "another"}}
    )


def function_without_layer(lake: AwsContext, one: lambdas.LambdaFunction) -> None:
    lake.client("lambda").update_function_configuration(FunctionName=one.name, Layers=[])


def function_rewritten(lake: AwsContext, one: lambdas.LambdaFunction) -> None:
    lake.client("lambda").update_function_code(FunctionName=one.name, ZipFile=one.layer.content)


def layer_added(lake: AwsContext, one: lambdas.LambdaLayer) -> None:
    """As an older footlake, with other packages, would have left it."""
    lake.client("lambda").publish_layer_version(
        LayerName=one.name, Description=f"footlake={lake.config.lake}", Content={"ZipFile": one.content + b"\0"}
    )


def permission_for_another(lake: AwsContext, one: lambdas.LambdaPermission) -> None:
    client = lake.client("lambda")
    client.remove_permission(FunctionName=one.function.name, StatementId=one.statement_id)
    client.add_permission(
        FunctionName=one.function.name,
        StatementId=one.statement_id,
        Action="lambda:InvokeFunction",
        Principal=one.service,
        SourceArn=one.source(lake),
        SourceAccount="210987654321",
    )


def rule_rescheduled(lake: AwsContext, one: events.EventRule) -> None:
    lake.client("events").put_rule(Name=one.name, ScheduleExpression=NEVER)


def rule_disabled(lake: AwsContext, one: events.EventRule) -> None:
    lake.client("events").disable_rule(Name=one.name)


def rule_without_target(lake: AwsContext, one: events.EventRule) -> None:
    lake.client("events").remove_targets(Rule=one.name, Ids=["1"])


def database_moved(lake: AwsContext, one: glue.GlueDatabase) -> None:
    wanted = {"Name": one.name, "LocationUri": "s3://elsewhere/"}
    lake.client("glue").update_database(Name=one.name, DatabaseInput=wanted)


def connection_to_another(lake: AwsContext, one: glue.GlueConnection) -> None:
    there = lake.client("glue").get_connection(Name=one.name, HidePassword=False)["Connection"]
    properties = there["ConnectionProperties"] | {"JDBC_CONNECTION_URL": "jdbc:mysql://elsewhere:3306/other"}
    lake.client("glue").update_connection(
        Name=one.name,
        ConnectionInput={"Name": one.name, "ConnectionType": "JDBC", "ConnectionProperties": properties},
    )


def crawler_rescheduled(lake: AwsContext, one: glue.GlueCrawler) -> None:
    lake.client("glue").update_crawler(Name=one.name, Schedule=NEVER)


def crawler_elsewhere(lake: AwsContext, one: glue.GlueCrawler) -> None:
    lake.client("glue").update_crawler(Name=one.name, Targets={"S3Targets": [{"Path": "s3://elsewhere/"}]})


def job_patient(lake: AwsContext, one: glue.GlueJob) -> None:
    there = one._desired(lake) | {"Timeout": 2880}
    lake.client("glue").update_job(JobName=one.name, JobUpdate=there)


def job_runs_another(lake: AwsContext, one: glue.GlueJob) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://elsewhere/script.py", "PythonVersion": "3"}
    lake.client("glue").update_job(JobName=one.name, JobUpdate=one._desired(lake) | {"Command": command})


def trigger_rescheduled(lake: AwsContext, one: glue.GlueTrigger) -> None:
    lake.client("glue").update_trigger(Name=one.name, TriggerUpdate={"Name": one.name, "Schedule": NEVER})


def trigger_stopped(lake: AwsContext, one: glue.GlueTrigger) -> None:
    lake.client("glue").stop_trigger(Name=one.name)


def budget_doubled(lake: AwsContext, one: budgets.Budget) -> None:
    wanted = one._desired() | {"BudgetLimit": {"Amount": "999", "Unit": "USD"}}
    lake.client("budgets").update_budget(AccountId=lake.config.account, NewBudget=wanted)


def alarm_deaf(lake: AwsContext, one: cloudwatch.Alarm) -> None:
    lake.client("cloudwatch").put_metric_alarm(**one._desired(lake) | {"Threshold": 1e6})


def dashboard_emptied(lake: AwsContext, one: cloudwatch.Dashboard) -> None:
    lake.client("cloudwatch").put_dashboard(DashboardName=one.name, DashboardBody='{"widgets": []}')


def topic_without_subscriber(lake: AwsContext, one: cloudwatch.SnsTopic) -> None:
    for subscription in lake.client("sns").list_subscriptions_by_topic(TopicArn=one.arn(lake))["Subscriptions"]:
        lake.client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def event_log_for_another(lake: AwsContext, one: cloudwatch.EventLog) -> None:
    document = one._desired(lake)
    document["Statement"][0]["Principal"] = {"Service": "es.amazonaws.com"}
    lake.client("logs").put_resource_policy(policyName=one.policy, policyDocument=json.dumps(document))


def administrator_removed(lake: AwsContext, one: lakeformation.DataLakeAdministrator) -> None:
    lake.client("lakeformation").put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": []})


def grant_reduced(lake: AwsContext, one: lakeformation.LakeFormationGrant) -> None:
    lake.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": one.role.arn(lake)},
        Resource=lakeformation.api_resource(one.on, one.tables),
        Permissions=[one.permissions[0]],
    )


def user_without_policy(lake: AwsContext, one: walkthrough_extras.IamUser) -> None:
    policy = walkthrough_extras.managed_policy_arn(one.policy)
    lake.client("iam").detach_user_policy(UserName=one.name, PolicyArn=policy)


def one_policy_fewer(lake: AwsContext, one: walkthrough_extras.ManagedPolicies) -> None:
    policy = walkthrough_extras.managed_policy_arn(one.names[0])
    lake.client("iam").detach_role_policy(RoleName=one.role.name, PolicyArn=policy)


DRIFTS: dict[type, tuple[Change, ...]] = {
    s3.Bucket: (bucket_public, bucket_unversioned, bucket_without_lifecycle),
    s3.S3Object: (object_rewritten,),
    s3.BucketNotification: (notification_changed,),
    iam.IamRole: (role_policy_changed, role_policy_deleted, role_trusts_another),
    network.SecurityGroup: (
        functools.partial(group_opened, {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
        functools.partial(group_opened, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}),
        group_closed,
    ),
    network.S3Endpoint: (endpoint_off_its_routes,),
    rds.DBSubnetGroup: (subnets_fewer,),
    rds.DBParameterGroup: (mysql_in_the_clear,),
    rds.DBInstance: (instance_private, instance_unsaved, instance_of_other_settings),
    ssm.SecretParameter: (key_changed,),
    logs.LogGroup: (retention_changed, retention_deleted),
    lambdas.LambdaFunction: (function_hurried, function_elsewhere, function_without_layer, function_rewritten),
    lambdas.LambdaLayer: (layer_added,),
    lambdas.LambdaPermission: (permission_for_another,),
    events.EventRule: (rule_rescheduled, rule_disabled, rule_without_target),
    glue.GlueDatabase: (database_moved,),
    glue.GlueConnection: (connection_to_another,),
    glue.GlueCrawler: (crawler_rescheduled, crawler_elsewhere),
    glue.GlueJob: (job_patient, job_runs_another),
    glue.GlueTrigger: (trigger_rescheduled, trigger_stopped),
    budgets.Budget: (budget_doubled,),
    cloudwatch.Alarm: (alarm_deaf,),
    cloudwatch.Dashboard: (dashboard_emptied,),
    cloudwatch.SnsTopic: (topic_without_subscriber,),
    cloudwatch.EventLog: (event_log_for_another,),
    lakeformation.DataLakeAdministrator: (administrator_removed,),
    lakeformation.LakeFormationGrant: (grant_reduced,),
    walkthrough_extras.IamUser: (user_without_policy,),
    walkthrough_extras.ManagedPolicies: (one_policy_fewer,),
}


def drifts(one: Any) -> tuple[Change, ...]:
    """The changes that bootstrap must undo."""
    if isinstance(one, s3.S3Object) and one.once:
        return ()  # its content is people's own
    if isinstance(one, ssm.SecretParameter) and one.generated:
        return ()  # whatever it is, it is the password
    if isinstance(one, lakeformation.LakeFormationGrant) and len(one.permissions) == 1:
        return ()  # it is there, or it is not
    if isinstance(one, walkthrough_extras.ManagedPolicies) and len(one.names) == 1:
        return ()
    return DRIFTS.get(type(one), ())


# --- ownership -----------------------------------------------------------------------------------------------------


def retag(lake: AwsContext, one: Any, ours: bool) -> None:
    """Take the lake's tag off a resource, so that it is somebody else's, or put it back."""
    tags, keys = tag_list(lake), list(lake.config.tags)

    def call(service: str, tag: str, untag: str, **named: Any) -> None:
        client = lake.client(service)
        getattr(client, tag)(**named, Tags=tags) if ours else getattr(client, untag)(**named, TagKeys=keys)

    match one:
        case s3.Bucket():
            mine = {"Bucket": one.name, "Tagging": {"TagSet": tags if ours else [{"Key": "team", "Value": "other"}]}}
            lake.client("s3").put_bucket_tagging(**mine)
        case iam.IamRole():
            call("iam", "tag_role", "untag_role", RoleName=one.name)
        case walkthrough_extras.IamUser():
            call("iam", "tag_user", "untag_user", UserName=one.name)
        case ssm.SecretParameter():
            named = {"ResourceType": "Parameter", "ResourceId": one.name}
            call("ssm", "add_tags_to_resource", "remove_tags_from_resource", **named)
        case network.SecurityGroup():
            _retag_ec2(lake, str(one.id(lake)), ours)
        case network.S3Endpoint() | walkthrough_extras.S3InterfaceEndpoint():
            _retag_ec2(lake, (one._read(lake) or {})["VpcEndpointId"], ours)
        case rds.DBSubnetGroup() | rds.DBParameterGroup() | rds.DBInstance():
            kind = {rds.DBSubnetGroup: "subgrp", rds.DBParameterGroup: "pg", rds.DBInstance: "db"}[type(one)]
            named = {"ResourceName": arn(lake, "rds", f"{kind}:{one.name}")}
            call("rds", "add_tags_to_resource", "remove_tags_from_resource", **named)
        case glue.GlueDatabase() | glue.GlueConnection() | glue.GlueCrawler() | glue.GlueJob() | glue.GlueTrigger():
            name = arn(lake, "glue", f"{one.kind.removeprefix('glue ')}/{one.name}")
            if ours:
                lake.client("glue").tag_resource(ResourceArn=name, TagsToAdd=lake.config.tags)
            else:
                lake.client("glue").untag_resource(ResourceArn=name, TagsToRemove=keys)
        case lambdas.LambdaFunction():
            if ours:
                lake.client("lambda").tag_resource(Resource=one.arn(lake), Tags=lake.config.tags)
            else:
                lake.client("lambda").untag_resource(Resource=one.arn(lake), TagKeys=keys)
        case logs.LogGroup():
            name = arn(lake, "logs", f"log-group:{one.name}")
            if ours:
                lake.client("logs").tag_resource(resourceArn=name, tags=lake.config.tags)
            else:
                lake.client("logs").untag_resource(resourceArn=name, tagKeys=keys)
        case events.EventRule():
            call("events", "tag_resource", "untag_resource", ResourceARN=arn(lake, "events", f"rule/{one.name}"))
        case cloudwatch.SnsTopic():
            call("sns", "tag_resource", "untag_resource", ResourceArn=one.arn(lake))
        case cloudwatch.Alarm():
            call(
                "cloudwatch", "tag_resource", "untag_resource", ResourceARN=arn(lake, "cloudwatch", f"alarm:{one.name}")
            )
        case _:
            raise LookupError(one)


def _retag_ec2(lake: AwsContext, id: str, ours: bool) -> None:
    client = lake.client("ec2")
    (client.create_tags if ours else client.delete_tags)(Resources=[id], Tags=tag_list(lake))


TAGGED = (
    *(
        s3.Bucket,
        iam.IamRole,
        walkthrough_extras.IamUser,
        ssm.SecretParameter,
        network.SecurityGroup,
        network.S3Endpoint,
    ),
    *(walkthrough_extras.S3InterfaceEndpoint, rds.DBSubnetGroup, rds.DBParameterGroup, rds.DBInstance),
    *(glue.GlueDatabase, glue.GlueConnection, glue.GlueCrawler, glue.GlueJob, glue.GlueTrigger),
    *(lambdas.LambdaFunction, logs.LogGroup, events.EventRule, cloudwatch.SnsTopic, cloudwatch.Alarm),
)


def is_shared(one: Any) -> bool:
    """Whether somebody else's is used as it is, rather than in the way."""
    shared = (logs.LogGroup, network.S3Endpoint, walkthrough_extras.S3InterfaceEndpoint, walkthrough_extras.IamUser)
    return isinstance(one, shared) or (isinstance(one, s3.Bucket) and one.shared)
