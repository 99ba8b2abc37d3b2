"""A whole account as a nested dictionary: what is in it and how it is set up, as AWS's own API tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

Account = dict[str, dict[str, Any]]

# Of no account are times, counters and tokens that AWS makes up anew at each creation.
_PASSING = re.compile(
    r"(?i)^(ResponseMetadata|(?!runtime$).*(date|time|timestamp)|Created(On|At|By)|Last(Modified|Updated)(On)?|"
    r"RoleId|UserId|RevisionId|VersionId|Version|IsLatest|DbiResourceId|Arn|StoredBytes|CodeSize|Location|"
    r"CertificateDetails|DBSubnetGroup|DBSnapshotIdentifier|DBSnapshotArn|SecurityGroupArn|"
    r"DnsEntries|PrivateIp.*|PrivateDnsName|MacAddress|Association|Attachment)$"
)


def describe(client: Callable[[str], Any]) -> Account:
    """Kind → name → description; `client` gives the boto3 client of a service. Made-up ids and times are left out."""
    account: Account = {}
    for read in _READERS:
        account.update(read(client))
    names = {
        one[id]: name
        for kind, id in (
            ("security group", "GroupId"),
            ("vpc endpoint", "VpcEndpointId"),
            ("network interface", "NetworkInterfaceId"),
        )
        for name, one in account[kind].items()
    }
    return {kind: {name: _lasting(one, names) for name, one in things.items()} for kind, things in account.items()}


def differences(before: Account, after: Account) -> list[str]:
    """What was added, removed or changed, one line each; empty when the accounts are the same."""
    lines = []
    for kind in sorted(before.keys() | after.keys()):
        old, new = before.get(kind, {}), after.get(kind, {})
        lines += [f"{kind} {name}: gone" for name in sorted(old.keys() - new.keys())]
        lines += [f"{kind} {name}: new" for name in sorted(new.keys() - old.keys())]
        for name in sorted(old.keys() & new.keys()):
            lines += [
                f"{kind} {name}{path}: {one} became {other}" for path, one, other in _changed(old[name], new[name])
            ]
    return lines


def _changed(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two descriptions differ, as near to the leaves as mappings go."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changed(old.get(key), new.get(key), f"{path}.{key}")
    elif old != new:
        yield path, old, new


def _lasting(value: Any, names: dict[str, str]) -> Any:
    """Without what passes, lists sorted, and with names in the place of ids."""
    if isinstance(value, dict):
        return {key: _lasting(one, names) for key, one in sorted(value.items()) if not _PASSING.match(str(key))}
    if isinstance(value, (list, tuple, set)):
        return sorted((_lasting(one, names) for one in value), key=str)
    return names.get(value, value) if isinstance(value, str) else value


def _named(things: Iterable[dict[str, Any]], name: str) -> dict[str, Any]:
    return {thing[name]: thing for thing in things}


def _pages(client: Any, call: str, member: str, **arguments: Any) -> list[dict[str, Any]]:
    return [one for page in client.get_paginator(call).paginate(**arguments) for one in page[member]]


def _or_none(call: Callable[..., Any], **arguments: Any) -> Any:
    """The answer, or None where this setting was never made."""
    try:
        return call(**arguments)
    except ClientError as error:
        if re.search("NoSuch|NotFound", error.response["Error"]["Code"]):
            return None
        raise


def _s3(client: Callable[[str], Any]) -> Account:
    s3 = client("s3")
    settings = (
        "tagging",
        "encryption",
        "versioning",
        "lifecycle_configuration",
        "notification_configuration",
        "policy",
    )
    buckets = {}
    for bucket in (one["Name"] for one in s3.list_buckets()["Buckets"]):
        described = {name: _or_none(getattr(s3, f"get_bucket_{name}"), Bucket=bucket) for name in settings}
        described["public"] = _or_none(s3.get_public_access_block, Bucket=bucket)
        listed = s3.list_object_versions(Bucket=bucket)
        described["objects"] = [f"{one['Key']} {one['ETag']}" for one in listed.get("Versions", [])]
        described["deleted"] = [one["Key"] for one in listed.get("DeleteMarkers", [])]
        buckets[bucket] = described
    return {"bucket": buckets}


def _iam(client: Callable[[str], Any]) -> Account:
    iam = client("iam")
    roles = {}
    for role in _pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        roles[name] = iam.get_role(RoleName=name)["Role"] | {
            "inline": [iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in policies],
            "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
        }
    users = {}
    for user in _pages(iam, "list_users", "Users"):
        name = user["UserName"]
        users[name] = user | {
            "tags": iam.list_user_tags(UserName=name)["Tags"],
            "attached": iam.list_attached_user_policies(UserName=name)["AttachedPolicies"],
            "inline": iam.list_user_policies(UserName=name)["PolicyNames"],
            "keys": len(iam.list_access_keys(UserName=name)["AccessKeyMetadata"]),
        }
    return {"role": roles, "user": users}


def _ssm(client: Callable[[str], Any]) -> Account:
    ssm = client("ssm")
    parameters = {}
    for one in _pages(ssm, "describe_parameters", "Parameters"):
        name = one["Name"]
        parameters[name] = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"] | {
            "tags": ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        }
        if re.fullmatch(r"[0-9a-f]{40}", parameters[name]["Value"]):
            parameters[name]["Value"] = "made up"
    return {"parameter": parameters}


def _lambda(client: Callable[[str], Any]) -> Account:
    functions, layers = {}, {}
    for one in _pages(client("lambda"), "list_functions", "Functions"):
        name = one["FunctionName"]
        function = client("lambda").get_function(FunctionName=name)
        policy = _or_none(client("lambda").get_policy, FunctionName=name)
        # Deleting and making a layer's version again counts on; it is the content that matters.
        for layer in function["Configuration"].get("Layers", []):
            layer["Arn"] = layer["Arn"].rsplit(":", 1)[0]
        functions[name] = {
            "configuration": function["Configuration"],
            "tags": function.get("Tags"),
            "policy": policy and json.loads(policy["Policy"])["Statement"],
        }
    for one in _pages(client("lambda"), "list_layers", "Layers"):
        name = one["LayerName"]
        versions = _pages(client("lambda"), "list_layer_versions", "LayerVersions", LayerName=name)
        layers[name] = [
            client("lambda").get_layer_version(LayerName=name, VersionNumber=version["Version"])["Content"][
                "CodeSha256"
            ]
            for version in versions
        ]
    return {"function": functions, "layer": layers}


def _events(client: Callable[[str], Any]) -> Account:
    events = client("events")
    return {
        "rule": {
            rule["Name"]: rule
            | {
                "targets": events.list_targets_by_rule(Rule=rule["Name"])["Targets"],
                "tags": events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"],
            }
            for rule in _pages(events, "list_rules", "Rules")
        }
    }


def _logs(client: Callable[[str], Any]) -> Account:
    logs = client("logs")
    return {
        "log resource policy": _named(_pages(logs, "describe_resource_policies", "resourcePolicies"), "policyName"),
        "log group": {
            group["logGroupName"]: group
            | {"tags": logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"]}
            for group in _pages(logs, "describe_log_groups", "logGroups")
        },
    }


def _glue(client: Callable[[str], Any]) -> Account:
    glue = client("glue")
    arn = f"arn:aws:glue:{glue.meta.region_name}:{client('sts').get_caller_identity()['Account']}"

    def tagged(kind: str, things: Iterable[dict[str, Any]]) -> dict[str, Any]:
        return {
            thing["Name"]: thing | {"tags": glue.get_tags(ResourceArn=f"{arn}:{kind}/{thing['Name']}")["Tags"]}
            for thing in things
        }

    connections = glue.get_connections(HidePassword=False)["ConnectionList"]
    for connection in connections:
        properties = connection.get("ConnectionProperties", {})
        if re.fullmatch(r"[0-9a-f]{40}", properties.get("PASSWORD", "")):
            properties["PASSWORD"] = "made up"
    databases = tagged("database", _pages(glue, "get_databases", "DatabaseList"))
    for name, database in databases.items():
        database["tables"] = _pages(glue, "get_tables", "TableList", DatabaseName=name)
    return {
        "database": databases,
        "crawler": tagged("crawler", glue.get_crawlers()["Crawlers"]),
        "job": tagged("job", _pages(glue, "get_jobs", "Jobs")),
        "trigger": tagged("trigger", glue.get_triggers()["Triggers"]),
        "connection": tagged("connection", connections),
    }


def _sagemaker(client: Callable[[str], Any]) -> Account:
    sagemaker = client("sagemaker")
    models = _pages(sagemaker, "list_models", "Models")
    domains = _pages(sagemaker, "list_domains", "Domains")
    profiles = [
        one
        for domain in domains
        for one in _pages(sagemaker, "list_user_profiles", "UserProfiles", DomainIdEquals=domain["DomainId"])
    ]

    def tags(arn: str) -> dict[str, Any]:
        return {"tags": sagemaker.list_tags(ResourceArn=arn)["Tags"]}

    return {
        "model": {one["ModelName"]: tags(one["ModelArn"]) for one in models},
        "studio domain": {one["DomainName"]: tags(one["DomainArn"]) | {"Status": one["Status"]} for one in domains},
        "studio user": {one["UserProfileName"]: {"Status": one["Status"]} for one in profiles},
    }


def _rds(client: Callable[[str], Any]) -> Account:
    rds = client("rds")
    groups = rds.describe_db_subnet_groups()["DBSubnetGroups"]
    for group in groups:
        group["tags"] = rds.list_tags_for_resource(ResourceName=group["DBSubnetGroupArn"])["TagList"]
    parameter_groups = rds.describe_db_parameter_groups()["DBParameterGroups"]
    for group in parameter_groups:
        group["tags"] = rds.list_tags_for_resource(ResourceName=group["DBParameterGroupArn"])["TagList"]
        group["values"] = rds.describe_db_parameters(DBParameterGroupName=group["DBParameterGroupName"])["Parameters"]
    return {
        "db parameter group": _named(parameter_groups, "DBParameterGroupName"),
        "db instance": _named(rds.describe_db_instances()["DBInstances"], "DBInstanceIdentifier"),
        "db snapshot": _numbered(
            rds.describe_db_snapshots()["DBSnapshots"],
            lambda snapshot: f"{snapshot['SnapshotType']} of {snapshot['DBInstanceIdentifier']}",
            "DBSnapshotIdentifier",
        ),
        "db subnet group": _named(groups, "DBSubnetGroupName"),
    }


def _ec2(client: Callable[[str], Any]) -> Account:
    ec2 = client("ec2")
    groups = ec2.describe_security_groups()["SecurityGroups"]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    return {
        "security group": _numbered(groups, lambda group: group["GroupName"], "GroupId"),
        # A deleted endpoint is still shown for a while.
        "vpc endpoint": _numbered(
            [one for one in endpoints if one["State"] != "deleted"],
            lambda endpoint: f"{endpoint['ServiceName']} {endpoint['VpcEndpointType']}",
            "VpcEndpointId",
        ),
        "network interface": _numbered(
            ec2.describe_network_interfaces()["NetworkInterfaces"],
            lambda one: f"{one['InterfaceType']} in {one['SubnetId']}",
            "NetworkInterfaceId",
        ),
    }


def _watching(client: Callable[[str], Any]) -> Account:
    sns, cloudwatch = client("sns"), client("cloudwatch")
    topics = {}
    for arn in (one["TopicArn"] for one in _pages(sns, "list_topics", "Topics")):
        subscriptions = _pages(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        topics[arn.rsplit(":", 1)[-1]] = {
            "subscribers": [(one["Protocol"], one["Endpoint"]) for one in subscriptions],
            "tags": sns.list_tags_for_resource(ResourceArn=arn)["Tags"],
        }
    alarms = _pages(cloudwatch, "describe_alarms", "MetricAlarms")
    for alarm in alarms:
        alarm["tags"] = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    dashboards = {
        name: {
            "body": json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]),
            "tags": cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"],
        }
        for name, arn in (
            (one["DashboardName"], one["DashboardArn"])
            for one in _pages(cloudwatch, "list_dashboards", "DashboardEntries")
        )
    }
    return {"topic": topics, "alarm": _named(alarms, "AlarmName"), "dashboard": dashboards}


def _budgets(client: Callable[[str], Any]) -> Account:
    budgets, account = client("budgets"), client("sts").get_caller_identity()["Account"]
    described = {}
    for budget in budgets.describe_budgets(AccountId=account).get("Budgets", []):
        named = {"AccountId": account, "BudgetName": budget["BudgetName"]}
        alerts = budgets.describe_notifications_for_budget(**named)["Notifications"]
        arn = f"arn:aws:budgets::{account}:budget/{budget['BudgetName']}"
        described[budget["BudgetName"]] = {
            "budget": budget,
            "alerts": [
                (one, budgets.describe_subscribers_for_notification(**named, Notification=one)["Subscribers"])
                for one in ({key: value for key, value in one.items() if "State" not in key} for one in alerts)
            ],
            "tags": budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"],
        }
    return {"budget": described}


def _lake_formation(client: Callable[[str], Any]) -> Account:
    lake_formation = client("lakeformation")
    resources = lake_formation.list_resources()["ResourceInfoList"]
    permissions = lake_formation.list_permissions()["PrincipalResourcePermissions"]
    return {
        "lake formation": {"settings": lake_formation.get_data_lake_settings()["DataLakeSettings"]},
        "lake formation location": _named(resources, "ResourceArn"),
        "lake formation permission": {
            f"{one['Principal']['DataLakePrincipalIdentifier']} on {one['Resource']}": sorted(one["Permissions"])
            for one in permissions
        },
    }


def _numbered(things: list[dict[str, Any]], name: Callable[[dict[str, Any]], str], id: str) -> dict[str, Any]:
    """Things that AWS knows by a made-up id, by their names instead; namesakes are numbered."""
    numbered: dict[str, Any] = {}
    for thing in sorted(things, key=lambda one: (name(one), str(one.get("Tags")), one[id])):
        alike = sum(one.split(" #")[0] == name(thing) for one in numbered)
        numbered[f"{name(thing)} #{alike + 1}" if alike else name(thing)] = thing
    return numbered


_READERS = (
    *(_s3, _iam, _ssm, _lambda, _events, _logs, _glue, _sagemaker, _rds, _ec2),
    *(_watching, _budgets, _lake_formation),
)
