"""Groups of RDS as RDS keeps them: not deleted while they are used, not lost when they are changed."""

from __future__ import annotations

import functools
from typing import Any

from footlake.local.context import Local


@functools.cache
def _extend_moto() -> None:
    """Once, as moto's classes are global."""
    from moto.rds.exceptions import RDSClientError
    from moto.rds.models import RDSBackend

    delete, modify = RDSBackend.delete_db_parameter_group, RDSBackend.modify_db_subnet_group

    def delete_db_parameter_group(self: Any, db_parameter_group_name: str) -> Any:
        for database in self.databases.values():
            if database.db_parameter_group_name == db_parameter_group_name:
                raise RDSClientError(
                    "InvalidDBParameterGroupState",
                    f"One or more database instances are still members of this parameter group "
                    f"{db_parameter_group_name}, so the group cannot be deleted",
                )
        return delete(self, db_parameter_group_name)

    def modify_db_subnet_group(self: Any, subnet_name: str, *arguments: Any, **named: Any) -> Any:
        group = modify(self, subnet_name, *arguments, **named)
        self.subnet_groups[subnet_name] = group
        return group

    RDSBackend.modify_db_subnet_group = modify_db_subnet_group
    RDSBackend.delete_db_parameter_group = delete_db_parameter_group


def install(local: Local) -> None:
    """Change moto's RDS."""
    _extend_moto()
