"""RDS on the local AWS: moto's RDS with a real database server behind each MySQL or MariaDB instance.

Calls that change an instance return at once with an intermediate state, as on AWS, and the instance becomes `available`
when its server accepts connections. A server that ends unexpectedly is started again, and a stopped instance after
seven days. DescribeEvents shows stops, starts, restarts and the reason why an instance is `failed`. Snapshots hold no
data, so restoring from them is rejected.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any

from moto.rds.exceptions import InvalidParameterCombination, RDSClientError
from moto.rds.models import DBInstance, RDSBackend, rds_backends

from footlake.local.context import Local
from footlake.local.daemon import TLS_FOLDER
from footlake.local.engines.moto_methods import replace_method
from footlake.local.engines.mysql import HOST
from footlake.local.engines.rds_instances import ENGINES, InstanceServers, has_server
from footlake.local.engines.tls_certificate import create_tls_files
from footlake.local.patches import rds_offers

STARTABLE_STATES = "stopped, inaccessible-encryption-credentials-recoverable, incompatible-network"
_PASSWORD_CHARACTERS = set(string.ascii_letters + string.digits + string.punctuation) - set('/@"')

# The servers of the local AWS that was installed last. moto's classes are global, so there is one at a time.
_installed_servers: InstanceServers | None = None


def install(local: Local) -> None:
    """Attach database servers to moto's RDS."""
    global _installed_servers
    _installed_servers = InstanceServers(local)
    # bootstrap gives the certificate to the Glue jobs before an instance exists.
    create_tls_files(local.dir / TLS_FOLDER)
    local.at_close(_installed_servers.close)
    _patch_moto()


def resume(local: Local) -> None:
    """Start the servers that were up when the local AWS last stopped, and finish interrupted operations."""
    for database in _databases():
        _servers().resume(database)


def start_expired(now: datetime | None = None) -> None:
    """Start the instances that have been stopped for seven days now, or at the time `now`, as RDS does."""
    now = now or datetime.now(UTC)
    for database in _databases():
        restart_time = getattr(database, "automatic_restart_time", None)
        if database.status == "stopped" and restart_time and restart_time <= now:
            _servers().start_expired(database)


def _databases() -> Iterator[Any]:
    """Yield the instances with a server, of all accounts and regions."""
    for regions in list(rds_backends.values()):
        for backend in list(regions.values()):
            yield from (database for database in list(backend.databases.values()) if has_server(database))


def _servers() -> InstanceServers:
    assert _installed_servers, "install() must be called first"
    return _installed_servers


@functools.cache
def _patch_moto() -> None:
    """Replace the operations that moto only records, and add operations that it lacks."""
    DBInstance.default_engine_versions["mysql"] = rds_offers.DEFAULT_VERSION
    for function in (
        create_db_instance,
        modify_db_instance,
        delete_db_instance,
        start_db_instance,
        stop_db_instance,
        reboot_db_instance,
        describe_orderable_db_instance_options,
    ):
        replace_method(RDSBackend, function.__name__, function)
    RDSBackend.restore_db_instance_from_db_snapshot = reject_restore
    RDSBackend.restore_db_instance_to_point_in_time = reject_restore
    moto_address, moto_endpoint = DBInstance.address.fget, DBInstance.endpoint.fget
    DBInstance.address = property(lambda database: HOST if has_server(database) else moto_address(database))
    # On AWS an instance has no endpoint until it was available for the first time.
    DBInstance.endpoint = property(lambda database: None if database.port is None else moto_endpoint(database))


def create_db_instance(original: Any, backend: Any, db_kwargs: Any) -> Any:
    """Create an instance and, for MySQL and MariaDB, its server."""
    engine = db_kwargs.get("engine")
    if engine == "mysql":
        _check_mysql_settings(db_kwargs)
    needs_server = engine in ENGINES and not db_kwargs.get("db_cluster_identifier")
    if needs_server and not (db_kwargs.get("master_username") and db_kwargs.get("master_user_password")):
        raise InvalidParameterCombination("The local AWS needs MasterUsername and MasterUserPassword.")
    database = original(backend, db_kwargs)
    if needs_server:
        database.engine_lifecycle_support = db_kwargs.get("engine_lifecycle_support")
        _servers().create(database)
    return database


def modify_db_instance(original: Any, backend: Any, db_instance_identifier: str, db_kwargs: Any) -> Any:
    """Modify an available instance; a new master password is set in its server."""
    database = backend.describe_db_instances(db_instance_identifier)[0]
    if not has_server(database):
        return original(backend, db_instance_identifier, db_kwargs)
    _require_available(database, "Database instance is not in available state.")
    if db_kwargs.get("new_db_instance_identifier"):
        raise InvalidParameterCombination("The local AWS does not rename DB instances.")
    if database.engine == "mysql":
        _check_mysql_settings(db_kwargs)
    password = db_kwargs.get("master_user_password")
    original(backend, db_instance_identifier, db_kwargs)
    if password:
        _servers().set_password(database, password)
        database.add_event("DB_INSTANCE_RESET_MASTER_CREDENTIALS")
    return database


def delete_db_instance(original: Any, backend: Any, db_instance_identifier: str, **options: Any) -> Any:
    """Delete an instance with its server."""
    database = backend.databases.get(db_instance_identifier)
    if database is None or not has_server(database):
        return original(backend, db_instance_identifier, **options)
    if database.status == "deleting":
        raise RDSClientError("InvalidDBInstanceState", f"Instance {db_instance_identifier} is already being deleted.")
    if not options.get("skip_final_snapshot") and not options.get("final_db_snapshot_identifier"):
        raise InvalidParameterCombination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        )
    original(backend, db_instance_identifier, **options)
    backend.databases[db_instance_identifier] = database  # listed as `deleting` until its server is deleted
    _servers().delete(database)
    return database


def start_db_instance(original: Any, backend: Any, db_instance_identifier: str) -> Any:
    """Start a stopped instance."""
    database = backend.describe_db_instances(db_instance_identifier)[0]
    if not has_server(database):
        return original(backend, db_instance_identifier)
    if database.status != "stopped":
        raise RDSClientError(
            "InvalidDBInstanceState",
            f"Instance {db_instance_identifier} cannot be started as it is not in one of the following statuses: "
            f"'{STARTABLE_STATES} (only valid for non-SqlServer instances)'.",
        )
    _servers().start(database)
    return database


def stop_db_instance(
    original: Any, backend: Any, db_instance_identifier: str, db_snapshot_identifier: str | None = None
) -> Any:
    """Stop an available instance, after a snapshot if one is asked for."""
    database = backend.describe_db_instances(db_instance_identifier)[0]
    if not has_server(database):
        return original(backend, db_instance_identifier, db_snapshot_identifier)
    _require_available(database, f"Instance {db_instance_identifier} is not in available state.")
    if db_snapshot_identifier:
        backend.create_db_snapshot(db_instance_identifier, db_snapshot_identifier)
    _servers().stop(database)
    return database


def reboot_db_instance(original: Any, backend: Any, db_instance_identifier: str) -> Any:
    """Restart the server of an available instance."""
    database = original(backend, db_instance_identifier)
    if has_server(database):
        _require_available(database, f"Instance {db_instance_identifier} is not in available state.")
        _servers().reboot(database)
    return database


def reject_restore(*_: Any) -> Any:
    """Reject the request: snapshots of the local AWS hold no data."""
    raise InvalidParameterCombination("Snapshots on the local AWS contain no data and cannot be restored.")


def describe_orderable_db_instance_options(original: Any, backend: Any, engine: str, engine_version: str) -> Any:
    """Return the offered instance classes; moto knows those of other engines."""
    if engine != "mysql":
        return original(backend, engine, engine_version)
    return rds_offers.list_orderable_options(engine_version)


def _require_available(database: Any, message: str) -> None:
    if database.status != "available":
        raise RDSClientError("InvalidDBInstanceState", message)


def _check_mysql_settings(settings: MutableMapping[str, Any]) -> None:
    """Reject versions and passwords that RDS for MySQL rejects, and complete a partial version number."""
    version, password = settings.get("engine_version"), settings.get("master_user_password")
    if version:
        matching = rds_offers.matching_versions(version)
        if not matching:
            raise InvalidParameterCombination(f"Cannot find version {version} for mysql")
        settings["engine_version"] = matching[-1]
    if password is not None:
        invalid = "The parameter MasterUserPassword is not a valid password"
        if not 8 <= len(password) <= 41:
            raise RDSClientError("InvalidParameterValue", f"{invalid} because it is not 8 to 41 characters long.")
        if not set(password) <= _PASSWORD_CHARACTERS:
            raise RDSClientError(
                "InvalidParameterValue",
                f"{invalid}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
            )
