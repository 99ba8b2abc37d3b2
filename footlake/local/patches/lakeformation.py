"""AWS Lake Formation: the service-linked role; permissions only on existing resources, deleted with their database."""

from __future__ import annotations

import threading
from typing import Any

from moto.glue.models import GlueBackend, glue_backends
from moto.lakeformation.exceptions import EntityNotFound, InvalidInput
from moto.lakeformation.models import LakeFormationBackend, PermissionCatalog, lakeformation_backends

from footlake.local.patches.methods import replace_methods
from footlake.resources.lakeformation import SERVICE_ROLE

original_register_resource = LakeFormationBackend.register_resource
original_grant_permissions = LakeFormationBackend.grant_permissions
original_revoke_permissions = LakeFormationBackend.revoke_permissions
original_list_permissions = LakeFormationBackend.list_permissions
original_delete_database = GlueBackend.delete_database

_lock = threading.Lock()  # moto's catalog of permissions does not support concurrent grants


def install() -> None:
    """Replace moto's methods."""
    replace_methods(LakeFormationBackend, register_resource, grant_permissions, revoke_permissions, list_permissions)
    replace_methods(PermissionCatalog, add_permission)
    replace_methods(GlueBackend, delete_database)


def register_resource(self: Any, resource_arn: str, role_arn: str | None) -> None:
    """Register a location, by default with the service-linked role."""
    original_register_resource(self, resource_arn, role_arn or f"arn:aws:iam::{self.account_id}:role/{SERVICE_ROLE}")


def grant_permissions(self: Any, catalog_id: str, principal: Any, resource: Any, *args: Any, **kwargs: Any) -> None:
    """Grant permissions on an existing database or table, or on a registered location."""
    _require_database(self, _database_name(resource))
    location = resource.get("DataLocation", {}).get("ResourceArn")
    if location and location not in self.resources:
        raise InvalidInput("You must register the S3 path before granting permissions on it.")
    with _lock:
        original_grant_permissions(self, catalog_id, principal, resource, *args, **kwargs)


def revoke_permissions(self: Any, *args: Any, **kwargs: Any) -> None:
    with _lock:
        original_revoke_permissions(self, *args, **kwargs)


def list_permissions(self: Any, catalog_id: str, principal: Any = None, resource: Any = None, **kwargs: Any) -> Any:
    """Return permissions; those on a resource only if it exists. `resource` is moto's ListPermissionsResource."""
    if resource is not None:
        database = resource.database and resource.database.name
        _require_database(self, database or (resource.table and resource.table.database_name))
    with _lock:
        return original_list_permissions(self, catalog_id, principal, resource, **kwargs)


def add_permission(self: Any, permission: Any) -> None:
    """Add a permission, merged with that of the same principal on the same resource.

    moto merges in place, which changes the hash of a member of its set, so that the set no longer finds it.
    """
    old = next((each for each in self.permissions if permission.equal_principal_and_resouce(each)), None)
    if old:
        permission.merge(old)
    self.permissions = {each for each in self.permissions if each is not old} | {permission}


def delete_database(self: Any, database_name: str, *args: Any, **kwargs: Any) -> Any:
    """Delete a database of Glue's catalog with the permissions on it and on its tables."""
    result = original_delete_database(self, database_name, *args, **kwargs)
    with _lock:
        for catalog in lakeformation_backends[self.account_id][self.region_name].grants.values():
            catalog.permissions = {
                permission for permission in catalog.permissions if _database_name(permission.resource) != database_name
            }
    return result


def _database_name(resource: dict[str, Any]) -> str | None:
    """Return the name of the database that a resource of a request is or belongs to."""
    name: str | None = resource.get("Database", {}).get("Name") or resource.get("Table", {}).get("DatabaseName")
    return name


def _require_database(backend: Any, name: str | None) -> None:
    if name and name not in glue_backends[backend.account_id][backend.region_name].databases:
        raise EntityNotFound
