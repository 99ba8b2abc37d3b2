"""The MySQL versions, instance classes and certificates that the local RDS offers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# The certificate authority that RDS uses by default, in the form of DescribeCertificates.
CERTIFICATES = (
    {
        "CertificateIdentifier": "rds-ca-rsa2048-g1",
        "CertificateType": "CA",
        "CertificateArn": "arn:aws:rds:us-east-1::cert:rds-ca-rsa2048-g1",
        "ValidFrom": datetime(2021, 5, 25, tzinfo=UTC),
        "ValidTill": datetime(2061, 5, 25, tzinfo=UTC),
        "CustomerOverride": False,
    },
)
# The versions of MySQL 8.4 that RDS offered in 2026. The last one is the default, also for the version "8.4".
MYSQL_VERSIONS = ("8.4.3", "8.4.4", "8.4.5", "8.4.6", "8.4.7", "8.4.8")
DEFAULT_VERSION = MYSQL_VERSIONS[-1]
INSTANCE_CLASSES = tuple(
    f"db.{family}.{size}" for family in ("t3", "t4g") for size in ("micro", "small", "medium", "large")
)


def matching_versions(version: str) -> list[str]:
    """Return the offered versions that a full or partial version number stands for, in ascending order."""
    return [offered for offered in MYSQL_VERSIONS if f"{offered}.".startswith(f"{version}.")]


def list_certificates(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the certificates that a DescribeCertificates request asks for."""
    identifier = request.get("CertificateIdentifier")
    return [certificate for certificate in CERTIFICATES if identifier in (None, certificate["CertificateIdentifier"])]


def list_engine_versions(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the versions that a DescribeDBEngineVersions request asks for."""
    if request.get("Engine") not in (None, "mysql"):
        return []
    version, family = request.get("EngineVersion"), request.get("DBParameterGroupFamily")
    versions = [_engine_version(offered) for offered in (matching_versions(version) if version else MYSQL_VERSIONS)]
    if family:
        versions = [engine for engine in versions if engine["DBParameterGroupFamily"] == family]
    return versions[-1:] if request.get("DefaultOnly") else versions


def list_orderable_options(version: str | None) -> list[dict[str, Any]]:
    """Return the DescribeOrderableDBInstanceOptions results for MySQL, of one version or of all."""
    return [
        {
            "Engine": "mysql",
            "EngineVersion": offered,
            "DBInstanceClass": instance_class,
            "LicenseModel": "general-public-license",
            "Vpc": True,
            "StorageType": storage_type,
            "MinStorageSize": 20,
            "MaxStorageSize": 65536,
        }
        for offered in MYSQL_VERSIONS
        if version in (None, offered)
        for instance_class in INSTANCE_CLASSES
        for storage_type in ("gp2", "gp3")
    ]


def _engine_version(version: str) -> dict[str, Any]:
    return {
        "Engine": "mysql",
        "MajorEngineVersion": "8.4",
        "EngineVersion": version,
        "DBParameterGroupFamily": "mysql8.4",
        "DBEngineDescription": "MySQL Community Edition",
        "DBEngineVersionDescription": f"MySQL {version}",
        "Status": "available",
        "SupportedCACertificateIdentifiers": ["rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", "rds-ca-rsa4096-g1"],
    }
