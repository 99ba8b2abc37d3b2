"""What each role may do, as pure functions from names to policy documents."""

from __future__ import annotations

from typing import Any

from footlake.config import Config
from footlake.lake import s3_keys

Policy = dict[str, Any]
_PARTS = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")


def policy(*statements: Policy) -> Policy:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions: list[str], resources: list[str] | str, **more: Any) -> Policy:
    """A statement of one: these actions on these resources."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def trust(service: str, account: str) -> Policy:
    """Who may assume a role: one service, on behalf of this account only."""
    # That Glue says for whom it asks is documented nowhere: it is bound to the account if it does.
    equals = "StringEqualsIfExists" if service == "glue.amazonaws.com" else "StringEquals"
    return policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {equals: {"aws:SourceAccount": account}},
        }
    )


def _bucket(name: str, actions: list[str], *prefixes: str) -> list[Policy]:
    """These object actions below these prefixes, and listing the bucket."""
    arn = f"arn:aws:s3:::{name}"
    return [
        allow(["s3:ListBucket", "s3:GetBucketLocation"], arn),
        allow(actions, [f"{arn}/{prefix}*" for prefix in prefixes]),
    ]


def _logs(config: Config, groups: str, *also: str) -> Policy:
    """Writing to these log groups (a pattern)."""
    arn = f"arn:aws:logs:{config.region}:{config.account}:log-group:{groups}"
    actions = ("CreateLogGroup", "CreateLogStream", "PutLogEvents", *also)
    return allow([f"logs:{action}" for action in actions], [arn, f"{arn}:*"])


def handlers(config: Config) -> Policy:
    """The Lambda functions: the lake's objects, the API's key, their logs, and starting a batch transform."""
    sagemaker = f"arn:aws:sagemaker:{config.region}:{config.account}"
    return policy(
        *_bucket(
            config.bucket,
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            s3_keys.RAW,
            s3_keys.PROCESSED,
            s3_keys.TRANSFORM_INPUTS,
            s3_keys.LEASES,
            s3_keys.PENDING,
        ),
        allow(["s3:GetObject"], f"arn:aws:s3:::{config.bucket}/{s3_keys.MODEL_IN_USE}"),
        allow(
            ["ssm:GetParameter"],
            f"arn:aws:ssm:{config.region}:{config.account}:parameter{config.api_key_parameter}",
        ),
        _logs(config, "/aws/lambda/etlGet*"),
        allow(["sagemaker:ListTransformJobs"], "*"),
        allow(
            [
                "sagemaker:CreateTransformJob",
                "sagemaker:DescribeTransformJob",
                "sagemaker:DescribeModel",
                "sagemaker:AddTags",
            ],
            [f"{sagemaker}:{kind}/{config.model.lower()}-*" for kind in ("transform-job", "model")],
        ),
    )


def glue(config: Config) -> Policy:
    """Crawlers and jobs: the lake's objects, the assets, the catalog, the connection's network interfaces, logs."""
    catalog = f"arn:aws:glue:{config.region}:{config.account}"
    assets = f"arn:aws:s3:::{config.assets_bucket}"
    ec2 = f"arn:aws:ec2:{config.region}:{config.account}"
    return policy(
        *_bucket(
            config.bucket,
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", *_PARTS],
            s3_keys.PROCESSED,
        ),
        *_bucket(config.assets_bucket, ["s3:GetObject"], "scripts/"),
        # Hadoop's S3A, which Glue 5.1 writes through, does so in several parts, and looks for those of before.
        allow(["s3:ListBucketMultipartUploads"], [f"arn:aws:s3:::{config.bucket}", assets]),
        allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", *_PARTS],
            [f"{assets}/temporary/*", f"{assets}/sparkHistoryLogs/*"],
        ),
        allow(
            [
                "glue:GetDatabase",
                "glue:GetTable",
                "glue:GetTables",
                "glue:CreateTable",
                "glue:UpdateTable",
                "glue:DeleteTable",
                "glue:BatchDeleteTable",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:BatchGetPartition",
                *(f"glue:{batch}{verb}Partition" for batch in ("", "Batch") for verb in ("Create", "Update", "Delete")),
            ],
            [
                f"{catalog}:catalog",
                f"{catalog}:database/{config.database}",
                f"{catalog}:table/{config.database}/*",
            ],
        ),
        allow(["glue:GetConnection"], [f"{catalog}:catalog", f"{catalog}:connection/{config.connection}"]),
        # Data below a registered location is read with credentials that Lake Formation gives out.
        allow(["lakeformation:GetDataAccess"], "*"),
        allow(["cloudwatch:PutMetricData"], "*", Condition={"StringEquals": {"cloudwatch:namespace": "Glue"}}),
        _logs(config, "/aws-glue/*"),
        allow(
            [
                "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVpcEndpoints",
                "ec2:DescribeRouteTables",
                "ec2:DescribeNetworkInterfaces",
            ],
            "*",
        ),
        allow(["ec2:DescribeVpcAttribute"], f"{ec2}:vpc/*"),
        allow(
            ["ec2:CreateNetworkInterface"],
            [f"{ec2}:network-interface/*", f"{ec2}:subnet/*", f"{ec2}:security-group/*"],
        ),
        allow(
            ["ec2:DeleteNetworkInterface"],
            f"{ec2}:network-interface/*",
        ),
        allow(
            ["ec2:CreateTags", "ec2:DeleteTags"],
            f"{ec2}:network-interface/*",
            Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
        ),
    )


def sagemaker(config: Config) -> Policy:
    """Autopilot, the model and batch transform: the training set, the models, the predictions, images and logs.

    Autopilot starts its own processing, training and transform jobs under this role, and hands it on to them.
    """
    jobs = f"arn:aws:sagemaker:{config.region}:{config.account}"
    return policy(
        *_bucket(
            config.bucket,
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            s3_keys.TRAINING,
            s3_keys.MODELS,
            s3_keys.TRANSFORM_INPUTS,
            s3_keys.PREDICTIONS,
        ),
        allow(["lakeformation:GetDataAccess"], "*"),
        allow(["ecr:GetAuthorizationToken"], "*"),
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            f"arn:aws:ecr:{config.region}:*:repository/*",
        ),
        _logs(config, "/aws/sagemaker/*", "DescribeLogStreams"),
        allow(
            ["cloudwatch:PutMetricData"],
            "*",
            Condition={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
        ),
        allow(
            [
                f"sagemaker:{verb}{kind}Job"
                for kind in ("Processing", "Training", "Transform")
                for verb in ("Create", "Describe", "Stop")
            ]
            + ["sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:DeleteModel", "sagemaker:AddTags"],
            [f"{jobs}:{kind}/*" for kind in ("processing-job", "training-job", "transform-job", "model")],
        ),
        allow(
            ["iam:PassRole"],
            f"arn:aws:iam::{config.account}:role/{config.sagemaker_role}",
            Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    )
