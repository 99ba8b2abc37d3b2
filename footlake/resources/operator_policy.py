"""What the person who runs footlake may do: two policies, for setting a lake up and for its weekly run.

Actions and resources are AWS's own, of the Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from footlake.config import TAG, Config
from footlake.lake import s3_keys
from footlake.resources.base import Resource
from footlake.resources.budgets import Budget
from footlake.resources.cloudwatch import Alarm, Dashboard, SnsTopic
from footlake.resources.events import EventRule
from footlake.resources.glue import GlueConnection, GlueCrawler, GlueDatabase, GlueJob, GlueTrigger
from footlake.resources.iam import IamRole
from footlake.resources.lambdas import LambdaFunction, LambdaLayer
from footlake.resources.logs import LogGroup
from footlake.resources.role_policies import Policy, allow, policy
from footlake.resources.ssm import SecretParameter
from footlake.resources.walkthrough_extras import IamUser


def weekly(config: Config, resources: Sequence[Resource]) -> Policy:
    """Enough for ingest, run-glue, train-autopilot, transform-xgoals, load-mysql, run-week, report, logs, metrics."""
    return policy(*_running(config, _Names(config, resources)))


def setup(config: Config, resources: Sequence[Resource]) -> Policy:
    """Enough for every command: bootstrap, status and teardown as well as the weekly ones."""
    names = _Names(config, resources)
    return policy(*_running(config, names), *_standing(config, names))


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (white space does not count)
MANAGED_CHARACTERS = 6144


class _Names:
    """ARNs of the catalogue's resources by their kind."""

    def __init__(self, config: Config, resources: Sequence[Resource]) -> None:
        self._config, self._resources = config, resources

    def __call__(self, service: str, before: str, kind: type, after: str = "", region: bool = True) -> list[str]:
        """`arn:aws:<service>:<region>:<account>:<before><name><after>` of each resource of this kind."""
        there = self._config.region if region else ""
        named: Iterable[Any] = (one for one in self._resources if isinstance(one, kind))
        names = sorted({one.name for one in named})
        return [f"arn:aws:{service}:{there}:{self._config.account}:{before}{name}{after}" for name in names]


def _running(config: Config, names: _Names) -> list[Policy]:
    lake = f"arn:aws:s3:::{config.bucket}"
    sagemaker = f"arn:aws:sagemaker:{config.region}:{config.account}"
    role = f"arn:aws:iam::{config.account}:role/{config.sagemaker_role}"
    model = config.model.lower()  # as SageMaker's ARNs have it
    glue = f"arn:aws:glue:{config.region}:{config.account}"
    catalog = [f"{glue}:catalog", f"{glue}:database/{config.database}", f"{glue}:table/{config.database}/*"]
    return [
        allow(["s3:ListBucket"], lake),
        allow(["s3:GetObject"], [f"{lake}/{prefix}*" for prefix in (s3_keys.RAW, s3_keys.PROCESSED, s3_keys.MODELS)]),
        # What is trained and scored on the operator's own machine goes into the lake from there.
        allow(["s3:PutObject"], [f"{lake}/{prefix}*" for prefix in (s3_keys.MODELS, s3_keys.PREDICTIONS)]),
        # A training that AWS refuses leaves nothing behind.
        allow(["s3:DeleteObject"], [f"{lake}/{of('*')}" for of in (s3_keys.model_record, s3_keys.model_training_set)]),
        # Predictions of what changed while it was scored go again.
        allow(["s3:DeleteObject"], f"{lake}/{s3_keys.PREDICTIONS}*"),
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], f"{lake}/{s3_keys.LEASES}*"),
        allow(["lambda:GetFunction", "lambda:InvokeFunction"], names("lambda", "function:", LambdaFunction)),
        allow(["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:GetJob"], names("glue", "job/", GlueJob)),
        allow(["glue:StartCrawler", "glue:GetCrawler"], names("glue", "crawler/", GlueCrawler)),
        allow(["glue:GetTables"], catalog),
        allow(
            [
                "sagemaker:CreateAutoMLJobV2",
                "sagemaker:DescribeAutoMLJobV2",
                "sagemaker:CreateModel",
                "sagemaker:DescribeModel",
                "sagemaker:DescribeTransformJob",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [f"{sagemaker}:{kind}/{model}-*" for kind in _SCORING],
        ),
        allow(
            [
                "sagemaker:ListAutoMLJobs",
                "sagemaker:ListCandidatesForAutoMLJob",
                "sagemaker:ListModels",
                "sagemaker:ListTransformJobs",
            ],
            "*",
        ),
        allow(["iam:GetRole"], role),
        allow(["iam:PassRole"], role, Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
        allow(["ssm:GetParameter"], names("ssm", "parameter", SecretParameter)),
        allow(["rds:DescribeDBInstances"], _rds(config, "db")),
        allow(["logs:FilterLogEvents"], names("logs", "log-group:", LogGroup, ":*")),
        allow(["cloudwatch:GetMetricData", "rds:DescribeEvents"], "*"),
    ]


def _standing(config: Config, names: _Names) -> list[Policy]:
    lake, assets = f"arn:aws:s3:::{config.bucket}", f"arn:aws:s3:::{config.assets_bucket}"
    glue = f"arn:aws:glue:{config.region}:{config.account}"
    ec2 = f"arn:aws:ec2:{config.region}:{config.account}"
    sagemaker = f"arn:aws:sagemaker:{config.region}:{config.account}"
    roles = names("iam", "role/", IamRole, region=False)
    users = names("iam", "user/", IamUser, region=False)
    services = ["glue.amazonaws.com", "lambda.amazonaws.com", "sagemaker.amazonaws.com"]
    own_role = f"arn:aws:iam::{config.account}:role/aws-service-role"
    statements = [
        allow(_of("s3", _BUCKET), [lake, assets]),
        allow(_of("s3", _OBJECTS), [f"{lake}/*", f"{assets}/*"]),
        allow(_of("ssm", _PARAMETERS), f"arn:aws:ssm:{config.region}:{config.account}:parameter/{config.lake}/*"),
        allow(_of("lambda", _FUNCTIONS), names("lambda", "function:", LambdaFunction)),
        allow(["lambda:PublishLayerVersion"], names("lambda", "layer:", LambdaLayer)),
        allow(["lambda:GetLayerVersion", "lambda:DeleteLayerVersion"], names("lambda", "layer:", LambdaLayer, ":*")),
        allow(
            [
                *(f"glue:{verb}{kind}" for kind in ("Database", "Connection") for verb in _VERBS),
                *("glue:GetTable", "glue:DeleteTable", "glue:BatchDeleteTable"),
            ],
            [
                f"{glue}:catalog",
                f"{glue}:table/{config.database}/*",
                f"{glue}:userDefinedFunction/{config.database}/*",
                *names("glue", "database/", GlueDatabase),
                *names("glue", "connection/", GlueConnection),
            ],
        ),
        allow([f"glue:{verb}Job" for verb in _VERBS] + ["glue:BatchStopJobRun"], names("glue", "job/", GlueJob)),
        allow([f"glue:{verb}Trigger" for verb in (*_VERBS, "Start")], names("glue", "trigger/", GlueTrigger)),
        allow([f"glue:{verb}Crawler" for verb in ("Update", "Delete", "Stop")], names("glue", "crawler/", GlueCrawler)),
        allow(
            ["glue:TagResource", "glue:GetTags"],
            [f"{glue}:{kind}/*" for kind in ("database", "connection", "crawler", "job", "trigger")],
        ),
        allow(_of("events", _RULES), names("events", "rule/", EventRule)),
        allow(_of("logs", _LOG_GROUPS), names("logs", "log-group:", LogGroup, "*")),
        allow(
            _of("cloudwatch", _WATCHING),
            names("cloudwatch", "alarm:", Alarm) + names("cloudwatch", "dashboard/", Dashboard, region=False),
        ),
        allow(_of("sns", _TOPICS), names("sns", "", SnsTopic)),
        allow(
            _of("budgets", ("ViewBudget", "ModifyBudget", *_TAGS)), names("budgets", "budget/", Budget, region=False)
        ),
        allow(_of("rds", _DATABASES), [arn for kind in ("db", "subgrp", "pg") for arn in _rds(config, kind)]),
        # An instance is made with an option group, too, which is AWS's own.
        allow(["rds:CreateDBInstance"], f"arn:aws:rds:{config.region}:{config.account}:og:default*"),
        allow(
            _of("sagemaker", ("DeleteModel", "StopAutoMLJob", "StopTransformJob")),
            [f"{sagemaker}:{kind}/{config.model.lower()}-*" for kind in _SCORING],
        ),
        allow(
            [
                *("iam:CreateRole", "iam:GetRole", "iam:DeleteRole", "iam:TagRole", "iam:UpdateAssumeRolePolicy"),
                *("iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies"),
                *("iam:ListAttachedRolePolicies", "iam:DetachRolePolicy"),
            ],
            roles,
        ),
        allow(["iam:PassRole"], roles, Condition={"StringEquals": {"iam:PassedToService": services}}),
        allow(["iam:GetUser", "iam:SimulatePrincipalPolicy"], f"arn:aws:iam::{config.account}:user/*"),
        # A session's ARN leaves out its role's path, which Lake Formation wants.
        allow(["iam:GetRole", "iam:SimulatePrincipalPolicy"], f"arn:aws:iam::{config.account}:role/*"),
        allow(
            ["iam:CreateServiceLinkedRole"],
            f"{own_role}/*",
            Condition={"StringEquals": {"iam:AWSServiceName": ["lakeformation.amazonaws.com", "rds.amazonaws.com"]}},
        ),
        # Registering a location adds it to what Lake Formation's own role may read.
        allow(
            [f"iam:{verb}RolePolicy" for verb in ("Put", "Get", "Delete")],
            f"{own_role}/lakeformation.amazonaws.com/*",
        ),
        # What is made new is made with a tag; what is changed must carry the lake's.
        allow(
            ["ec2:CreateSecurityGroup", "ec2:CreateVpcEndpoint"],
            [f"{ec2}:{kind}/*" for kind in ("security-group", "vpc-endpoint", "vpc", "route-table", "subnet")],
        ),
        allow(
            ["ec2:CreateTags"],
            f"{ec2}:*/*",
            Condition={"StringEquals": {"ec2:CreateAction": ["CreateSecurityGroup", "CreateVpcEndpoint"]}},
        ),
        allow(
            ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"],
            f"{ec2}:security-group/*",
            Condition={"StringEquals": {f"aws:ResourceTag/{TAG}": config.lake}},
        ),
        allow(
            ["ec2:ModifyVpcEndpoint", "ec2:DeleteVpcEndpoints"],
            f"{ec2}:vpc-endpoint/*",
            Condition={"StringEquals": {f"aws:ResourceTag/{TAG}": config.lake}},
        ),
        # The route tables that an endpoint is given are the account's.
        allow(["ec2:ModifyVpcEndpoint"], f"{ec2}:route-table/*"),
        # Network interfaces that Glue left behind carry Glue's tag, whatever is in it.
        allow(
            ["ec2:DeleteNetworkInterface"],
            f"{ec2}:network-interface/*",
            Condition={"Null": {"aws:ResourceTag/aws-glue-service-resource": "false"}},
        ),
        # What AWS limits to no resource.
        allow(
            [
                *(f"ec2:Describe{what}" for what in _EC2_SEEN),
                *("glue:CreateCrawler", "lambda:ListLayerVersions"),
                *(f"lakeformation:{verb}DataLakeSettings" for verb in ("Get", "Put")),
                *(f"lakeformation:{verb}Resource" for verb in ("Register", "Deregister", "Describe")),
                *(f"lakeformation:{verb}Permissions" for verb in ("Grant", "Revoke", "List")),
                *("logs:DescribeLogGroups", "logs:DescribeResourcePolicies"),
                *("logs:PutResourcePolicy", "logs:DeleteResourcePolicy"),
                *("freetier:GetAccountPlanState", "sagemaker:ListDomains"),
                *("servicequotas:ListServiceQuotas", "sns:Unsubscribe", "tag:GetResources"),
            ],
            "*",
        ),
    ]
    return statements + (_documented(config, users, roles) if config.as_documented else [])


def _documented(config: Config, users: list[str], roles: list[str]) -> list[Policy]:
    """For --as-documented: its users, managed policies and Studio. Who may do this may do anything."""
    sagemaker = f"arn:aws:sagemaker:{config.region}:{config.account}"
    return [
        allow(
            [
                *("iam:CreateUser", "iam:DeleteUser", "iam:TagUser", "iam:DeleteLoginProfile"),
                *("iam:AttachUserPolicy", "iam:DetachUserPolicy", "iam:ListAttachedUserPolicies"),
                *("iam:ListUserPolicies", "iam:DeleteUserPolicy", "iam:ListGroupsForUser"),
                *("iam:ListAccessKeys", "iam:DeleteAccessKey", "iam:ListMFADevices", "iam:DeactivateMFADevice"),
            ],
            users,
        ),
        allow(["iam:RemoveUserFromGroup"], f"arn:aws:iam::{config.account}:group/*"),
        allow(["iam:AttachRolePolicy"], roles),
        allow(
            [
                *(f"sagemaker:{verb}Domain" for verb in ("Create", "Describe", "Update", "Delete")),
                *(f"sagemaker:{verb}UserProfile" for verb in ("Create", "Describe", "Delete")),
                *("sagemaker:DeleteApp", "sagemaker:DeleteSpace", "sagemaker:AddTags", "sagemaker:ListTags"),
            ],
            [f"{sagemaker}:{kind}/*" for kind in ("domain", "user-profile", "app", "space")],
        ),
        allow(_of("sagemaker", ("ListApps", "ListSpaces", "ListUserProfiles")), "*"),
        allow(
            ["iam:CreateServiceLinkedRole"],
            f"arn:aws:iam::{config.account}:role/aws-service-role/sagemaker.amazonaws.com/*",
            Condition={"StringEquals": {"iam:AWSServiceName": "sagemaker.amazonaws.com"}},
        ),
        # An interface endpoint answers under S3's own name in the VPC.
        allow(["route53:AssociateVPCWithHostedZone"], "arn:aws:route53:::hostedzone/*"),
        # The groups that Studio made carry no tag of the lake's.
        allow(
            _of("ec2", ("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "DeleteSecurityGroup")),
            f"arn:aws:ec2:{config.region}:{config.account}:security-group/*",
        ),
    ]


_SCORING = ("model", "automl-job", "transform-job")
_VERBS = ("Create", "Get", "Update", "Delete")
_TAGS = ("TagResource", "ListTagsForResource")
_BUCKET = (
    *("CreateBucket", "TagResource", "DeleteBucket", "ListBucket", "ListBucketVersions"),
    *("GetBucketTagging", "GetBucketVersioning", "PutBucketVersioning"),
    *("GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    *("GetEncryptionConfiguration", "PutEncryptionConfiguration"),
    *("GetLifecycleConfiguration", "PutLifecycleConfiguration"),
    *("GetBucketNotification", "PutBucketNotification"),
)
_OBJECTS = ("GetObject", "PutObject", "DeleteObject", "DeleteObjectVersion")
_PARAMETERS = ("GetParameter", "PutParameter", "DeleteParameter", "AddTagsToResource", "ListTagsForResource")
_FUNCTIONS = (
    *("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration", "DeleteFunction"),
    # Without ListTags, GetFunction leaves the tags out.
    *("TagResource", "ListTags", "GetPolicy", "AddPermission", "RemovePermission"),
)
_RULES = (
    *("PutRule", "DescribeRule", "DeleteRule"),
    *("PutTargets", "RemoveTargets", "ListTargetsByRule", *_TAGS),
)
_LOG_GROUPS = ("CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy", *_TAGS)
_WATCHING = (
    *("PutMetricAlarm", "DescribeAlarms", "DeleteAlarms"),
    *("PutDashboard", "GetDashboard", "DeleteDashboards", *_TAGS),
)
_TOPICS = ("CreateTopic", "DeleteTopic", "GetTopicAttributes", "Subscribe", "ListSubscriptionsByTopic", *_TAGS)
_DATABASES = (
    *("CreateDBInstance", "ModifyDBInstance", "DeleteDBInstance"),
    *("CreateDBSubnetGroup", "ModifyDBSubnetGroup", "DeleteDBSubnetGroup", "DescribeDBSubnetGroups"),
    *("CreateDBParameterGroup", "ModifyDBParameterGroup", "DeleteDBParameterGroup"),
    *("DescribeDBParameterGroups", "DescribeDBParameters", "AddTagsToResource", "ListTagsForResource"),
)
_EC2_SEEN = ("Vpcs", "Subnets", "SecurityGroups", "RouteTables", "VpcEndpoints", "NetworkInterfaces")


def _of(service: str, actions: Iterable[str]) -> list[str]:
    return [f"{service}:{action}" for action in actions]


def _rds(config: Config, kind: str) -> list[str]:
    return [f"arn:aws:rds:{config.region}:{config.account}:{kind}:{config.mysql_instance}"]


def split(whole: Policy, limit: int = MANAGED_CHARACTERS) -> list[Policy]:
    """The statements of a policy in as many documents as a managed policy's limit demands, in their order."""
    parts: list[list[Policy]] = [[]]
    for statement in whole["Statement"]:
        if parts[-1] and len(json.dumps(policy(*parts[-1], statement), separators=(",", ":"))) > limit:
            parts.append([])
        parts[-1].append(statement)
    return [policy(*statements) for statements in parts]
