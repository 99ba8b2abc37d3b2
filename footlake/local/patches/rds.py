"""Amazon RDS: offers, parameter groups in use, updates of subnet groups, and both groups in the tagging API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import PaginatedResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from footlake.local.patches import rds_offers
from footlake.local.patches.methods import replace_methods

# Some of MySQL's parameters, as RDS has them in a new group.
DEFAULT_PARAMETERS = {
    "max_connections": {"ParameterValue": "{DBInstanceClassMemory/12582880}", "Source": "system"},
    "require_secure_transport": {"ParameterValue": "OFF", "Source": "engine-default"},
}

original_delete_db_parameter_group = RDSBackend.delete_db_parameter_group
original_modify_db_subnet_group = RDSBackend.modify_db_subnet_group
original_iter_tagged_resources = RDSBackend.iter_tagged_resources


def install() -> None:
    """Replace moto's methods."""
    replace_methods(RDSBackend, delete_db_parameter_group, modify_db_subnet_group, iter_tagged_resources)
    RDSResponse.describe_certificates = describe_certificates
    RDSResponse.describe_db_engine_versions = describe_db_engine_versions
    RDSResponse.describe_db_parameters = describe_db_parameters


def describe_db_parameters(response: Any) -> Any:
    """Answer DescribeDBParameters with the parameters of the requested source. moto knows only those that were set."""
    source = response.params.get("Source")
    if source not in (None, "user", "system", "engine-default"):
        raise RDSClientError("InvalidParameterValue", f"Invalid parameter source: {source}")
    groups = response.backend.describe_db_parameter_groups(
        {"db_parameter_group_name": response.params.get("DBParameterGroupName")}
    )
    defaults = {name: {"ParameterName": name, **default} for name, default in DEFAULT_PARAMETERS.items()}
    parameters = defaults | {name: one | {"Source": "user"} for name, one in groups[0].parameters.items()}
    return PaginatedResult({"Parameters": [one for one in parameters.values() if source in (None, one["Source"])]})


def describe_db_engine_versions(response: Any) -> Any:
    """Answer DescribeDBEngineVersions, which moto lacks."""
    return PaginatedResult({"DBEngineVersions": rds_offers.list_engine_versions(response.params)})


def describe_certificates(response: Any) -> Any:
    """Answer DescribeCertificates, which moto lacks."""
    return PaginatedResult({"Certificates": rds_offers.list_certificates(response.params)})


def delete_db_parameter_group(self: Any, db_parameter_group_name: str) -> Any:
    """Delete a parameter group that no instance uses."""
    for database in self.databases.values():
        if database.db_parameter_group_name == db_parameter_group_name:
            raise RDSClientError(
                "InvalidDBParameterGroupState",
                f"One or more database instances are still members of this parameter group "
                f"{db_parameter_group_name}, so the group cannot be deleted",
            )
    return original_delete_db_parameter_group(self, db_parameter_group_name)


def modify_db_subnet_group(self: Any, subnet_name: str, *args: Any, **kwargs: Any) -> Any:
    """Modify a subnet group, and store it; moto only returns it."""
    group = original_modify_db_subnet_group(self, subnet_name, *args, **kwargs)
    self.subnet_groups[subnet_name] = group
    return group


def iter_tagged_resources(self: Any) -> Iterator[Any]:
    """Yield what moto lists and, in addition, subnet groups and parameter groups."""
    yield from original_iter_tagged_resources(self)
    for resource_type, groups in (("subgrp", self.subnet_groups), ("pg", self.db_parameter_groups)):
        for group in groups.values():
            tags = {tag["Key"]: tag["Value"] for tag in group.get_tags()}
            yield TaggedResource(arn=group.arn, tags=tags, resource_type=f"rds:{resource_type}")
