"""Rules of Amazon RDS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.rds.models import rds_backends

from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.service_rules.cfn_lint import load_extension_schema
from footlake.local.validation.service_rules.propagation import Propagation

IDENTIFIER = re.compile(r"(?=.{1,63}$)[A-Za-z](-?[A-Za-z0-9])*")
STORAGE_ENGINES = ("mysql", "mariadb", "postgres")
# Smallest and largest size in GiB by storage type, for STORAGE_ENGINES.
STORAGE_SIZES = {
    "gp2": (20, 65536),
    "gp3": (20, 65536),
    "io1": (100, 65536),
    "io2": (100, 65536),
    "standard": (5, 3072),
}
MAX_BACKUP_DAYS = 35


def check_create_instance(call: ApiCall, propagation: Propagation) -> None:
    """Check identifier, engine, version, class, storage and backups of a new database instance."""
    instance = call.parameters
    if not IDENTIFIER.fullmatch(instance["DBInstanceIdentifier"]):
        raise _invalid_parameter(
            "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a letter; "
            "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens."
        )
    engine, version = instance["Engine"], instance.get("EngineVersion")
    if engine not in _engines():
        raise _invalid_parameter(f"Invalid DB engine: {engine}")
    _check_backup_retention(instance)
    _check_version(engine, version)
    _check_instance_class(engine, version, instance["DBInstanceClass"])
    _check_storage(engine, instance.get("StorageType"), instance.get("AllocatedStorage"))


def check_modify_instance(call: ApiCall, propagation: Propagation) -> None:
    """Check the properties that change, together with those that the instance keeps."""
    changes = call.parameters
    instance = rds_backends[call.account][call.region].databases.get(changes["DBInstanceIdentifier"])
    if instance is None:
        return
    version, size, storage_type = (changes.get(key) for key in ("EngineVersion", "AllocatedStorage", "StorageType"))
    _check_backup_retention(changes)
    _check_version(instance.engine, version)
    if changes.get("DBInstanceClass"):
        _check_instance_class(instance.engine, version or instance.engine_version, changes["DBInstanceClass"])
    if size or storage_type:
        storage_type = instance.storage_type if storage_type is None else storage_type
        _check_storage(instance.engine, storage_type, instance.allocated_storage if size is None else size)


def _check_backup_retention(parameters: Mapping[str, Any]) -> None:
    days = parameters.get("BackupRetentionPeriod")
    if days is not None and not 0 <= days <= MAX_BACKUP_DAYS:
        raise _invalid_parameter(f"Invalid backup retention period: {days}")


def _check_version(engine: str, version: str | None) -> None:
    versions = _engine_versions().get(engine)
    if version and versions and not any(f"{full}.".startswith(f"{version}.") for full in versions):
        raise _invalid_combination(f"Cannot find version {version} for {engine}")


def _check_instance_class(engine: str, version: str | None, instance_class: str) -> None:
    offers = _instance_classes()
    if not any(instance_class in classes for _, _, classes in offers):
        raise _invalid_parameter(f"Invalid DB Instance class: {instance_class}")
    offered = [
        classes
        for name, versions, classes in offers
        if name == engine and (not version or re.fullmatch(versions, version))
    ]
    if offered and not any(instance_class in classes for classes in offered):
        raise _invalid_combination(
            "RDS does not support creating a DB instance with the following combination: "
            f"DBInstanceClass={instance_class}, Engine={engine}, EngineVersion={version}. For supported combinations "
            "of instance class and database engine version, see the documentation."
        )


def _check_storage(engine: str, storage_type: str | None, size: int | None) -> None:
    """Check storage type and size in GiB."""
    if engine not in STORAGE_ENGINES:
        return
    storage_type = storage_type or "gp2"
    if storage_type not in STORAGE_SIZES:
        raise _invalid_parameter(f"Invalid storage type: {storage_type}")
    smallest, largest = STORAGE_SIZES[storage_type]
    if size is not None and not smallest <= int(size) <= largest:
        raise _invalid_parameter(
            f"Invalid storage size for engine name {engine} and storage type {storage_type}: {size}"
        )


@cache
def _engines() -> frozenset[str]:
    """Return the names of the database engines."""
    rules = load_extension_schema("aws_rds_dbinstance", "engine_version")["allOf"]
    return frozenset(rules[0]["then"]["properties"]["Engine"]["enum"])


@cache
def _engine_versions() -> dict[str, list[str]]:
    """Return the versions of each engine."""
    rules = load_extension_schema("aws_rds_dbinstance", "engine_version")["allOf"]
    return {
        rule["if"]["properties"]["Engine"]["const"]: rule["then"]["properties"]["EngineVersion"]["enum"]
        for rule in rules[1:]
    }


@cache
def _instance_classes() -> list[tuple[str, str, frozenset[str]]]:
    """Return engine, pattern of its versions, and the instance classes for them."""
    rules = load_extension_schema("aws_rds_dbinstance", "db_instance_class")["allOf"]
    return [
        (
            rule["if"]["properties"]["Engine"]["const"],
            rule["if"]["properties"]["EngineVersion"]["pattern"],
            frozenset(rule["then"]["properties"]["DBInstanceClass"]["enum"]),
        )
        for rule in rules
    ]


def _invalid_parameter(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidParameterValue", message)


def _invalid_combination(message: str) -> ServiceRejection:
    return ServiceRejection("InvalidParameterCombination", message)


RULES = {"CreateDBInstance": check_create_instance, "ModifyDBInstance": check_modify_instance}
