"""The IAM policies for the user or role that runs footlake: one for the weekly run, one for all commands.

Actions and resources are from AWS's Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from footlake.resources.role_policies import Policy, allow, equals, policy
from footlake.resources.scheduler import DatabaseSchedule, ScheduleGroup
from footlake.resources.sqs import SqsQueue
from footlake.resources.ssm import SecretParameter
from footlake.resources.walkthrough_extras import IamUser

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (white space does not count)
MANAGED_CHARACTERS = 6144
# Kinds of ARN of what training and scoring create.
_MODEL_KINDS = ("model", "automl-job", "transform-job")
_TAGS = "TagResource ListTagsForResource"


def weekly(config: Config, resources: Sequence[Resource]) -> Policy:
    """Enough for ingest, run-glue, train-autopilot, transform-xgoals, load-mysql, run-week, report, logs, metrics."""
    return policy(*_weekly_statements(_Arns(config, resources)))


def setup(config: Config, resources: Sequence[Resource]) -> Policy:
    """Enough for every command: bootstrap, status and teardown as well as the weekly ones."""
    arns = _Arns(config, resources)
    sections = (
        _weekly_statements,
        _set_up_storage,
        _set_up_functions,
        _set_up_glue,
        _set_up_monitoring,
        _set_up_database,
        _set_up_models,
        _set_up_roles,
        _set_up_network,
        _without_resources,
        *([_set_up_walkthrough_extras] if config.as_documented else []),
    )
    return policy(*(statement for section in sections for statement in section(arns)))


def split(whole: Policy, limit: int = MANAGED_CHARACTERS) -> list[Policy]:
    """Split a policy into documents of at most `limit` characters, keeping the order of its statements."""
    parts: list[list[Policy]] = [[]]
    for statement in whole["Statement"]:
        if parts[-1] and len(json.dumps(policy(*parts[-1], statement), separators=(",", ":"))) > limit:
            parts.append([])
        parts[-1].append(statement)
    return [policy(*statements) for statements in parts]


class _Arns:
    """ARNs of the account, and of the catalogue's resources by class."""

    def __init__(self, config: Config, resources: Sequence[Resource]) -> None:
        self.config, self._resources = config, resources

    def regional(self, service: str, name: str) -> str:
        """Return the ARN of a resource in the lake's region."""
        return f"arn:aws:{service}:{self.config.region}:{self.config.account}:{name}"

    def account_wide(self, service: str, name: str) -> str:
        """Return the ARN of a resource that belongs to no region."""
        return f"arn:aws:{service}::{self.config.account}:{name}"

    def of(self, kind: type, service: str, prefix: str, suffix: str = "") -> list[str]:
        """Return the regional ARNs of the catalogue's resources of this class: prefix, name and suffix."""
        return [self.regional(service, f"{prefix}{name}{suffix}") for name in self._names(kind)]

    def account_wide_of(self, kind: type, service: str, prefix: str) -> list[str]:
        """Return the ARNs of the catalogue's resources of this class, which belong to no region."""
        return [self.account_wide(service, f"{prefix}{name}") for name in self._names(kind)]

    def models(self) -> list[str]:
        """Return patterns for the ARNs of what training and scoring create. SageMaker's ARNs are in lower case."""
        return [self.regional("sagemaker", f"{kind}/{self.config.model.lower()}-*") for kind in _MODEL_KINDS]

    def training_parts(self) -> list[str]:
        """Return patterns for the ARNs of the jobs that Autopilot starts, which are named after its job."""
        prefix = self.config.model.lower()
        return [self.regional("sagemaker", f"{kind}/{prefix}-*") for kind in ("processing-job", "training-job")]

    def rds(self, kind: str) -> str:
        """Return the ARN of the instance, or of its subnet group or parameter group, which have the same name."""
        return self.regional("rds", f"{kind}:{self.config.mysql_instance}")

    def boundary(self) -> str:
        """Return the ARN of the permissions boundary of the lake's roles."""
        return self.account_wide("iam", f"policy/{self.config.boundary}")

    def bounded(self) -> dict[str, Any]:
        """Return the condition that a role has the boundary, or that the request gives it to the role."""
        return {"ArnEquals": {"iam:PermissionsBoundary": self.boundary()}}

    def _names(self, kind: type) -> list[str]:
        resources: list[Any] = [resource for resource in self._resources if isinstance(resource, kind)]
        return sorted({resource.name for resource in resources})


def _weekly_statements(arns: _Arns) -> list[Policy]:
    return [
        *_use_storage(arns),
        allow("lambda:GetFunction InvokeFunction", arns.of(LambdaFunction, "lambda", "function:")),
        allow("glue:StartJobRun GetJobRun GetJobRuns GetJob", arns.of(GlueJob, "glue", "job/")),
        allow("glue:StartCrawler GetCrawler ListCrawls", arns.of(GlueCrawler, "glue", "crawler/")),
        allow(
            "glue:GetTables",
            [
                arns.regional("glue", name)
                for name in ("catalog", f"database/{arns.config.glue_database}", f"table/{arns.config.glue_database}/*")
            ],
        ),
        *_use_models(arns),
        allow("ssm:GetParameter", arns.of(SecretParameter, "ssm", "parameter")),
        allow("rds:DescribeDBInstances StartDBInstance StopDBInstance", [arns.rds("db")]),
        allow("logs:FilterLogEvents", arns.of(LogGroup, "logs", "log-group:", ":*")),
        allow("ce:GetCostAndUsage cloudwatch:GetMetricData rds:DescribeEvents", "*"),
    ]


def _use_storage(arns: _Arns) -> list[Policy]:
    lake = f"arn:aws:s3:::{arns.config.bucket}"
    return [
        allow("s3:ListBucket", lake),
        allow(
            "s3:GetObject",
            [f"{lake}/{prefix}*" for prefix in (s3_keys.RAW, s3_keys.PROCESSED, s3_keys.MODELS, s3_keys.PENDING)],
        ),
        # Models and predictions that are made on the operator's machine are uploaded.
        allow("s3:PutObject", [f"{lake}/{prefix}*" for prefix in (s3_keys.MODELS, s3_keys.PREDICTIONS)]),
        # The record and the training set of a training that AWS refuses are deleted.
        allow("s3:DeleteObject", [f"{lake}/{key('*')}" for key in (s3_keys.model_record, s3_keys.model_training_set)]),
        # Predictions are deleted if their input changes during the scoring.
        allow("s3:DeleteObject", f"{lake}/{s3_keys.PREDICTIONS}*"),
        allow("s3:GetObject PutObject DeleteObject", f"{lake}/{s3_keys.LEASES}*"),
    ]


def _use_models(arns: _Arns) -> list[Policy]:
    role = arns.account_wide("iam", f"role/{arns.config.sagemaker_role}")
    return [
        allow(
            "sagemaker:CreateAutoMLJobV2 DescribeAutoMLJobV2 CreateModel DescribeModel DescribeTransformJob"
            " AddTags ListTags",
            arns.models(),
        ),
        # The price of a training is that of the jobs that Autopilot starts.
        allow("sagemaker:DescribeProcessingJob DescribeTrainingJob", arns.training_parts()),
        allow(
            "sagemaker:ListAutoMLJobs ListCandidatesForAutoMLJob ListModels ListProcessingJobs ListTrainingJobs"
            " ListTransformJobs",
            "*",
        ),
        allow("iam:GetRole", role),
        allow("iam:PassRole", role, Condition=equals("iam:PassedToService", "sagemaker.amazonaws.com")),
    ]


def _set_up_storage(arns: _Arns) -> list[Policy]:
    buckets = [f"arn:aws:s3:::{arns.config.bucket}", f"arn:aws:s3:::{arns.config.assets_bucket}"]
    return [
        allow(
            "s3:CreateBucket TagResource DeleteBucket ListBucket ListBucketVersions"
            " GetBucketTagging GetBucketVersioning PutBucketVersioning"
            " GetBucketPublicAccessBlock PutBucketPublicAccessBlock"
            " GetEncryptionConfiguration PutEncryptionConfiguration"
            " GetLifecycleConfiguration PutLifecycleConfiguration"
            " GetBucketNotification PutBucketNotification",
            buckets,
        ),
        allow("s3:GetObject PutObject DeleteObject DeleteObjectVersion", [f"{bucket}/*" for bucket in buckets]),
        allow(
            "ssm:GetParameter GetParameters PutParameter DeleteParameter AddTagsToResource ListTagsForResource",
            arns.regional("ssm", f"parameter/{arns.config.lake}/*"),
        ),
    ]


def _set_up_functions(arns: _Arns) -> list[Policy]:
    return [
        allow(
            "lambda:CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction"
            # GetFunction leaves out the tags if ListTags is not allowed.
            " TagResource ListTags GetPolicy AddPermission RemovePermission"
            " GetFunctionEventInvokeConfig PutFunctionEventInvokeConfig"
            " UpdateFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig",
            arns.of(LambdaFunction, "lambda", "function:"),
        ),
        allow("lambda:PublishLayerVersion", arns.of(LambdaLayer, "lambda", "layer:")),
        allow("lambda:GetLayerVersion DeleteLayerVersion", arns.of(LambdaLayer, "lambda", "layer:", ":*")),
    ]


def _set_up_glue(arns: _Arns) -> list[Policy]:
    database = arns.config.glue_database
    return [
        allow(
            "glue:CreateDatabase GetDatabase UpdateDatabase DeleteDatabase"
            " CreateConnection GetConnection UpdateConnection DeleteConnection"
            " CreateTable GetTable UpdateTable DeleteTable BatchDeleteTable",
            [
                arns.regional("glue", "catalog"),
                arns.regional("glue", f"table/{database}/*"),
                arns.regional("glue", f"userDefinedFunction/{database}/*"),
                *arns.of(GlueDatabase, "glue", "database/"),
                *arns.of(GlueConnection, "glue", "connection/"),
            ],
        ),
        allow(
            "glue:CreateJob GetJob BatchGetJobs UpdateJob DeleteJob BatchStopJobRun", arns.of(GlueJob, "glue", "job/")
        ),
        allow(
            "glue:CreateTrigger GetTrigger BatchGetTriggers UpdateTrigger DeleteTrigger StartTrigger",
            arns.of(GlueTrigger, "glue", "trigger/"),
        ),
        allow(
            "glue:BatchGetCrawlers UpdateCrawler DeleteCrawler StopCrawler", arns.of(GlueCrawler, "glue", "crawler/")
        ),
        allow(
            "glue:TagResource GetTags",
            [arns.regional("glue", f"{kind}/*") for kind in ("database", "connection", "crawler", "job", "trigger")],
        ),
    ]


def _set_up_monitoring(arns: _Arns) -> list[Policy]:
    return [
        allow(
            f"events:PutRule DescribeRule DeleteRule PutTargets RemoveTargets ListTargetsByRule {_TAGS}",
            arns.of(EventRule, "events", "rule/"),
        ),
        allow(
            f"logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy DescribeLogStreams {_TAGS}",
            arns.of(LogGroup, "logs", "log-group:", "*"),
        ),
        allow(
            f"cloudwatch:PutMetricAlarm DescribeAlarms DeleteAlarms PutDashboard GetDashboard DeleteDashboards {_TAGS}",
            arns.of(Alarm, "cloudwatch", "alarm:") + arns.account_wide_of(Dashboard, "cloudwatch", "dashboard/"),
        ),
        allow(
            f"sns:CreateTopic DeleteTopic GetTopicAttributes Subscribe ListSubscriptionsByTopic {_TAGS}",
            arns.of(SnsTopic, "sns", ""),
        ),
        allow(
            "sqs:CreateQueue DeleteQueue GetQueueUrl GetQueueAttributes SetQueueAttributes ListQueueTags TagQueue",
            arns.of(SqsQueue, "sqs", ""),
        ),
        allow(f"budgets:ViewBudget ModifyBudget {_TAGS}", arns.account_wide_of(Budget, "budgets", "budget/")),
    ]


def _set_up_database(arns: _Arns) -> list[Policy]:
    return [
        allow(
            "rds:CreateDBInstance ModifyDBInstance DeleteDBInstance"
            " CreateDBSubnetGroup ModifyDBSubnetGroup DeleteDBSubnetGroup DescribeDBSubnetGroups"
            " CreateDBParameterGroup ModifyDBParameterGroup DeleteDBParameterGroup"
            " DescribeDBParameterGroups DescribeDBParameters AddTagsToResource ListTagsForResource",
            [arns.rds(kind) for kind in ("db", "subgrp", "pg")],
        ),
        allow("rds:DescribeDBEngineVersions", "*"),
        allow(
            "scheduler:CreateSchedule GetSchedule UpdateSchedule DeleteSchedule",
            arns.of(DatabaseSchedule, "scheduler", f"schedule/{arns.config.schedule_group}/"),
        ),
        allow(
            f"scheduler:CreateScheduleGroup GetScheduleGroup DeleteScheduleGroup {_TAGS}",
            arns.of(ScheduleGroup, "scheduler", "schedule-group/"),
        ),
        # An instance also gets AWS's default option group.
        allow("rds:CreateDBInstance", arns.regional("rds", "og:default*")),
    ]


def _set_up_models(arns: _Arns) -> list[Policy]:
    return [allow("sagemaker:DeleteModel StopAutoMLJob StopTransformJob", arns.models())]


def _set_up_roles(arns: _Arns) -> list[Policy]:
    roles = arns.account_wide_of(IamRole, "iam", "role/")
    service_roles = arns.account_wide("iam", "role/aws-service-role")
    services = [f"{name}.amazonaws.com" for name in ("glue", "lambda", "sagemaker", "scheduler")]
    linked_services = ["lakeformation.amazonaws.com", "rds.amazonaws.com"]
    return [
        # Without this condition, a role with any permission could be created and used. The boundary itself must not be
        # writable: deleting it is harmless, because AWS refuses it while a role has the boundary.
        allow(
            "iam:CreateRole UpdateAssumeRolePolicy PutRolePolicy PutRolePermissionsBoundary",
            roles,
            Condition=arns.bounded(),
        ),
        allow("iam:GetPolicy GetPolicyVersion ListPolicyVersions DeletePolicy DeletePolicyVersion", arns.boundary()),
        allow(
            "iam:GetRole DeleteRole TagRole GetRolePolicy DeleteRolePolicy ListRolePolicies"
            " ListAttachedRolePolicies DetachRolePolicy",
            roles,
        ),
        allow("iam:PassRole", roles, Condition=equals("iam:PassedToService", services)),
        allow("iam:GetUser SimulatePrincipalPolicy", arns.account_wide("iam", "user/*")),
        # Lake Formation requires the path of the caller's role, which the ARN of a session does not contain.
        allow("iam:GetRole SimulatePrincipalPolicy", arns.account_wide("iam", "role/*")),
        allow(
            "iam:CreateServiceLinkedRole",
            f"{service_roles}/*",
            Condition=equals("iam:AWSServiceName", linked_services),
        ),
        # Registering a location adds the bucket to the policy of Lake Formation's service-linked role.
        allow("iam:PutRolePolicy GetRolePolicy DeleteRolePolicy", f"{service_roles}/lakeformation.amazonaws.com/*"),
    ]


def _set_up_network(arns: _Arns) -> list[Policy]:
    """Return the statements for EC2. New resources are created with a tag; existing ones must have the lake's tag."""
    with_tag = equals(f"aws:ResourceTag/{TAG}", arns.config.lake)
    creations = equals("ec2:CreateAction", ["CreateSecurityGroup", "CreateVpcEndpoint"])
    kinds = ("security-group", "vpc-endpoint", "vpc", "route-table", "subnet")
    return [
        allow("ec2:CreateSecurityGroup CreateVpcEndpoint", [arns.regional("ec2", f"{kind}/*") for kind in kinds]),
        allow("ec2:CreateTags", arns.regional("ec2", "*/*"), Condition=creations),
        allow(
            "ec2:AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress DeleteSecurityGroup",
            arns.regional("ec2", "security-group/*"),
            Condition=with_tag,
        ),
        allow("ec2:ModifyVpcEndpoint DeleteVpcEndpoints", arns.regional("ec2", "vpc-endpoint/*"), Condition=with_tag),
        # The route tables of an endpoint belong to the account, not to the lake.
        allow("ec2:ModifyVpcEndpoint", arns.regional("ec2", "route-table/*")),
        # Network interfaces that Glue left behind have Glue's tag, with any value.
        allow(
            "ec2:DeleteNetworkInterface",
            arns.regional("ec2", "network-interface/*"),
            Condition={"Null": {"aws:ResourceTag/aws-glue-service-resource": "false"}},
        ),
    ]


def _without_resources(arns: _Arns) -> list[Policy]:
    """Return a statement with the actions that AWS does not restrict to resources."""
    return [
        allow(
            "ec2:DescribeVpcs DescribeSubnets DescribeSecurityGroups DescribeRouteTables DescribeVpcEndpoints"
            " DescribeNetworkInterfaces events:ListRules ListRuleNamesByTarget"
            " glue:CreateCrawler lambda:ListLayerVersions"
            " lakeformation:GetDataLakeSettings PutDataLakeSettings RegisterResource DeregisterResource"
            " DescribeResource GrantPermissions RevokePermissions ListPermissions"
            " logs:DescribeLogGroups DescribeResourcePolicies PutResourcePolicy DeleteResourcePolicy"
            " freetier:GetAccountPlanState sagemaker:ListDomains servicequotas:ListServiceQuotas sns:Unsubscribe"
            " tag:GetResources",
            "*",
        )
    ]


def _set_up_walkthrough_extras(arns: _Arns) -> list[Policy]:
    """Return the statements for users, managed policies and Studio. They amount to administrator access."""
    return [
        allow(
            "iam:CreateUser DeleteUser TagUser DeleteLoginProfile"
            " AttachUserPolicy DetachUserPolicy ListAttachedUserPolicies"
            " ListUserPolicies DeleteUserPolicy ListGroupsForUser"
            " ListAccessKeys DeleteAccessKey ListMFADevices DeactivateMFADevice",
            arns.account_wide_of(IamUser, "iam", "user/"),
        ),
        allow("iam:RemoveUserFromGroup", arns.account_wide("iam", "group/*")),
        allow(
            "iam:AttachRolePolicy",
            arns.account_wide_of(IamRole, "iam", "role/"),
            Condition=arns.bounded(),
        ),
        allow(
            "sagemaker:CreateDomain DescribeDomain UpdateDomain DeleteDomain"
            " CreateUserProfile DescribeUserProfile DeleteUserProfile"
            " DeleteApp DeleteSpace AddTags ListTags",
            [arns.regional("sagemaker", f"{kind}/*") for kind in ("domain", "user-profile", "app", "space")],
        ),
        allow("sagemaker:ListApps ListSpaces ListUserProfiles", "*"),
        allow(
            "iam:CreateServiceLinkedRole",
            arns.account_wide("iam", "role/aws-service-role/sagemaker.amazonaws.com/*"),
            Condition=equals("iam:AWSServiceName", "sagemaker.amazonaws.com"),
        ),
        # An interface endpoint adds a private hosted zone for S3's own name to the VPC.
        allow("route53:AssociateVPCWithHostedZone", "arn:aws:route53:::hostedzone/*"),
        # The interface endpoint of a lake of an earlier version gets another security group.
        allow("ec2:ModifyVpcEndpoint", arns.regional("ec2", "security-group/*")),
        # The security groups that Studio creates do not have the lake's tag.
        allow(
            "ec2:RevokeSecurityGroupIngress RevokeSecurityGroupEgress DeleteSecurityGroup",
            arns.regional("ec2", "security-group/*"),
        ),
    ]
