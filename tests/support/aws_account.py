"""Describe a whole AWS account as a nested dictionary, read by AWS's API, and compare two descriptions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

Account = dict[str, dict[str, Any]]

# Members that AWS generates at each creation: times, counters, ids.
_VOLATILE = re.compile(
    r"(?i)^(ResponseMetadata|(?!runtime$).*(date|time|timestamp)|Created(On|At|By)|Last(Modified|Updated)(On)?|"
    r"RoleId|UserId|RevisionId|VersionId|Version|IsLatest|DbiResourceId|Arn|StoredBytes|CodeSize|Location|"
    r"CertificateDetails|DBSubnetGroup|DBSnapshotIdentifier|DBSnapshotArn|SecurityGroupArn|"
    r"DnsEntries|PrivateIp.*|PrivateDnsName|MacAddress|Association|Attachment)$"
)


def describe(client: Callable[[str], Any]) -> Account:
    """Return the account's resources as kind → name → description, without generated ids and times.

    `client` returns the boto3 client of a service.
    """
    account: Account = {}
    for read in _READERS:
        account.update(read(client))
    names = {
        described[id_member]: name
        for kind, id_member in (
            ("security group", "GroupId"),
            ("vpc endpoint", "VpcEndpointId"),
            ("network interface", "NetworkInterfaceId"),
        )
        for name, described in account[kind].items()
    }
    return {
        kind: {name: _comparable(thing, names) for name, thing in things.items()} for kind, things in account.items()
    }


def differences(before: Account, after: Account) -> list[str]:
    """Return a line for each resource that was added or removed and each value that was changed."""
    lines = []
    for kind in sorted(before.keys() | after.keys()):
        old, new = before.get(kind, {}), after.get(kind, {})
        lines += [f"{kind} {name}: gone" for name in sorted(old.keys() - new.keys())]
        lines += [f"{kind} {name}: new" for name in sorted(new.keys() - old.keys())]
        for name in sorted(old.keys() & new.keys()):
            lines += [
                f"{kind} {name}{path}: {was} became {now}" for path, was, now in _changed_leaves(old[name], new[name])
            ]
    return lines


def _changed_leaves(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield path, old and new value where two descriptions differ, descending into mappings but not into lists."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changed_leaves(old.get(key), new.get(key), f"{path}.{key}")
    elif old != new:
        yield path, old, new


def _comparable(value: Any, names: dict[str, str]) -> Any:
    """Return the value without generated members, with sorted lists, and with names instead of ids."""
    if isinstance(value, dict):
        return {
            key: _comparable(member, names) for key, member in sorted(value.items()) if not _VOLATILE.match(str(key))
        }
    if isinstance(value, (list, tuple, set)):
        return sorted((_comparable(element, names) for element in value), key=str)
    return names.get(value, value) if isinstance(value, str) else value


def _by_name(things: Iterable[dict[str, Any]], name: str) -> dict[str, Any]:
    return {thing[name]: thing for thing in things}


def _pages(client: Any, call: str, member: str, **arguments: Any) -> list[dict[str, Any]]:
    return [thing for page in client.get_paginator(call).paginate(**arguments) for thing in page[member]]


def _get_or_none(call: Callable[..., Any], **arguments: Any) -> Any:
    """Return the response, or None if AWS does not have the setting or resource."""
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
    for bucket in (found["Name"] for found in s3.list_buckets()["Buckets"]):
        described = {name: _get_or_none(getattr(s3, f"get_bucket_{name}"), Bucket=bucket) for name in settings}
        described["public"] = _get_or_none(s3.get_public_access_block, Bucket=bucket)
        listed = s3.list_object_versions(Bucket=bucket)
        described["objects"] = [f"{version['Key']} {version['ETag']}" for version in listed.get("Versions", [])]
        described["deleted"] = [marker["Key"] for marker in listed.get("DeleteMarkers", [])]
        buckets[bucket] = described
    return {"bucket": buckets}


def _iam(client: Callable[[str], Any]) -> Account:
    iam = client("iam")
    roles = {}
    for role in _pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        roles[name] = iam.get_role(RoleName=name)["Role"] | {
            "inline": [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in policies],
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
    for listed in _pages(ssm, "describe_parameters", "Parameters"):
        name = listed["Name"]
        parameters[name] = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"] | {
            "tags": ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        }
        if re.fullmatch(r"[0-9a-f]{40}", parameters[name]["Value"]):
            parameters[name]["Value"] = "made up"
    return {"parameter": parameters}


def _lambda(client: Callable[[str], Any]) -> Account:
    functions, layers = {}, {}
    for listed in _pages(client("lambda"), "list_functions", "Functions"):
        name = listed["FunctionName"]
        function = client("lambda").get_function(FunctionName=name)
        policy = _get_or_none(client("lambda").get_policy, FunctionName=name)
        # The version number increases when a layer is deleted and created again. Its content is compared instead.
        for layer in function["Configuration"].get("Layers", []):
            layer["Arn"] = layer["Arn"].rsplit(":", 1)[0]
        functions[name] = {
            "configuration": function["Configuration"],
            "tags": function.get("Tags"),
            "policy": policy and json.loads(policy["Policy"])["Statement"],
        }
    for listed in _pages(client("lambda"), "list_layers", "Layers"):
        name = listed["LayerName"]
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


def _scheduler(client: Callable[[str], Any]) -> Account:
    scheduler = client("scheduler")
    groups = _pages(scheduler, "list_schedule_groups", "ScheduleGroups")
    return {
        "schedule group": {
            group["Name"]: group | {"tags": scheduler.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"]}
            for group in groups
        },
        "schedule": {
            f"{entry['GroupName']}/{entry['Name']}": scheduler.get_schedule(
                GroupName=entry["GroupName"], Name=entry["Name"]
            )
            for entry in _pages(scheduler, "list_schedules", "Schedules")
        },
    }


def _logs(client: Callable[[str], Any]) -> Account:
    logs = client("logs")
    return {
        "log resource policy": _by_name(_pages(logs, "describe_resource_policies", "resourcePolicies"), "policyName"),
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
        tables = _pages(glue, "get_tables", "TableList", DatabaseName=name)
        database["tables"] = {table["Name"]: table for table in tables}  # they are created in any order
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
        profile
        for domain in domains
        for profile in _pages(sagemaker, "list_user_profiles", "UserProfiles", DomainIdEquals=domain["DomainId"])
    ]

    def tags(arn: str) -> dict[str, Any]:
        return {"tags": sagemaker.list_tags(ResourceArn=arn)["Tags"]}

    return {
        "model": {model["ModelName"]: tags(model["ModelArn"]) for model in models},
        "studio domain": {
            domain["DomainName"]: tags(domain["DomainArn"]) | {"Status": domain["Status"]} for domain in domains
        },
        "studio user": {profile["UserProfileName"]: {"Status": profile["Status"]} for profile in profiles},
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
        "db parameter group": _by_name(parameter_groups, "DBParameterGroupName"),
        "db instance": _by_name(rds.describe_db_instances()["DBInstances"], "DBInstanceIdentifier"),
        "db snapshot": _by_unique_name(
            rds.describe_db_snapshots()["DBSnapshots"],
            lambda snapshot: f"{snapshot['SnapshotType']} of {snapshot['DBInstanceIdentifier']}",
            "DBSnapshotIdentifier",
        ),
        "db subnet group": _by_name(groups, "DBSubnetGroupName"),
    }


def _ec2(client: Callable[[str], Any]) -> Account:
    ec2 = client("ec2")
    groups = ec2.describe_security_groups()["SecurityGroups"]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    return {
        "security group": _by_unique_name(groups, lambda group: group["GroupName"], "GroupId"),
        # EC2 lists a deleted endpoint for some time.
        "vpc endpoint": _by_unique_name(
            [endpoint for endpoint in endpoints if endpoint["State"] != "deleted"],
            lambda endpoint: f"{endpoint['ServiceName']} {endpoint['VpcEndpointType']}",
            "VpcEndpointId",
        ),
        "network interface": _by_unique_name(
            ec2.describe_network_interfaces()["NetworkInterfaces"],
            lambda interface: f"{interface['InterfaceType']} in {interface['SubnetId']}",
            "NetworkInterfaceId",
        ),
    }


def _monitoring(client: Callable[[str], Any]) -> Account:
    sns, cloudwatch = client("sns"), client("cloudwatch")
    topics = {}
    for arn in (topic["TopicArn"] for topic in _pages(sns, "list_topics", "Topics")):
        subscriptions = _pages(sns, "list_subscriptions_by_topic", "Subscriptions", TopicArn=arn)
        topics[arn.rsplit(":", 1)[-1]] = {
            "subscribers": [(subscription["Protocol"], subscription["Endpoint"]) for subscription in subscriptions],
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
            (entry["DashboardName"], entry["DashboardArn"])
            for entry in _pages(cloudwatch, "list_dashboards", "DashboardEntries")
        )
    }
    queues = {}
    for url in client("sqs").list_queues().get("QueueUrls", ()):
        attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        queues[url.rpartition("/")[2]] = {
            "retention": attributes["MessageRetentionPeriod"],
            "tags": client("sqs").list_queue_tags(QueueUrl=url).get("Tags", {}),
        }
    return {"queue": queues, "topic": topics, "alarm": _by_name(alarms, "AlarmName"), "dashboard": dashboards}


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
                (alert, budgets.describe_subscribers_for_notification(**named, Notification=alert)["Subscribers"])
                for alert in ({key: value for key, value in found.items() if "State" not in key} for found in alerts)
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
        "lake formation location": _by_name(resources, "ResourceArn"),
        "lake formation permission": {
            f"{grant['Principal']['DataLakePrincipalIdentifier']} on {grant['Resource']}": sorted(grant["Permissions"])
            for grant in permissions
        },
    }


def _by_unique_name(
    things: list[dict[str, Any]], name: Callable[[dict[str, Any]], str], id_member: str
) -> dict[str, Any]:
    """Return things that AWS identifies by a generated id, by their names. Equal names are numbered."""
    numbered: dict[str, Any] = {}
    for thing in sorted(things, key=lambda thing: (name(thing), str(thing.get("Tags")), thing[id_member])):
        alike = sum(other.split(" #")[0] == name(thing) for other in numbered)
        numbered[f"{name(thing)} #{alike + 1}" if alike else name(thing)] = thing
    return numbered


_READERS = (
    *(_s3, _iam, _ssm, _lambda, _events, _scheduler, _logs, _glue, _sagemaker, _rds, _ec2),
    *(_monitoring, _budgets, _lake_formation),
)
