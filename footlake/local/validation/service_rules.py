"""What AWS's services check beyond their models: roles, permissions, schedules, versions, sizes."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from footlake.config import LOCAL_QUOTAS_VARIABLE
from footlake.deploy.schedule import is_cron, is_schedule

GLUE_VERSIONS = ("0.9", "1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0")
# CloudWatch Logs: `retentionInDays` is a number in botocore's model, an enum in fact.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
AUTOPILOT_INSTANCE = "ml.m5.4xlarge"
# GiB by storage type, for MySQL, MariaDB and PostgreSQL.
RDS_STORAGE = {
    "gp2": (20, 65536),
    "gp3": (20, 65536),
    "io1": (100, 65536),
    "io2": (100, 65536),
    "standard": (5, 3072),
}
RDS_IDENTIFIER = re.compile(r"[A-Za-z](-?[A-Za-z0-9])*")
LAMBDA_ENVIRONMENT_BYTES = 4096
LAMBDA_SECONDS = 900


class ServiceRejection(Exception):
    """A refusal: AWS's error code and message, and the HTTP status where the service's model does not tell it."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Call:
    """An operation called with parameters that its model allows; `key` is the access key that signed it."""

    service: str
    operation: str
    account: str
    region: str
    parameters: Mapping[str, Any]
    key: str = ""


@dataclass
class Rules:
    """The rules of the services that the lake uses; for `settle_seconds` they do not know what is new."""

    settle_seconds: float = 0.0
    _permitted: dict[tuple[str, str], float] = field(default_factory=dict)
    _administered: float | None = None

    def check(self, call: Call) -> None:
        """Raise ServiceRejection if the service would."""
        check = getattr(self, f"_{call.service}_{call.operation}", None)
        if call.service == "s3":
            _bucket_owner(call)
        if check:
            check(call)

    # Lambda

    def _lambda_CreateFunction(self, call: Call) -> None:
        given = call.parameters
        if given.get("PackageType", "Zip") == "Zip" and not (given.get("Runtime") and given.get("Handler")):
            message = "Runtime and Handler are mandatory parameters for functions created with deployment packages."
            raise _invalid_value(message)
        _runtime(given.get("Runtime"), "create-block")
        _timeout(given)
        _environment(given)
        self._lambda_role(call)

    def _lambda_UpdateFunctionConfiguration(self, call: Call) -> None:
        _runtime(call.parameters.get("Runtime"), "update-block")
        _timeout(call.parameters)
        _environment(call.parameters)
        if call.parameters.get("Role"):
            self._lambda_role(call)

    def _lambda_role(self, call: Call) -> None:
        if not self._assumable(call, call.parameters["Role"], "lambda.amazonaws.com"):
            raise _invalid_value("The role defined for the function cannot be assumed by Lambda.")

    def _lambda_AddPermission(self, call: Call) -> None:
        function = _function(call, call.parameters["FunctionName"], call.parameters.get("Qualifier"))
        if function is None:
            return
        self._permitted[function.function_arn, call.parameters["StatementId"]] = time.monotonic()

    # S3

    def _s3_PutBucketNotificationConfiguration(self, call: Call) -> None:
        bucket = _bucket(call.parameters["Bucket"])
        if bucket is None or str(call.parameters.get("SkipDestinationValidation")).lower() == "true":
            return
        configuration = call.parameters.get("NotificationConfiguration") or {}
        for one in configuration.get("LambdaFunctionConfigurations", []):
            if not self._may_invoke(call, one["LambdaFunctionArn"], bucket):
                message = "Unable to validate the following destination configurations"
                raise ServiceRejection("InvalidArgument", message)

    def _may_invoke(self, call: Call, arn: str, bucket: Any) -> bool:
        function = _function(call, arn)
        if function is None:
            return False
        seen = [
            statement
            for statement in function.policy.statements
            if not self._is_new(self._permitted.get((function.function_arn, statement.get("Sid"))))
        ]
        context = {"aws:sourceaccount": bucket.account_id, "aws:sourcearn": f"arn:aws:s3:::{bucket.name}"}
        return allows(seen, "s3.amazonaws.com", "lambda:InvokeFunction", context)

    def _is_new(self, since: float | None) -> bool:
        return since is not None and time.monotonic() - since < self.settle_seconds

    # EventBridge

    def _events_PutRule(self, call: Call) -> None:
        schedule, pattern = call.parameters.get("ScheduleExpression"), call.parameters.get("EventPattern")
        if not schedule and not pattern:
            message = "Parameter(s) EventPattern or ScheduleExpression must be specified."
            raise ServiceRejection("ValidationException", message)
        if schedule and not is_schedule(schedule):
            raise ServiceRejection("ValidationException", "Parameter ScheduleExpression is not valid.")

    # Glue

    def _glue_CreateJob(self, call: Call) -> None:
        self._glue_job(call, call.parameters)

    def _glue_UpdateJob(self, call: Call) -> None:
        self._glue_job(call, call.parameters["JobUpdate"])

    def _glue_job(self, call: Call, job: Mapping[str, Any]) -> None:
        version = job.get("GlueVersion")
        if version and version not in GLUE_VERSIONS:
            raise _invalid_input(f"Given GlueVersion [{version}] is not valid.")
        if job.get("WorkerType") and job.get("MaxCapacity") is not None:
            raise _invalid_input("Please do not set Max Capacity if using Worker Type and Number of Workers.")
        role = job.get("Role")
        if role and not self._assumable(call, role, "glue.amazonaws.com"):
            raise _invalid_input(f"Role {role} should be given assume role permissions for Glue Service.")

    def _glue_CreateCrawler(self, call: Call) -> None:
        _glue_schedule(call.parameters)
        role = call.parameters.get("Role")
        if role and not self._assumable(call, role, "glue.amazonaws.com"):
            raise _invalid_input("Service is unable to assume provided role. Please verify role's TrustPolicy")

    _glue_UpdateCrawler = _glue_CreateCrawler

    def _glue_UpdateCrawlerSchedule(self, call: Call) -> None:
        _glue_schedule(call.parameters)

    def _glue_CreateTrigger(self, call: Call) -> None:
        _glue_schedule(call.parameters)

    def _glue_UpdateTrigger(self, call: Call) -> None:
        _glue_schedule(call.parameters["TriggerUpdate"])

    # Lake Formation

    def _lakeformation_PutDataLakeSettings(self, call: Call) -> None:
        self._administered = time.monotonic()

    def _lakeformation_RegisterResource(self, call: Call) -> None:
        if self._is_new(self._administered):
            raise ServiceRejection("AccessDeniedException", "User is not authorized to access requested permissions")

    def _lakeformation_GrantPermissions(self, call: Call) -> None:
        self._lakeformation_RegisterResource(call)
        principal = call.parameters["Principal"]["DataLakePrincipalIdentifier"]
        role = _role(call, principal)
        if ":role/" in principal and (role is None or self._is_young(role)):
            raise _invalid_input(f"Invalid principal, {principal}")

    # SageMaker

    def _sagemaker_CreateModel(self, call: Call) -> None:
        self._sagemaker_role(call, call.parameters.get("ExecutionRoleArn"))

    def _sagemaker_CreateAutoMLJobV2(self, call: Call) -> None:
        self._sagemaker_role(call, call.parameters.get("RoleArn"))
        if call.operation.startswith("CreateAutoML"):
            for kind in ("processing", "training"):
                _within_quota(f"{AUTOPILOT_INSTANCE} for {kind} job usage")

    _sagemaker_CreateAutoMLJob = _sagemaker_CreateAutoMLJobV2
    _sagemaker_CreateNotebookInstance = _sagemaker_CreateAutoMLJobV2
    _sagemaker_CreateProcessingJob = _sagemaker_CreateAutoMLJobV2
    _sagemaker_CreateTrainingJob = _sagemaker_CreateAutoMLJobV2

    def _sagemaker_CreateTransformJob(self, call: Call) -> None:
        _within_quota(f"{call.parameters['TransformResources']['InstanceType']} for transform job usage")

    def _sagemaker_role(self, call: Call, role: str | None) -> None:
        if role and not self._assumable(call, role, "sagemaker.amazonaws.com"):
            raise ServiceRejection(
                "ValidationException",
                f"Could not assume role {role}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role.",
            )

    # CloudWatch Logs

    def _logs_PutRetentionPolicy(self, call: Call) -> None:
        days = call.parameters["retentionInDays"]
        if days not in RETENTION_DAYS:
            raise ServiceRejection(
                "InvalidParameterException",
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{', '.join(map(str, RETENTION_DAYS))}]",
            )

    # RDS

    def _rds_CreateDBInstance(self, call: Call) -> None:
        given = call.parameters
        if not RDS_IDENTIFIER.fullmatch(given["DBInstanceIdentifier"]) or len(given["DBInstanceIdentifier"]) > 63:
            raise _invalid_parameter(
                "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a letter; "
                "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
                "consecutive hyphens."
            )
        if given["Engine"] not in _engines():
            raise _invalid_parameter(f"Invalid DB engine: {given['Engine']}")
        _rds_backups(given)
        _rds_version(given["Engine"], given.get("EngineVersion"))
        _rds_class(given["Engine"], given.get("EngineVersion"), given["DBInstanceClass"])
        _rds_storage(given["Engine"], given)

    def _rds_ModifyDBInstance(self, call: Call) -> None:
        from moto.rds.models import rds_backends

        given = call.parameters
        instance = rds_backends[call.account][call.region].databases.get(given["DBInstanceIdentifier"])
        if instance is None:
            return
        version = given.get("EngineVersion") or instance.engine_version
        _rds_backups(given)
        _rds_version(instance.engine, given.get("EngineVersion"))
        if given.get("DBInstanceClass"):
            _rds_class(instance.engine, version, given["DBInstanceClass"])
        if given.get("AllocatedStorage") or given.get("StorageType"):
            asked = {"AllocatedStorage": instance.allocated_storage, "StorageType": instance.storage_type}
            _rds_storage(instance.engine, asked | {key: value for key, value in given.items() if value is not None})

    def _assumable(self, call: Call, role: str, service: str) -> bool:
        """Whether the role, given by ARN or by name, is there, is known by now and trusts the service."""
        found = _role(call, role)
        if found is None or self._is_young(found):
            return False
        trust = json.loads(found.assume_role_policy_document)
        return allows(listed(trust["Statement"]), service, "sts:AssumeRole", {"aws:sourceaccount": call.account})

    def _is_young(self, role: Any) -> bool:
        age: timedelta = datetime.now(UTC) - role.create_date.replace(tzinfo=UTC)
        return age < timedelta(seconds=self.settle_seconds)


def allows(statements: Iterable[Mapping[str, Any]], service: str, action: str, context: Mapping[str, str]) -> bool:
    """Whether a resource's policy lets an AWS service do `action`.

    `context` has condition keys in lower case. A condition on a key that is not there restricts nothing: what cannot
    be known here is not held against the request.
    """
    matching = [one for one in statements if _names(one, service, action)]
    allowed = any(one["Effect"] == "Allow" and holds(one, context, unknown=True) for one in matching)
    return allowed and not any(one["Effect"] == "Deny" and holds(one, context, unknown=False) for one in matching)


def _names(statement: Mapping[str, Any], service: str, action: str) -> bool:
    principal = statement.get("Principal", {})
    services = [principal] if isinstance(principal, str) else listed(principal.get("Service", []))
    actions = listed(statement.get("Action", []))
    return any(one in ("*", service) for one in services) and any(like(action.lower(), one.lower()) for one in actions)


def holds(statement: Mapping[str, Any], context: Mapping[str, Any], unknown: bool) -> bool:
    """Whether a statement's conditions hold, those on keys that the context lacks counting as `unknown`."""
    for operator, keys in statement.get("Condition", {}).items():
        quantifier, _, operator = operator.rpartition(":")
        test = TESTS.get(operator.removesuffix("IfExists"))
        for key, wanted in keys.items():
            actual = context.get(key.lower())
            if operator == "Null":
                fits = (actual is None) == (str(wanted).lower() == "true")
            elif quantifier == "ForAllValues":
                fits = test is not None and all(
                    any(test(one, other) for other in listed(wanted)) for one in actual or ()
                )
            elif test is None or actual is None:
                fits = unknown or operator.endswith("IfExists")
            else:
                fits = any(test(actual, one) for one in listed(wanted))
            if not fits:
                return False
    return True


def like(text: str, pattern: str) -> bool:
    """Whether a text is what an IAM pattern with `*` and `?` stands for."""
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), text) is not None


def listed(value: Any) -> list[Any]:
    """What a policy gives as one or as a list, as a list."""
    return value if isinstance(value, list) else [value]


# The operators of conditions that are understood here.
TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda actual, wanted: actual.lower() == str(wanted).lower(),
}


def _is_arn(text: str) -> bool:
    return text.startswith("arn:") and text.count(":") >= 5


def sagemaker_quotas() -> dict[str, float]:
    """How many instances SageMaker lets this account use, by the names of the quotas."""
    usual = {
        f"{instance} for {kind} job usage": 4.0
        for instance in ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge")
        for kind in ("training", "processing", "transform")
    }
    told = os.environ.get(LOCAL_QUOTAS_VARIABLE, "")
    pairs = (one.rpartition("=") for one in told.split(";") if one.strip())
    return usual | {name.strip(): float(value) for name, _, value in pairs}


def _within_quota(name: str) -> None:
    """Refuse an instance more of a quota that is 0."""
    if sagemaker_quotas().get(name, 1) < 1:
        raise ServiceRejection(
            "ResourceLimitExceeded",
            f"The account-level service limit '{name}' is 0 Instances, with current utilization of 0 Instances and a "
            "request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
            "Service Quotas is not available, contact AWS support to request an increase for this quota.",
        )


def _invalid_value(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidParameterValueException", message)


def _invalid_input(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidInputException", message)


def _invalid_parameter(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidParameterValue", message)


def _combination(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidParameterCombination", message)


def _function(call: Call, name: str, qualifier: str | None = None) -> Any:
    """The function of this name or ARN, or None."""
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.utils import get_backend

    account, region = (name.split(":")[4], name.split(":")[3]) if _is_arn(name) else (call.account, call.region)
    try:
        return get_backend(account, region).get_function(name, qualifier)
    except UnknownFunctionException:
        return None


def _role(call: Call, role: str) -> Any:
    """The role of this ARN or name, or None."""
    from moto.iam.models import iam_backends

    account, name = role.split(":")[4] if _is_arn(role) else call.account, role.rsplit("/", 1)[-1]
    found = next((one for one in list(iam_backends[account]["aws"].roles.values()) if one.name == name), None)
    return None if found is None or (_is_arn(role) and found.arn != role) else found


def _bucket(name: str) -> Any:
    """The bucket of this name in whichever account, or None."""
    from moto.s3.models import s3_backends

    accounts = [account["aws"] for account in list(s3_backends.values())]
    return next((account.buckets[name] for account in accounts if name in account.buckets), None)


def _bucket_owner(call: Call) -> None:
    bucket, expected = _bucket(call.parameters.get("Bucket") or ""), call.parameters.get("ExpectedBucketOwner")
    if bucket is not None and expected and expected != bucket.account_id:
        raise ServiceRejection("AccessDenied", "Access Denied", 403)


def _runtime(runtime: str | None, block: str) -> None:
    """Refuse a runtime that is past its time; one that never was is refused by the model."""
    until = _runtime_lives().get(runtime or "", {}).get(block)
    if until and date.fromisoformat(until) <= datetime.now(UTC).date():
        raise _invalid_value(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )


def _timeout(given: Mapping[str, Any]) -> None:
    seconds = given.get("Timeout") or 0
    if seconds > LAMBDA_SECONDS:
        raise ServiceRejection(
            "ValidationException",
            f"1 validation error detected: Value '{seconds}' at 'timeout' failed to satisfy constraint: "
            f"Member must have value less than or equal to {LAMBDA_SECONDS}",
        )


def _environment(given: Mapping[str, Any]) -> None:
    variables = (given.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(_reserved_variables() & variables.keys())
    told = "Lambda was unable to configure your environment variables because the environment variables you have"
    if reserved:
        raise _invalid_value(
            f"{told} provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode()) > LAMBDA_ENVIRONMENT_BYTES:
        raise _invalid_value(f"{told} provided exceeded the 4KB limit.")


def _glue_schedule(given: Mapping[str, Any]) -> None:
    schedule = given.get("Schedule")
    if schedule and not is_cron(schedule):
        raise _invalid_input(f"Schedule expression {schedule} is not valid.")


def _rds_backups(given: Mapping[str, Any]) -> None:
    days = given.get("BackupRetentionPeriod")
    if days is not None and not 0 <= days <= 35:
        raise _invalid_parameter(f"Invalid backup retention period: {days}")


def _rds_version(engine: str, version: str | None) -> None:
    known = _engine_versions().get(engine)
    if version and known and not any(f"{one}.".startswith(f"{version}.") for one in known):
        raise _combination(f"Cannot find version {version} for {engine}")


def _rds_class(engine: str, version: str | None, instance_class: str) -> None:
    offers = _instance_classes()
    if not any(instance_class in classes for _, _, classes in offers):
        raise _invalid_parameter(f"Invalid DB Instance class: {instance_class}")
    fitting = [
        classes
        for name, versions, classes in offers
        if name == engine and (not version or re.fullmatch(versions, version))
    ]
    if fitting and not any(instance_class in classes for classes in fitting):
        raise _combination(
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={instance_class}, Engine={engine}, EngineVersion={version}. For supported combinations "
            "of instance class and database engine version, see the documentation."
        )


def _rds_storage(engine: str, given: Mapping[str, Any]) -> None:
    storage, size = given.get("StorageType"), given.get("AllocatedStorage")
    if engine not in ("mysql", "mariadb", "postgres"):
        return
    if storage and storage not in RDS_STORAGE:
        raise _invalid_parameter(f"Invalid storage type: {storage}")
    least, most = RDS_STORAGE[storage or "gp2"]
    if size is not None and not least <= int(size) <= most:
        raise _invalid_parameter(
            f"Invalid storage size for engine name {engine} and storage type {storage or 'gp2'}: {size}"
        )


@cache
def _runtime_lives() -> dict[str, dict[str, Any]]:
    """When each Lambda runtime stops being taken."""
    lives: dict[str, dict[str, Any]] = _known("AdditionalSpecs", "LmbdRuntimeLifecycle.json")
    return lives


@cache
def _reserved_variables() -> frozenset[str]:
    """Names that a function's environment may not set."""
    schema = _known("schemas", "extensions", "aws_lambda_function", "environment_variable_keys.json")
    return frozenset(schema["propertyNames"]["not"]["enum"])


@cache
def _engines() -> frozenset[str]:
    """The database engines of RDS."""
    rules = _known("schemas", "extensions", "aws_rds_dbinstance", "engine_version.json")["allOf"]
    return frozenset(rules[0]["then"]["properties"]["Engine"]["enum"])


@cache
def _engine_versions() -> dict[str, list[str]]:
    """Every version by engine."""
    rules = _known("schemas", "extensions", "aws_rds_dbinstance", "engine_version.json")["allOf"]
    return {
        rule["if"]["properties"]["Engine"]["const"]: rule["then"]["properties"]["EngineVersion"]["enum"]
        for rule in rules[1:]
    }


@cache
def _instance_classes() -> list[tuple[str, str, frozenset[str]]]:
    """Engine, pattern of its versions, and the instance classes that they run on."""
    rules = _known("schemas", "extensions", "aws_rds_dbinstance", "db_instance_class.json")["allOf"]
    return [
        (
            rule["if"]["properties"]["Engine"]["const"],
            rule["if"]["properties"]["EngineVersion"]["pattern"],
            frozenset(rule["then"]["properties"]["DBInstanceClass"]["enum"]),
        )
        for rule in rules
    ]


def _known(*path: str) -> Any:
    """A file of cfn-lint's data, which is gathered from AWS."""
    from importlib.resources import files

    return json.loads(files("cfnlint").joinpath("data", *path).read_text())
