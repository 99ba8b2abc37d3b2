"""The inline policy of each role, as pure functions of the settings, and the parts of which policies are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from footlake.config import Config
from footlake.lake import s3_keys

Policy = dict[str, Any]
_READ_WRITE = "s3:GetObject PutObject DeleteObject"
_READ_WRITE_PARTS = f"{_READ_WRITE} AbortMultipartUpload ListMultipartUploadParts"


def policy(*statements: Policy) -> Policy:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: str, resources: list[str] | str, **members: Any) -> Policy:
    """Return a statement that allows actions on resources, with further members such as Condition.

    `actions` are separated by spaces. One without a service has that of the action before it, as in
    "s3:GetObject PutObject".
    """
    return {"Effect": "Allow", "Action": list(_qualified(actions)), "Resource": resources, **members}


def _qualified(actions: str) -> Iterator[str]:
    service = ""
    for action in actions.split():
        prefix, _, name = action.rpartition(":")
        service = prefix or service
        yield f"{service}:{name}"


def equals(key: str, value: str | list[str]) -> dict[str, Any]:
    """Return the condition that a key of the request has this value, or one of these values."""
    return {"StringEquals": {key: value}}


def trust(service: str, account: str) -> Policy:
    """Return the trust policy for one service, on behalf of this account only."""
    # AWS does not document whether Glue's requests contain the account. If they do, it has to be this one.
    operator = "StringEqualsIfExists" if service == "glue.amazonaws.com" else "StringEquals"
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {operator: {"aws:SourceAccount": account}},
        }
    )


def boundary(config: Config) -> Policy:
    """Return the permissions boundary of the roles: the most that any of them can be allowed.

    It has every statement of the roles' own policies. Those for S3 become one, to keep to the size of a managed policy.
    It does not depend on the setting `database`, because only an administrator can change it.
    """
    roles = [handlers(config), glue(replace(config, database="weekly")), sagemaker(config), database_schedules(config)]
    statements = [statement for role in roles for statement in role["Statement"]]
    storage = [statement for statement in statements if all(name.startswith("s3:") for name in statement["Action"])]
    buckets = [f"arn:aws:s3:::{name}" for name in (config.bucket, config.assets_bucket)]
    actions = dict.fromkeys(action for statement in storage for action in statement["Action"])
    everything = allow(" ".join(actions), [*buckets, *(f"{bucket}/*" for bucket in buckets)])
    return policy(everything, *_without_repetitions(item for item in statements if item not in storage))


def _without_repetitions(statements: Iterable[Policy]) -> list[Policy]:
    return [json.loads(text) for text in dict.fromkeys(json.dumps(statement) for statement in statements)]


def handlers(config: Config) -> Policy:
    """Return the policy of the Lambda functions, which also start batch transforms."""
    sagemaker = f"arn:aws:sagemaker:{config.region}:{config.account}"
    written = (s3_keys.RAW, s3_keys.PROCESSED, s3_keys.TRANSFORM_INPUTS, s3_keys.LEASES, s3_keys.PENDING)
    return policy(
        *_bucket(config.bucket, _READ_WRITE, *written),
        allow("s3:GetObject", f"arn:aws:s3:::{config.bucket}/{s3_keys.MODEL_IN_USE}"),
        allow("ssm:GetParameter", f"arn:aws:ssm:{config.region}:{config.account}:parameter{config.api_key_parameter}"),
        _logs(config, "/aws/lambda/etlGet*"),
        # Lambda sends the events that a function could not process with the permissions of the function's role.
        allow("sqs:SendMessage", f"arn:aws:sqs:{config.region}:{config.account}:{config.failed_events_queue}"),
        allow("sagemaker:ListTransformJobs", "*"),
        allow(
            "sagemaker:CreateTransformJob DescribeTransformJob DescribeModel AddTags",
            [f"{sagemaker}:{kind}/{config.model.lower()}-*" for kind in ("transform-job", "model")],
        ),
    )


def glue(config: Config) -> Policy:
    """Return the policy of Glue's crawlers and jobs."""
    network = [] if config.database == "none" else _glue_network(config)
    return policy(*_glue_storage(config), *_glue_catalog(config), *network)


def database_schedules(config: Config) -> Policy:
    """Return the policy of the schedules that start and stop the database."""
    instance = f"arn:aws:rds:{config.region}:{config.account}:db:{config.mysql_instance}"
    return policy(allow("rds:StartDBInstance StopDBInstance", instance))


def _glue_storage(config: Config) -> list[Policy]:
    assets = f"arn:aws:s3:::{config.assets_bucket}"
    return [
        *_bucket(config.bucket, _READ_WRITE_PARTS, s3_keys.PROCESSED, s3_keys.SCORING_MARKS),
        *_bucket(config.assets_bucket, "s3:GetObject", "scripts/"),
        # Glue 5.1 writes through Hadoop's S3A, which uploads in parts and looks for earlier unfinished uploads.
        allow("s3:ListBucketMultipartUploads", [f"arn:aws:s3:::{config.bucket}", assets]),
        allow(_READ_WRITE_PARTS, [f"{assets}/temporary/*", f"{assets}/sparkHistoryLogs/*"]),
    ]


def _glue_catalog(config: Config) -> list[Policy]:
    arn = f"arn:aws:glue:{config.region}:{config.account}"
    return [
        allow(
            "glue:GetDatabase GetTable GetTables CreateTable UpdateTable DeleteTable BatchDeleteTable"
            " GetPartition GetPartitions BatchGetPartition CreatePartition UpdatePartition DeletePartition"
            " BatchCreatePartition BatchUpdatePartition BatchDeletePartition",
            [f"{arn}:catalog", f"{arn}:database/{config.glue_database}", f"{arn}:table/{config.glue_database}/*"],
        ),
        *_glue_connection(config),
        # Lake Formation provides the credentials to read data in a registered location.
        allow("lakeformation:GetDataAccess", "*"),
        allow("cloudwatch:PutMetricData", "*", Condition=equals("cloudwatch:namespace", "Glue")),
        _logs(config, "/aws-glue/*"),
    ]


def _glue_connection(config: Config) -> list[Policy]:
    arn = f"arn:aws:glue:{config.region}:{config.account}"
    if config.database == "none":
        return []
    return [allow("glue:GetConnection", [f"{arn}:catalog", f"{arn}:connection/{config.connection}"])]


def _glue_network(config: Config) -> list[Policy]:
    """Return the statements for the network interfaces of jobs and crawlers that use the connection."""
    ec2 = f"arn:aws:ec2:{config.region}:{config.account}"
    return [
        allow(
            "ec2:DescribeSubnets DescribeSecurityGroups DescribeVpcEndpoints DescribeRouteTables"
            " DescribeNetworkInterfaces",
            "*",
        ),
        allow("ec2:DescribeVpcAttribute", f"{ec2}:vpc/*"),
        allow(
            "ec2:CreateNetworkInterface", [f"{ec2}:network-interface/*", f"{ec2}:subnet/*", f"{ec2}:security-group/*"]
        ),
        allow("ec2:DeleteNetworkInterface", f"{ec2}:network-interface/*"),
        allow(
            "ec2:CreateTags DeleteTags",
            f"{ec2}:network-interface/*",
            Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
        ),
    ]


def sagemaker(config: Config) -> Policy:
    """Return the policy of Autopilot, the model and batch transform.

    Autopilot starts processing, training and transform jobs with this role, and passes the role to them.
    """
    arn = f"arn:aws:sagemaker:{config.region}:{config.account}"
    prefixes = (s3_keys.TRAINING, s3_keys.MODELS, s3_keys.TRANSFORM_INPUTS, s3_keys.PREDICTIONS)
    return policy(
        *_bucket(config.bucket, f"{_READ_WRITE} AbortMultipartUpload", *prefixes),
        allow("lakeformation:GetDataAccess", "*"),
        allow("ecr:GetAuthorizationToken", "*"),
        allow(
            "ecr:BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer",
            f"arn:aws:ecr:{config.region}:*:repository/*",
        ),
        _logs(config, "/aws/sagemaker/*", "DescribeLogStreams"),
        allow(
            "cloudwatch:PutMetricData",
            "*",
            Condition={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
        ),
        allow(
            "sagemaker:CreateProcessingJob DescribeProcessingJob StopProcessingJob"
            " CreateTrainingJob DescribeTrainingJob StopTrainingJob"
            " CreateTransformJob DescribeTransformJob StopTransformJob"
            " CreateModel DescribeModel DeleteModel AddTags",
            [f"{arn}:{kind}/*" for kind in ("processing-job", "training-job", "transform-job", "model")],
        ),
        allow(
            "iam:PassRole",
            f"arn:aws:iam::{config.account}:role/{config.sagemaker_role}",
            Condition=equals("iam:PassedToService", "sagemaker.amazonaws.com"),
        ),
    )


def _bucket(name: str, actions: str, *prefixes: str) -> list[Policy]:
    """Return statements that allow to list the bucket, and these actions on objects below these prefixes."""
    arn = f"arn:aws:s3:::{name}"
    return [
        allow("s3:ListBucket GetBucketLocation", arn),
        allow(actions, [f"{arn}/{prefix}*" for prefix in prefixes]),
    ]


def _logs(config: Config, groups: str, more_actions: str = "") -> Policy:
    """Return a statement that allows to write to the log groups that match a pattern."""
    arn = f"arn:aws:logs:{config.region}:{config.account}:log-group:{groups}"
    return allow(f"logs:CreateLogGroup CreateLogStream PutLogEvents {more_actions}", [arn, f"{arn}:*"])
