"""Changes by other people: a resource of the lake drifts, or loses the lake's tag and so belongs to them."""

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
    scheduler,
    sqs,
    ssm,
    walkthrough_extras,
)
from footlake.resources.base import tag_list

Change = Callable[[AwsContext, Any], None]

DENY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
NEVER = "cron(0 0 1 1 ? 2099)"


def arn(aws: AwsContext, service: str, name: str) -> str:
    return f"arn:aws:{service}:{aws.config.region}:{aws.config.account}:{name}"


# --- drift ---------------------------------------------------------------------------------------------------------


def remove_public_access_block(aws: AwsContext, resource: s3.Bucket) -> None:
    aws.client("s3").delete_public_access_block(Bucket=resource.name)


def suspend_versioning(aws: AwsContext, resource: s3.Bucket) -> None:
    aws.client("s3").put_bucket_versioning(Bucket=resource.name, VersioningConfiguration={"Status": "Suspended"})


def delete_lifecycle(aws: AwsContext, resource: s3.Bucket) -> None:
    aws.client("s3").delete_bucket_lifecycle(Bucket=resource.name)


def rewrite_object(aws: AwsContext, resource: s3.S3Object) -> None:
    aws.client("s3").put_object(Bucket=resource.bucket.name, Key=resource.key, Body=b"print('other')")


def change_notification(aws: AwsContext, resource: s3.BucketNotification) -> None:
    client = aws.client("s3")
    notifications = client.get_bucket_notification_configuration(Bucket=resource.bucket.name)
    del notifications["ResponseMetadata"]
    for configuration in notifications["LambdaFunctionConfigurations"]:
        if configuration["LambdaFunctionArn"] == resource.function.arn(aws):
            configuration["Events"] = ["s3:ObjectRemoved:*"]
    client.put_bucket_notification_configuration(Bucket=resource.bucket.name, NotificationConfiguration=notifications)


def change_role_policy(aws: AwsContext, resource: iam.IamRole) -> None:
    aws.client("iam").put_role_policy(
        RoleName=resource.name, PolicyName=iam.POLICY, PolicyDocument=json.dumps(DENY_ALL)
    )


def delete_role_policy(aws: AwsContext, resource: iam.IamRole) -> None:
    aws.client("iam").delete_role_policy(RoleName=resource.name, PolicyName=iam.POLICY)


def change_trust(aws: AwsContext, resource: iam.IamRole) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").update_assume_role_policy(RoleName=resource.name, PolicyDocument=document)


def remove_boundary(aws: AwsContext, resource: iam.IamRole) -> None:
    aws.client("iam").delete_role_permissions_boundary(RoleName=resource.name)


def widen_boundary(aws: AwsContext, resource: iam.PermissionsBoundary) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    # As many versions as a managed policy can have.
    for _ in range(iam.MOST_VERSIONS - len(resource._older_versions(aws)) - 1):
        aws.client("iam").create_policy_version(PolicyArn=resource.arn(aws), PolicyDocument=document, SetAsDefault=True)


def open_group(source: dict[str, Any], aws: AwsContext, resource: network.SecurityGroup) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **source}
    aws.client("ec2").authorize_security_group_ingress(GroupId=resource.id(aws), IpPermissions=[rule])


def close_group(aws: AwsContext, resource: network.SecurityGroup) -> None:
    groups = aws.client("ec2").describe_security_groups(GroupIds=[resource.id(aws)])["SecurityGroups"]
    aws.client("ec2").revoke_security_group_ingress(GroupId=resource.id(aws), IpPermissions=groups[0]["IpPermissions"])


def remove_routes(aws: AwsContext, resource: network.S3Endpoint) -> None:
    endpoint = resource._read(aws)
    assert endpoint
    aws.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=endpoint["RouteTableIds"]
    )


def remove_subnets(aws: AwsContext, resource: rds.DBSubnetGroup) -> None:
    ids = [subnet["SubnetId"] for subnet in network.subnets(aws)][:2]
    aws.client("rds").modify_db_subnet_group(DBSubnetGroupName=resource.name, SubnetIds=ids)


def make_instance_private(aws: AwsContext, resource: rds.DBInstance) -> None:
    resource.address(aws)
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier=resource.name, PubliclyAccessible=False, ApplyImmediately=True
    )


def change_parameter_group(aws: AwsContext, resource: rds.DBInstance) -> None:
    """Give the instance a parameter group that does not require TLS."""
    client, group = aws.client("rds"), {"DBParameterGroupName": "theirs"}
    if not rds.DBParameterGroup("theirs").exists(aws):
        client.create_db_parameter_group(**group, DBParameterGroupFamily=rds.FAMILY, Description="x")
    client.modify_db_instance(DBInstanceIdentifier=resource.name, **group, ApplyImmediately=True)


def stop_backups(aws: AwsContext, resource: rds.DBInstance) -> None:
    resource.address(aws)
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier=resource.name, BackupRetentionPeriod=0, ApplyImmediately=True
    )


def allow_unencrypted_connections(aws: AwsContext, resource: rds.DBParameterGroup) -> None:
    setting = rds.ENCRYPTED | {"ParameterValue": "0"}
    aws.client("rds").modify_db_parameter_group(DBParameterGroupName=resource.name, Parameters=[setting])


def change_secret(aws: AwsContext, resource: ssm.SecretParameter) -> None:
    aws.client("ssm").put_parameter(Name=resource.name, Value="another key", Type="SecureString", Overwrite=True)


def change_retention(aws: AwsContext, resource: logs.LogGroup) -> None:
    aws.client("logs").put_retention_policy(logGroupName=resource.name, retentionInDays=1)


def delete_retention(aws: AwsContext, resource: logs.LogGroup) -> None:
    aws.client("logs").delete_retention_policy(logGroupName=resource.name)


def shorten_timeout(aws: AwsContext, resource: lambdas.LambdaFunction) -> None:
    aws.client("lambda").update_function_configuration(FunctionName=resource.name, Timeout=3)


def change_environment(aws: AwsContext, resource: lambdas.LambdaFunction) -> None:
    aws.client("lambda").update_function_configuration(
        FunctionName=resource.name, Environment={"Variables": {"FOOTLAKE_BUCKET": "another"}}
    )


def remove_layer(aws: AwsContext, resource: lambdas.LambdaFunction) -> None:
    aws.client("lambda").update_function_configuration(FunctionName=resource.name, Layers=[])


def change_code(aws: AwsContext, resource: lambdas.LambdaFunction) -> None:
    aws.client("lambda").update_function_code(FunctionName=resource.name, ZipFile=resource.layer.content)


def publish_other_layer_version(aws: AwsContext, resource: lambdas.LambdaLayer) -> None:
    """Publish a version with other packages, as an older footlake did."""
    aws.client("lambda").publish_layer_version(
        LayerName=resource.name,
        Description=f"footlake={aws.config.lake}",
        Content={"ZipFile": resource.content + b"\0"},
    )


def change_permission(aws: AwsContext, resource: lambdas.LambdaPermission) -> None:
    client = aws.client("lambda")
    client.remove_permission(FunctionName=resource.function.name, StatementId=resource.statement_id)
    client.add_permission(
        FunctionName=resource.function.name,
        StatementId=resource.statement_id,
        Action="lambda:InvokeFunction",
        Principal=resource.service,
        SourceArn=resource.source(aws),
        SourceAccount="210987654321",
    )


def reschedule_rule(aws: AwsContext, resource: events.EventRule) -> None:
    aws.client("events").put_rule(Name=resource.name, ScheduleExpression=NEVER)


def disable_rule(aws: AwsContext, resource: events.EventRule) -> None:
    aws.client("events").disable_rule(Name=resource.name)


def remove_target(aws: AwsContext, resource: events.EventRule) -> None:
    aws.client("events").remove_targets(Rule=resource.name, Ids=["1"])


def reschedule(aws: AwsContext, resource: scheduler.DatabaseSchedule) -> None:
    aws.client("scheduler").update_schedule(**resource._desired(aws) | {"ScheduleExpression": "rate(365 days)"})


def disable_schedule(aws: AwsContext, resource: scheduler.DatabaseSchedule) -> None:
    aws.client("scheduler").update_schedule(**resource._desired(aws) | {"State": "DISABLED"})


def retarget(aws: AwsContext, resource: scheduler.DatabaseSchedule) -> None:
    desired = resource._desired(aws)
    desired["Target"] |= {"Input": '{"DbInstanceIdentifier": "another"}'}
    aws.client("scheduler").update_schedule(**desired)


def move_database(aws: AwsContext, resource: glue.GlueDatabase) -> None:
    database = {"Name": resource.name, "LocationUri": "s3://elsewhere/"}
    aws.client("glue").update_database(Name=resource.name, DatabaseInput=database)


def change_connection(aws: AwsContext, resource: glue.GlueConnection) -> None:
    connection = aws.client("glue").get_connection(Name=resource.name, HidePassword=False)["Connection"]
    properties = connection["ConnectionProperties"] | {"JDBC_CONNECTION_URL": "jdbc:mysql://elsewhere:3306/other"}
    aws.client("glue").update_connection(
        Name=resource.name,
        ConnectionInput={"Name": resource.name, "ConnectionType": "JDBC", "ConnectionProperties": properties},
    )


def change_table(aws: AwsContext, resource: glue.GlueTable) -> None:
    table = resource._desired()
    table["StorageDescriptor"]["Columns"] = [{"Name": "col0", "Type": "string"}]
    aws.client("glue").update_table(DatabaseName=resource.database.name, TableInput=table)


def reschedule_crawler(aws: AwsContext, resource: glue.GlueCrawler) -> None:
    aws.client("glue").update_crawler(Name=resource.name, Schedule=NEVER)


def change_crawler_target(aws: AwsContext, resource: glue.GlueCrawler) -> None:
    aws.client("glue").update_crawler(Name=resource.name, Targets={"S3Targets": [{"Path": "s3://elsewhere/"}]})


def lengthen_job_timeout(aws: AwsContext, resource: glue.GlueJob) -> None:
    job = resource._desired(aws) | {"Timeout": 2880}
    aws.client("glue").update_job(JobName=resource.name, JobUpdate=job)


def change_script(aws: AwsContext, resource: glue.GlueJob) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://elsewhere/script.py", "PythonVersion": "3"}
    aws.client("glue").update_job(JobName=resource.name, JobUpdate=resource._desired(aws) | {"Command": command})


def reschedule_trigger(aws: AwsContext, resource: glue.GlueTrigger) -> None:
    aws.client("glue").update_trigger(Name=resource.name, TriggerUpdate={"Name": resource.name, "Schedule": NEVER})


def stop_trigger(aws: AwsContext, resource: glue.GlueTrigger) -> None:
    aws.client("glue").stop_trigger(Name=resource.name)


def raise_budget(aws: AwsContext, resource: budgets.Budget) -> None:
    budget = resource._desired() | {"BudgetLimit": {"Amount": "999", "Unit": "USD"}}
    aws.client("budgets").update_budget(AccountId=aws.config.account, NewBudget=budget)


def raise_threshold(aws: AwsContext, resource: cloudwatch.Alarm) -> None:
    aws.client("cloudwatch").put_metric_alarm(**resource._desired(aws) | {"Threshold": 1e6})


def empty_dashboard(aws: AwsContext, resource: cloudwatch.Dashboard) -> None:
    aws.client("cloudwatch").put_dashboard(DashboardName=resource.name, DashboardBody='{"widgets": []}')


def unsubscribe(aws: AwsContext, resource: cloudwatch.SnsTopic) -> None:
    for subscription in aws.client("sns").list_subscriptions_by_topic(TopicArn=resource.arn(aws))["Subscriptions"]:
        aws.client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def shorten_retention(aws: AwsContext, resource: sqs.SqsQueue) -> None:
    url = aws.client("sqs").get_queue_url(QueueName=resource.name)["QueueUrl"]
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})


def remove_destination(aws: AwsContext, resource: lambdas.FailureDestination) -> None:
    aws.client("lambda").put_function_event_invoke_config(FunctionName=resource.function.name, MaximumRetryAttempts=1)


def change_log_policy(aws: AwsContext, resource: cloudwatch.EventLog) -> None:
    document = resource._desired(aws)
    document["Statement"][0]["Principal"] = {"Service": "es.amazonaws.com"}
    aws.client("logs").put_resource_policy(policyName=resource.policy, policyDocument=json.dumps(document))


def remove_administrators(aws: AwsContext, resource: lakeformation.DataLakeAdministrator) -> None:
    aws.client("lakeformation").put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": []})


def revoke_permission(aws: AwsContext, resource: lakeformation.LakeFormationGrant) -> None:
    aws.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": resource.role.arn(aws)},
        Resource=lakeformation.api_resource(resource.on, resource.tables),
        Permissions=[resource.permissions[0]],
    )


def detach_user_policy(aws: AwsContext, resource: walkthrough_extras.IamUser) -> None:
    policy = walkthrough_extras.managed_policy_arn(resource.policy)
    aws.client("iam").detach_user_policy(UserName=resource.name, PolicyArn=policy)


def detach_role_policy(aws: AwsContext, resource: walkthrough_extras.ManagedPolicies) -> None:
    policy = walkthrough_extras.managed_policy_arn(resource.names[0])
    aws.client("iam").detach_role_policy(RoleName=resource.role.name, PolicyArn=policy)


DRIFTS: dict[type, tuple[Change, ...]] = {
    s3.Bucket: (remove_public_access_block, suspend_versioning, delete_lifecycle),
    s3.S3Object: (rewrite_object,),
    s3.BucketNotification: (change_notification,),
    iam.IamRole: (change_role_policy, delete_role_policy, change_trust, remove_boundary),
    iam.PermissionsBoundary: (widen_boundary,),
    network.SecurityGroup: (
        functools.partial(open_group, {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
        functools.partial(open_group, {"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}),
        close_group,
    ),
    network.S3Endpoint: (remove_routes,),
    rds.DBSubnetGroup: (remove_subnets,),
    rds.DBParameterGroup: (allow_unencrypted_connections,),
    rds.DBInstance: (make_instance_private, stop_backups, change_parameter_group),
    ssm.SecretParameter: (change_secret,),
    logs.LogGroup: (change_retention, delete_retention),
    lambdas.LambdaFunction: (shorten_timeout, change_environment, remove_layer, change_code),
    lambdas.LambdaLayer: (publish_other_layer_version,),
    lambdas.LambdaPermission: (change_permission,),
    events.EventRule: (reschedule_rule, disable_rule, remove_target),
    scheduler.DatabaseSchedule: (reschedule, disable_schedule, retarget),
    glue.GlueDatabase: (move_database,),
    glue.GlueConnection: (change_connection,),
    glue.GlueTable: (change_table,),
    glue.GlueCrawler: (reschedule_crawler, change_crawler_target),
    glue.GlueJob: (lengthen_job_timeout, change_script),
    glue.GlueTrigger: (reschedule_trigger, stop_trigger),
    budgets.Budget: (raise_budget,),
    cloudwatch.Alarm: (raise_threshold,),
    cloudwatch.Dashboard: (empty_dashboard,),
    cloudwatch.SnsTopic: (unsubscribe,),
    sqs.SqsQueue: (shorten_retention,),
    lambdas.FailureDestination: (remove_destination,),
    cloudwatch.EventLog: (change_log_policy,),
    lakeformation.DataLakeAdministrator: (remove_administrators,),
    lakeformation.LakeFormationGrant: (revoke_permission,),
    walkthrough_extras.IamUser: (detach_user_policy,),
    walkthrough_extras.ManagedPolicies: (detach_role_policy,),
}


def drifts(resource: Any) -> tuple[Change, ...]:
    """Return the changes that bootstrap must undo."""
    if isinstance(resource, s3.S3Object) and resource.once:
        return ()  # its content may change
    if isinstance(resource, ssm.SecretParameter) and resource.generated:
        return ()  # any stored value is the password
    if isinstance(resource, lakeformation.LakeFormationGrant) and len(resource.permissions) == 1:
        return ()  # it exists or not; it cannot be reduced
    if isinstance(resource, walkthrough_extras.ManagedPolicies) and len(resource.names) == 1:
        return ()
    return DRIFTS.get(type(resource), ())


# --- ownership -----------------------------------------------------------------------------------------------------


def retag(aws: AwsContext, resource: Any, ours: bool) -> None:
    """Add the lake's tag to a resource if `ours`, or remove it, so that the resource belongs to another owner."""
    tags, keys = tag_list(aws), list(aws.config.tags)

    def call(service: str, tag: str, untag: str, **named: Any) -> None:
        client = aws.client(service)
        getattr(client, tag)(**named, Tags=tags) if ours else getattr(client, untag)(**named, TagKeys=keys)

    match resource:
        case s3.Bucket():
            mine = {
                "Bucket": resource.name,
                "Tagging": {"TagSet": tags if ours else [{"Key": "team", "Value": "other"}]},
            }
            aws.client("s3").put_bucket_tagging(**mine)
        case iam.IamRole():
            call("iam", "tag_role", "untag_role", RoleName=resource.name)
        case iam.PermissionsBoundary():
            call("iam", "tag_policy", "untag_policy", PolicyArn=resource.arn(aws))
        case walkthrough_extras.IamUser():
            call("iam", "tag_user", "untag_user", UserName=resource.name)
        case ssm.SecretParameter():
            named = {"ResourceType": "Parameter", "ResourceId": resource.name}
            call("ssm", "add_tags_to_resource", "remove_tags_from_resource", **named)
        case network.SecurityGroup() | network.EndpointSecurityGroup():
            _retag_ec2(aws, str(resource.id(aws)), ours)
        case network.S3Endpoint() | walkthrough_extras.S3InterfaceEndpoint():
            _retag_ec2(aws, (resource._read(aws) or {})["VpcEndpointId"], ours)
        case rds.DBSubnetGroup() | rds.DBParameterGroup() | rds.DBInstance():
            kind = {rds.DBSubnetGroup: "subgrp", rds.DBParameterGroup: "pg", rds.DBInstance: "db"}[type(resource)]
            named = {"ResourceName": arn(aws, "rds", f"{kind}:{resource.name}")}
            call("rds", "add_tags_to_resource", "remove_tags_from_resource", **named)
        case glue.GlueDatabase() | glue.GlueConnection() | glue.GlueCrawler() | glue.GlueJob() | glue.GlueTrigger():
            name = arn(aws, "glue", f"{resource.kind.removeprefix('glue ')}/{resource.name}")
            if ours:
                aws.client("glue").tag_resource(ResourceArn=name, TagsToAdd=aws.config.tags)
            else:
                aws.client("glue").untag_resource(ResourceArn=name, TagsToRemove=keys)
        case lambdas.LambdaFunction():
            if ours:
                aws.client("lambda").tag_resource(Resource=resource.arn(aws), Tags=aws.config.tags)
            else:
                aws.client("lambda").untag_resource(Resource=resource.arn(aws), TagKeys=keys)
        case logs.LogGroup():
            name = arn(aws, "logs", f"log-group:{resource.name}")
            if ours:
                aws.client("logs").tag_resource(resourceArn=name, tags=aws.config.tags)
            else:
                aws.client("logs").untag_resource(resourceArn=name, tagKeys=keys)
        case events.EventRule():
            call("events", "tag_resource", "untag_resource", ResourceARN=arn(aws, "events", f"rule/{resource.name}"))
        case scheduler.ScheduleGroup():
            call("scheduler", "tag_resource", "untag_resource", ResourceArn=resource.arn(aws))
        case cloudwatch.SnsTopic():
            call("sns", "tag_resource", "untag_resource", ResourceArn=resource.arn(aws))
        case sqs.SqsQueue():
            url = aws.client("sqs").get_queue_url(QueueName=resource.name)["QueueUrl"]
            if ours:
                aws.client("sqs").tag_queue(QueueUrl=url, Tags=aws.config.tags)
            else:
                aws.client("sqs").untag_queue(QueueUrl=url, TagKeys=keys)
        case cloudwatch.Alarm():
            call(
                "cloudwatch",
                "tag_resource",
                "untag_resource",
                ResourceARN=arn(aws, "cloudwatch", f"alarm:{resource.name}"),
            )
        case _:
            raise LookupError(resource)


def _retag_ec2(aws: AwsContext, resource_id: str, ours: bool) -> None:
    client = aws.client("ec2")
    (client.create_tags if ours else client.delete_tags)(Resources=[resource_id], Tags=tag_list(aws))


TAGGED = (
    *(
        s3.Bucket,
        iam.IamRole,
        iam.PermissionsBoundary,
        walkthrough_extras.IamUser,
        ssm.SecretParameter,
        network.SecurityGroup,
        network.EndpointSecurityGroup,
        network.S3Endpoint,
    ),
    *(walkthrough_extras.S3InterfaceEndpoint, rds.DBSubnetGroup, rds.DBParameterGroup, rds.DBInstance),
    *(glue.GlueDatabase, glue.GlueConnection, glue.GlueCrawler, glue.GlueJob, glue.GlueTrigger),
    *(lambdas.LambdaFunction, logs.LogGroup, events.EventRule, cloudwatch.SnsTopic, cloudwatch.Alarm),
    sqs.SqsQueue,
    scheduler.ScheduleGroup,
)


def is_shared(resource: Any) -> bool:
    """Return whether an existing resource of another owner is used unchanged instead of being an error."""
    shared = (logs.LogGroup, network.S3Endpoint, walkthrough_extras.S3InterfaceEndpoint, walkthrough_extras.IamUser)
    return isinstance(resource, shared) or (isinstance(resource, s3.Bucket) and resource.shared)
