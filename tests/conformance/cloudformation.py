"""Translate recorded calls that create or configure resources into a CloudFormation template."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.conformance.emulator_faults import ACCOUNT

Properties = dict[str, Any]
Call = dict[str, Any]

# Calls with these names do not create anything that a template describes. It has no objects, for one.
_OTHER_CALLS = re.compile(
    "Get|List|Describe|Head|BatchGet|Simulate|Invoke|Update|Start|Delete|Remove|Revoke|Tag|Untag|AddTags|PutObject$"
)
_OF_THE_REQUEST = {"ClientToken", "ExpectedBucketOwner", "AccountId", "Overwrite", "SkipDestinationValidation"}


class Untranslated(Exception):
    """The name of a call that creates something and has no translation here."""


class Template:
    """The resources of a template by their logical ids. A call that is translated again replaces its properties."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}

    def properties(self, kind: str, name: str) -> Properties:
        """Return the properties of a resource, which is added if the template lacks it."""
        logical_id = re.sub(r"\W|_", "", f"{kind}{name}")
        resource = self.resources.setdefault(logical_id, {"Type": f"AWS::{kind}", "Properties": {}})
        properties: Properties = resource["Properties"]
        return properties

    def include(self, kind: str, name: str, member: str, items: Iterable[Any]) -> None:
        """Add those items to a list of a resource that it lacks."""
        present = self.properties(kind, name).setdefault(member, [])
        present += [item for item in items if item not in present]


def create_template(calls: Iterable[Call]) -> dict[str, Any]:
    """Return the template of the successful calls. Raise Untranslated for one that is not known here."""
    template = Template()
    for call in calls:
        if call["error"] or _OTHER_CALLS.match(call["operation"]):
            continue
        name = f"{call['service']} {call['operation']}"
        parameters = {key: value for key, value in call["parameters"].items() if key not in _OF_THE_REQUEST}
        if name in _TRANSLATIONS:
            _TRANSLATIONS[name](template, parameters)
        elif name in _SAME_MEMBERS:
            kind, named_by, members = _SAME_MEMBERS[name]
            properties = {members.get(key, key): value for key, value in parameters.items()}
            properties.pop("", None)
            template.properties(kind, str(parameters[named_by])).update(_with_tags(kind, properties))
        else:
            raise Untranslated(name)
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": template.resources}


def _with_tags(kind: str, properties: Properties) -> Properties:
    """Return the properties with their tags in CloudFormation's form: a list, or for some types a mapping."""
    specifications = properties.pop("TagSpecifications", None)
    tags = specifications[0]["Tags"] if specifications else properties.get("Tags")
    if tags is None:
        return properties
    by_key = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
    as_list = [{"Key": key, "Value": value} for key, value in by_key.items()]
    return properties | {"Tags": by_key if kind.startswith(("Glue::", "SSM::")) else as_list}


# Call → resource type, the member that names the resource, and the members with another name; "" for one that the
# resource type lacks.
_SAME_MEMBERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "budgets CreateBudget": ("Budgets::Budget", "Budget", {}),
    "cloudwatch PutDashboard": ("CloudWatch::Dashboard", "DashboardName", {}),
    "cloudwatch PutMetricAlarm": ("CloudWatch::Alarm", "AlarmName", {}),
    "ec2 CreateSecurityGroup": ("EC2::SecurityGroup", "GroupName", {"Description": "GroupDescription"}),
    "events PutRule": ("Events::Rule", "Name", {}),
    "glue CreateJob": ("Glue::Job", "Name", {}),
    "glue CreateTrigger": ("Glue::Trigger", "Name", {}),
    "iam CreatePolicy": ("IAM::ManagedPolicy", "PolicyName", {"PolicyName": "ManagedPolicyName", "Tags": ""}),
    "iam CreateRole": ("IAM::Role", "RoleName", {}),
    "iam CreateUser": ("IAM::User", "UserName", {}),
    "iam PutRolePermissionsBoundary": ("IAM::Role", "RoleName", {}),
    "lakeformation RegisterResource": ("LakeFormation::Resource", "ResourceArn", {}),
    "lambda AddPermission": ("Lambda::Permission", "StatementId", {"StatementId": ""}),
    "logs PutResourcePolicy": (
        *("Logs::ResourcePolicy", "policyName"),
        {"policyName": "PolicyName", "policyDocument": "PolicyDocument"},
    ),
    "rds CreateDBSubnetGroup": ("RDS::DBSubnetGroup", "DBSubnetGroupName", {}),
    "rds CreateDBParameterGroup": (
        *("RDS::DBParameterGroup", "DBParameterGroupName"),
        {"DBParameterGroupFamily": "Family"},
    ),
    "s3 CreateBucket": ("S3::Bucket", "Bucket", {"Bucket": "BucketName", "CreateBucketConfiguration": ""}),
    "s3 PutBucketPolicy": ("S3::BucketPolicy", "Bucket", {"Policy": "PolicyDocument"}),
    "s3 PutBucketVersioning": ("S3::Bucket", "Bucket", {"Bucket": "BucketName"}),
    "s3 PutPublicAccessBlock": ("S3::Bucket", "Bucket", {"Bucket": "BucketName"}),
    "sagemaker CreateDomain": ("SageMaker::Domain", "DomainName", {}),
    "sagemaker CreateUserProfile": ("SageMaker::UserProfile", "UserProfileName", {}),
    "scheduler CreateSchedule": ("Scheduler::Schedule", "Name", {}),
    "scheduler CreateScheduleGroup": ("Scheduler::ScheduleGroup", "Name", {}),
    "sqs CreateQueue": ("SQS::Queue", "QueueName", {"tags": "Tags"}),
    "sns CreateTopic": ("SNS::Topic", "Name", {"Name": "TopicName"}),
    "sns Subscribe": ("SNS::Subscription", "Endpoint", {}),
}


def _log_group(template: Template, parameters: Properties) -> None:
    properties = {"LogGroupName": parameters["logGroupName"], "Tags": parameters.get("tags", {})}
    template.properties("Logs::LogGroup", parameters["logGroupName"]).update(_with_tags("Logs::LogGroup", properties))


def _retention(template: Template, parameters: Properties) -> None:
    group = template.properties("Logs::LogGroup", parameters["logGroupName"])
    group["RetentionInDays"] = parameters["retentionInDays"]


def _parameter(template: Template, parameters: Properties) -> None:
    """Add a parameter of SSM. CloudFormation does not create encrypted ones."""
    if parameters["Type"] != "SecureString":
        properties = template.properties("SSM::Parameter", parameters["Name"])
        properties.update(_with_tags("SSM::Parameter", parameters))


def _ingress(template: Template, parameters: Properties) -> None:
    """Add the rules of a security group, one for each source."""
    for rule in parameters["IpPermissions"]:
        ports = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
        groups = [{"SourceSecurityGroupId": pair["GroupId"], **pair} for pair in rule.get("UserIdGroupPairs", ())]
        for source in (*rule.get("IpRanges", ()), *groups):
            described = {
                key: source[key] for key in ("CidrIp", "SourceSecurityGroupId", "Description") if key in source
            }
            properties = {"GroupId": parameters["GroupId"], **ports, **described}
            template.properties("EC2::SecurityGroupIngress", json.dumps(properties)).update(properties)


def _endpoint(template: Template, parameters: Properties) -> None:
    """Add an endpoint, whose one option for names is a text in CloudFormation."""
    properties = _with_tags("EC2::VPCEndpoint", parameters)
    only_inbound = properties.get("DnsOptions", {}).get("PrivateDnsOnlyForInboundResolverEndpoint")
    if only_inbound is not None:
        resolvers = "OnlyInboundResolver" if only_inbound else "AllResolvers"
        properties["DnsOptions"] = {"PrivateDnsOnlyForInboundResolverEndpoint": resolvers}
    template.properties("EC2::VPCEndpoint", parameters["VpcEndpointType"]).update(properties)


def _instance(template: Template, parameters: Properties) -> None:
    """Add a database server. Its password stands for a reference, as a template holds no secrets."""
    properties = _with_tags("RDS::DBInstance", parameters) | {
        "AllocatedStorage": str(parameters["AllocatedStorage"]),
        "MasterUserPassword": "{{resolve:ssm-secure:/footlake/mysql-password:1}}",
        "VPCSecurityGroups": parameters["VpcSecurityGroupIds"],
    }
    del properties["VpcSecurityGroupIds"]
    template.properties("RDS::DBInstance", parameters["DBInstanceIdentifier"]).update(properties)


def _database_parameters(template: Template, parameters: Properties) -> None:
    group = template.properties("RDS::DBParameterGroup", parameters["DBParameterGroupName"])
    group["Parameters"] = {one["ParameterName"]: one["ParameterValue"] for one in parameters["Parameters"]}


def _crawler(template: Template, parameters: Properties) -> None:
    properties = parameters | {"Schedule": {"ScheduleExpression": parameters["Schedule"]}}
    template.properties("Glue::Crawler", parameters["Name"]).update(properties)


def _database(template: Template, parameters: Properties) -> None:
    properties = {"CatalogId": ACCOUNT, "DatabaseInput": parameters["DatabaseInput"]}
    template.properties("Glue::Database", parameters["DatabaseInput"]["Name"]).update(properties)


def _table(template: Template, parameters: Properties) -> None:
    name = f"{parameters['DatabaseName']} {parameters['TableInput']['Name']}"
    template.properties("Glue::Table", name).update(parameters, CatalogId=ACCOUNT)


def _event_invoke_config(template: Template, parameters: Properties) -> None:
    # The API's default for the qualifier is required in a template.
    configuration = {"Qualifier": "$LATEST", **parameters}
    template.properties("Lambda::EventInvokeConfig", parameters["FunctionName"]).update(configuration)


def _connection(template: Template, parameters: Properties) -> None:
    template.properties("Glue::Connection", parameters["ConnectionInput"]["Name"]).update(parameters, CatalogId=ACCOUNT)


def _role_policy(template: Template, parameters: Properties) -> None:
    policy = {key: parameters[key] for key in ("PolicyName", "PolicyDocument")}
    template.properties("IAM::Role", parameters["RoleName"])["Policies"] = [policy]


def _attached(kind: str, named_by: str) -> Callable[[Template, Properties], None]:
    def attach(template: Template, parameters: Properties) -> None:
        template.include(kind, parameters[named_by], "ManagedPolicyArns", [parameters["PolicyArn"]])

    return attach


def _data_lake_settings(template: Template, parameters: Properties) -> None:
    settings = dict(parameters["DataLakeSettings"])
    settings["Admins"] = settings.pop("DataLakeAdmins")
    template.properties("LakeFormation::DataLakeSettings", "").update(settings)


def _grant(template: Template, parameters: Properties) -> None:
    """Add a permission. CloudFormation wants the catalog named."""
    resource = {kind: {"CatalogId": ACCOUNT, **described} for kind, described in parameters["Resource"].items()}
    properties = {"PermissionsWithGrantOption": [], **parameters, "Resource": resource}
    template.properties("LakeFormation::PrincipalPermissions", json.dumps(parameters)).update(properties)


def _function(template: Template, parameters: Properties) -> None:
    """Add a function, whose code stands for an object: a template holds only source."""
    code = {"S3Bucket": "code", "S3Key": f"{parameters['FunctionName']}.zip"}
    properties = _with_tags("Lambda::Function", parameters) | {"Code": code}
    template.properties("Lambda::Function", parameters["FunctionName"]).update(properties)


def _layer(template: Template, parameters: Properties) -> None:
    content = {"S3Bucket": "code", "S3Key": f"{parameters['LayerName']}.zip"}
    template.properties("Lambda::LayerVersion", parameters["LayerName"]).update(parameters, Content=content)


def _reserved_concurrency(template: Template, parameters: Properties) -> None:
    template.properties("Lambda::Function", parameters["FunctionName"]).update(parameters)


def _targets(template: Template, parameters: Properties) -> None:
    template.properties("Events::Rule", parameters["Rule"])["Targets"] = parameters["Targets"]


def _encryption(template: Template, parameters: Properties) -> None:
    rules = [
        {"ServerSideEncryptionByDefault": rule["ApplyServerSideEncryptionByDefault"]}
        for rule in parameters["ServerSideEncryptionConfiguration"]["Rules"]
    ]
    bucket = template.properties("S3::Bucket", parameters["Bucket"])
    bucket["BucketEncryption"] = {"ServerSideEncryptionConfiguration": rules}


def _lifecycle(template: Template, parameters: Properties) -> None:
    rules = []
    for rule in parameters["LifecycleConfiguration"]["Rules"]:
        rest = {key: value for key, value in rule.items() if key not in ("ID", "Filter", "Expiration")}
        expiration = {"ExpirationInDays": rule["Expiration"]["Days"]} if "Expiration" in rule else {}
        rules.append({"Id": rule["ID"], "Prefix": rule["Filter"]["Prefix"], **rest, **expiration})
    template.properties("S3::Bucket", parameters["Bucket"])["LifecycleConfiguration"] = {"Rules": rules}


def _notification(template: Template, parameters: Properties) -> None:
    notifications = [
        {
            "Event": event,
            "Function": each["LambdaFunctionArn"],
            "Filter": {"S3Key": {"Rules": each["Filter"]["Key"]["FilterRules"]}},
        }
        for each in parameters["NotificationConfiguration"]["LambdaFunctionConfigurations"]
        for event in each["Events"]
    ]
    bucket = template.properties("S3::Bucket", parameters["Bucket"])
    bucket["NotificationConfiguration"] = {"LambdaConfigurations": notifications}


def _queue(template: Template, parameters: Properties) -> None:
    attributes = {name: json.loads(value) for name, value in parameters.get("Attributes", {}).items()}
    policy = attributes.pop("Policy", None)
    properties = {"QueueName": parameters["QueueName"], **attributes, "Tags": parameters.get("tags", {})}
    template.properties("SQS::Queue", parameters["QueueName"]).update(_with_tags("SQS::Queue", properties))
    if policy:
        queues = [f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{parameters['QueueName']}"]
        properties = {"PolicyDocument": policy, "Queues": queues}
        template.properties("SQS::QueuePolicy", parameters["QueueName"]).update(properties)


_TRANSLATIONS: dict[str, Callable[[Template, Properties], None]] = {
    "ec2 AuthorizeSecurityGroupIngress": _ingress,
    "ec2 CreateVpcEndpoint": _endpoint,
    "events PutTargets": _targets,
    "glue CreateConnection": _connection,
    "glue CreateCrawler": _crawler,
    "glue CreateDatabase": _database,
    "glue CreateTable": _table,
    "iam AttachRolePolicy": _attached("IAM::Role", "RoleName"),
    "iam AttachUserPolicy": _attached("IAM::User", "UserName"),
    "iam PutRolePolicy": _role_policy,
    "lakeformation GrantPermissions": _grant,
    "lakeformation PutDataLakeSettings": _data_lake_settings,
    "lambda CreateFunction": _function,
    "lambda PublishLayerVersion": _layer,
    "lambda PutFunctionEventInvokeConfig": _event_invoke_config,
    "lambda PutFunctionConcurrency": _reserved_concurrency,
    "logs CreateLogGroup": _log_group,
    "logs PutRetentionPolicy": _retention,
    "rds CreateDBInstance": _instance,
    "rds ModifyDBParameterGroup": _database_parameters,
    "s3 PutBucketEncryption": _encryption,
    "s3 PutBucketLifecycleConfiguration": _lifecycle,
    "s3 PutBucketNotificationConfiguration": _notification,
    "sqs CreateQueue": _queue,
    "ssm PutParameter": _parameter,
}
