"""RDS on the local AWS: a DB instance is a database server of its own, and its endpoint is where that answers.

What changes an instance works as on AWS: the call returns at once with the state that the instance is going through
(`creating`, `stopping` …), and the instance is `available` when its server answers. A server that ends by itself is
started again. DescribeEvents tells of that, and why an instance is `failed`. Snapshots hold no data here, so nothing is
restored from one.
"""

from __future__ import annotations

import functools
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from footlake.errors import FootlakeError
from footlake.local.context import Local
from footlake.local.daemon import TLS
from footlake.local.engines.mysql import HOST, DatabaseServer
from footlake.local.engines.tls_certificate import create_tls_files

ENGINES = ("mysql", "mariadb")

# The authority that RDS signs with by default, as DescribeCertificates shows it.
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
# What RDS offered of MySQL 8.4 in 2026. The last one is the default, and what a mere "8.4" stands for.
MYSQL_VERSIONS = ("8.4.3", "8.4.4", "8.4.5", "8.4.6", "8.4.7", "8.4.8")
INSTANCE_CLASSES = tuple(
    f"db.{family}.{size}" for family in ("t3", "t4g") for size in ("micro", "small", "medium", "large")
)

_FAILED = "failed"  # botocore's waiter gives up on it, as it should


def install(local: Local) -> None:
    """Attach database servers to moto's RDS."""
    global _fleet
    _fleet = InstanceServers(local)
    # Before there is an instance: bootstrap hands the certificate to the Glue jobs.
    create_tls_files(local.dir / TLS)
    local.at_close(_fleet.close)
    _extend_moto()


def resume(local: Local) -> None:
    """Start the servers of the instances that were up when the local AWS last stopped; finish what was under way."""
    from moto.rds.models import rds_backends

    for regions in list(rds_backends.values()):
        for backend in list(regions.values()):
            for database in list(backend.databases.values()):
                if _is_served(database):
                    _running_fleet().resume(database)


@dataclass
class InstanceServers:
    """The servers behind the instances (moto's objects) of one local AWS. What happens to an instance takes turns."""

    local: Local
    _servers: dict[str, DatabaseServer] = field(default_factory=dict)
    _turns: dict[str, threading.RLock] = field(default_factory=dict)
    _closed: bool = False

    def server(self, database: Any) -> DatabaseServer:
        """The instance's server, running or not."""
        arn: str = database.arn
        if arn not in self._servers:
            folder = self.local.dir / "mysql" / database.region / database.db_instance_identifier.lower()
            self._servers[arn] = DatabaseServer(folder, database.port or 0, tls=self.local.dir / TLS)
        return self._servers[arn]

    def create(self, database: Any) -> None:
        """Give a new instance its server."""
        database.port = None
        self._go(database, "creating", "available", lambda: self._create(database))

    def start(self, database: Any, by_way_of: str = "starting") -> None:
        """Start, or restart, the instance's server."""
        self._go(database, by_way_of, "available", lambda: self._restart(database))

    def stop(self, database: Any) -> None:
        """Stop the instance's server."""
        self._go(database, "stopping", "stopped", lambda: self.server(database).stop())

    def delete(self, database: Any) -> None:
        """Delete the instance's server with all its data, and then the instance."""

        def work() -> None:
            self.server(database).erase()
            self._servers.pop(database.arn)
            database.backend.databases.pop(database.db_instance_identifier, None)

        self._go(database, "deleting", "deleted", work)

    def set_password(self, database: Any, password: str) -> None:
        """Change the master user's password, at once."""
        with self._turn(database.arn):
            self.server(database).set_master(database.master_username, password)

    def resume(self, database: Any) -> None:
        """Take an instance up where the last local AWS left it."""
        steps: dict[str, Callable[[Any], None]] = {
            "creating": self.create,
            "stopping": self.stop,
            "stopped": lambda database: None,
            "deleting": self.delete,
            _FAILED: self.start if database.port else self.create,
        }
        steps.get(database.status, self.start)(database)

    def close(self) -> None:
        """Stop every server; the instances' states stay as they are, for `resume`."""
        self._closed = True
        for arn, server in list(self._servers.items()):
            with self._turn(arn):
                server.stop()

    def _create(self, database: Any) -> None:
        server = self.server(database)
        server.erase()  # left by an instance of that name which a crash has wiped from moto's memory
        server.start()
        server.set_master(database.master_username, database._master_user_password)
        if database.db_name:
            server.create_database(database.db_name)
        database.port = server.port
        self._guard(database, server)

    def _restart(self, database: Any) -> None:
        server = self.server(database)
        server.stop()
        if not server.exists:
            raise FootlakeError(f"The data of {database.db_instance_identifier} is gone from {server.dir}.")
        server.start()
        database.port = server.port
        self._guard(database, server)

    def _guard(self, database: Any, server: DatabaseServer) -> None:
        """Start the server again if it ends by itself, as RDS does."""

        def guard() -> None:
            server.wait()
            with self._turn(database.arn):
                if self._closed or database.status != "available" or server.running:
                    return
                _tell(database, "availability", "The database server has ended by itself and is started again.")
                self.start(database)

        self.local.background(guard, f"guard {database.db_instance_identifier}")

    def _turn(self, arn: str) -> threading.RLock:
        return self._turns.setdefault(arn, threading.RLock())

    def _go(self, database: Any, by_way_of: str, to: str, work: Callable[[], None]) -> None:
        """Put the instance into one state, then into another when the work is done, unless it was sent elsewhere."""
        database.status = by_way_of

        def run() -> None:
            with self._turn(database.arn):
                if self._closed or database.status != by_way_of:
                    return
                try:
                    work()
                except Exception as error:
                    database.status = _FAILED
                    _tell(database, "failure", _reason(error))
                    raise
                if database.status == by_way_of:
                    database.status = to

        self.local.background(run, f"{by_way_of} {database.db_instance_identifier}")


_fleet: InstanceServers | None = None


def _running_fleet() -> InstanceServers:
    assert _fleet, "install comes first"
    return _fleet


def _is_served(database: Any) -> bool:
    return database.engine in ENGINES and database.db_cluster_identifier is None


def _reason(error: Exception) -> str:
    return f"{error.message} {error.hint}".strip() if isinstance(error, FootlakeError) else str(error)


def _tell(database: Any, category: str, message: str) -> None:
    """Add to the events of the instance."""
    from moto.rds.models import Event

    event = Event("DB_INSTANCE_CREATE", database)
    event.event_categories = [category]
    event.message = message
    database.backend.events.append(event)


@functools.cache
def _extend_moto() -> None:
    """Replace what moto's RDS only records, and add the calls that it lacks; once, as moto's classes are global."""
    from moto.core.responses import PaginatedResult
    from moto.rds.exceptions import InvalidParameterCombination, RDSClientError
    from moto.rds.models import DBInstance, RDSBackend
    from moto.rds.responses import RDSResponse

    DBInstance.default_engine_versions["mysql"] = MYSQL_VERSIONS[-1]

    def replace(function: Callable[..., Any]) -> None:
        """Replace the backend's method of that name; the function is given moto's own first."""
        original = getattr(RDSBackend, function.__name__)

        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return function(original, *args, **kwargs)

        setattr(RDSBackend, function.__name__, replacement)

    def require(database: Any, status: str) -> None:
        if database.status != status:
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Instance {database.db_instance_identifier} is {database.status}, not {status}.",
            )

    def check(parameters: Any) -> None:
        """Refuse what RDS for MySQL would refuse, and complete the version."""
        version, password = parameters.get("engine_version"), parameters.get("master_user_password")
        if version:
            matching = [full for full in MYSQL_VERSIONS if f"{full}.".startswith(f"{version}.")]
            if not matching:
                raise InvalidParameterCombination(f"Cannot find version {version} for mysql")
            parameters["engine_version"] = matching[-1]
        if password is not None:
            invalid = "The parameter MasterUserPassword is not a valid password"
            if not 8 <= len(password) <= 41:
                raise RDSClientError("InvalidParameterValue", f"{invalid} because it is not 8 to 41 characters long.")
            if not set(password) <= set(string.ascii_letters + string.digits + string.punctuation) - set('/@"'):
                raise RDSClientError(
                    "InvalidParameterValue",
                    f"{invalid}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
                )

    @replace
    def create_db_instance(original: Any, backend: Any, db_kwargs: Any) -> Any:
        if db_kwargs.get("engine") == "mysql":
            check(db_kwargs)
        served = db_kwargs.get("engine") in ENGINES and not db_kwargs.get("db_cluster_identifier")
        if served and not (db_kwargs.get("master_username") and db_kwargs.get("master_user_password")):
            raise InvalidParameterCombination("The local AWS needs MasterUsername and MasterUserPassword.")
        database = original(backend, db_kwargs)
        if served:
            database.engine_lifecycle_support = db_kwargs.get("engine_lifecycle_support")
            _running_fleet().create(database)
        return database

    @replace
    def modify_db_instance(original: Any, backend: Any, db_instance_identifier: str, db_kwargs: Any) -> Any:
        database = backend.describe_db_instances(db_instance_identifier)[0]
        if not _is_served(database):
            return original(backend, db_instance_identifier, db_kwargs)
        if db_kwargs.get("new_db_instance_identifier"):
            raise InvalidParameterCombination("The local AWS does not rename DB instances.")
        if database.engine == "mysql":
            check(db_kwargs)
        password = db_kwargs.get("master_user_password")
        if password:
            require(database, "available")
        original(backend, db_instance_identifier, db_kwargs)
        if password:
            _running_fleet().set_password(database, password)
            database.add_event("DB_INSTANCE_RESET_MASTER_CREDENTIALS")
        return database

    @replace
    def delete_db_instance(original: Any, backend: Any, db_instance_identifier: str, **options: Any) -> Any:
        database = backend.databases.get(db_instance_identifier)
        if database is None or not _is_served(database):
            return original(backend, db_instance_identifier, **options)
        if database.status == "deleting":
            raise RDSClientError(
                "InvalidDBInstanceState", f"Instance {db_instance_identifier} is already being deleted."
            )
        if not options.get("skip_final_snapshot") and not options.get("final_db_snapshot_identifier"):
            raise InvalidParameterCombination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            )
        original(backend, db_instance_identifier, **options)
        backend.databases[db_instance_identifier] = database  # it stays in sight until it is gone
        _running_fleet().delete(database)
        return database

    @replace
    def start_db_instance(original: Any, backend: Any, db_instance_identifier: str) -> Any:
        database = original(backend, db_instance_identifier)
        if _is_served(database):
            _running_fleet().start(database)
        return database

    @replace
    def stop_db_instance(original: Any, backend: Any, db_instance_identifier: str, *args: Any) -> Any:
        database = original(backend, db_instance_identifier, *args)
        if _is_served(database):
            _running_fleet().stop(database)
        return database

    @replace
    def reboot_db_instance(original: Any, backend: Any, db_instance_identifier: str) -> Any:
        database = original(backend, db_instance_identifier)
        if _is_served(database):
            require(database, "available")
            _running_fleet().start(database, by_way_of="rebooting")
        return database

    def refuse_to_restore(*_: Any) -> Any:
        raise InvalidParameterCombination("Snapshots hold no data on the local AWS: there is nothing to restore.")

    RDSBackend.restore_db_instance_from_db_snapshot = refuse_to_restore
    RDSBackend.restore_db_instance_to_point_in_time = refuse_to_restore

    @replace
    def describe_orderable_db_instance_options(original: Any, backend: Any, engine: str, engine_version: str) -> Any:
        if engine != "mysql":
            return original(backend, engine, engine_version)
        return [
            _orderable(version, instance_class, storage)
            for version in MYSQL_VERSIONS
            if engine_version in (None, version)
            for instance_class in INSTANCE_CLASSES
            for storage in ("gp2", "gp3")
        ]

    def describe_db_engine_versions(response: Any) -> Any:
        wanted = response.params
        versions = [_engine_version(version) for version in MYSQL_VERSIONS if wanted.get("Engine") in (None, "mysql")]
        if wanted.get("EngineVersion"):
            asked = f"{wanted['EngineVersion']}."
            versions = [one for one in versions if f"{one['EngineVersion']}.".startswith(asked)]
        if wanted.get("DBParameterGroupFamily"):
            versions = [one for one in versions if one["DBParameterGroupFamily"] == wanted["DBParameterGroupFamily"]]
        return PaginatedResult({"DBEngineVersions": versions[-1:] if wanted.get("DefaultOnly") else versions})

    def describe_certificates(response: Any) -> Any:
        wanted = response.params.get("CertificateIdentifier")
        return PaginatedResult(
            {"Certificates": [one for one in CERTIFICATES if wanted in (None, one["CertificateIdentifier"])]}
        )

    RDSResponse.describe_certificates = describe_certificates
    RDSResponse.describe_db_engine_versions = describe_db_engine_versions

    moto_address, moto_endpoint = DBInstance.address.fget, DBInstance.endpoint.fget

    def address(database: Any) -> Any:
        return HOST if _is_served(database) else moto_address(database)

    def endpoint(database: Any) -> Any:
        # On AWS, too, an instance has no endpoint before it was first available.
        return None if database.port is None else moto_endpoint(database)

    DBInstance.address = property(address)
    DBInstance.endpoint = property(endpoint)


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


def _orderable(version: str, instance_class: str, storage: str) -> dict[str, Any]:
    return {
        "Engine": "mysql",
        "EngineVersion": version,
        "DBInstanceClass": instance_class,
        "LicenseModel": "general-public-license",
        "Vpc": True,
        "StorageType": storage,
        "MinStorageSize": 20,
        "MaxStorageSize": 65536,
    }
