"""Calls of the Glue API that moto lacks: updates of its resources, deleting a connection, classifiers."""

from __future__ import annotations

from typing import Any

from footlake.local.context import Local

KINDS = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")


def install(local: Local) -> None:
    """Add the calls to moto's Glue."""
    from moto.core.responses import ActionResult, EmptyResult
    from moto.core.utils import utcnow
    from moto.glue.exceptions import (
        AlreadyExistsException,
        CrawlerRunningException,
        EntityNotFoundException,
        JobNotFoundException,
    )
    from moto.glue.models import FakeConnection, FakeJob, FakeTrigger
    from moto.glue.responses import GlueResponse
    from moto.glue.utils import Action, Predicate

    def update_job(self: Any) -> Any:
        backend, name = self.glue_backend, self._get_param("JobName")
        if name not in backend.jobs:
            raise JobNotFoundException(name)
        old, update = backend.jobs[name], self._get_param("JobUpdate")
        names = {_snake(key): value for key, value in update.items()}
        job = FakeJob(name=name, tags=None, backend=backend, **{field: names.get(field) for field in JOB_FIELDS})
        job.created_on, job.job_runs = old.created_on, old.job_runs
        backend.jobs[name] = job
        return ActionResult({"JobName": name})

    def update_trigger(self: Any) -> Any:
        backend, name = self.glue_backend, self._get_param("Name")
        old, update = backend.get_trigger(name), self._get_param("TriggerUpdate")
        predicate = update.get("Predicate")
        trigger = FakeTrigger(
            backend=backend,
            name=name,
            workflow_name=old.workflow_name,
            trigger_type=old.trigger_type,
            schedule=update.get("Schedule"),
            predicate=Predicate(predicate) if predicate else None,
            actions=[Action(action) for action in update.get("Actions", [])],
            description=update.get("Description"),
            start_on_creation=False,
            tags=None,
            event_batching_condition=update.get("EventBatchingCondition"),
        )
        trigger.state = old.state
        backend.triggers[name] = trigger
        return ActionResult({"Trigger": trigger.as_dict()})

    def update_crawler(self: Any) -> Any:
        crawler = self.glue_backend.get_crawler(self._get_param("Name"))
        if crawler.status != "READY":
            raise CrawlerRunningException(f"Crawler with name {crawler.name} is running")
        for parameter, value in self.parameters.items():
            setattr(crawler, _snake(parameter), value)
        crawler.version += 1
        crawler.last_updated = utcnow()
        return EmptyResult()

    def update_connection(self: Any) -> Any:
        backend, name = self.glue_backend, self._get_param("Name")
        old = _connection(backend, name)
        given = self._get_param("ConnectionInput")
        connection = FakeConnection(backend, old.catalog_id, given, None)
        connection.created_time = old.created_time
        del backend.connections[name]
        backend.connections[given["Name"]] = connection
        return EmptyResult()

    def delete_connection(self: Any) -> Any:
        backend, name = self.glue_backend, self._get_param("ConnectionName")
        _connection(backend, name)
        del backend.connections[name]
        return EmptyResult()

    def _connection(backend: Any, name: str) -> Any:
        if name not in backend.connections:
            raise EntityNotFoundException(f"Connection {name} not found.")
        return backend.connections[name]

    def create_classifier(self: Any) -> Any:
        stored, (kind, given) = _classifiers(self.glue_backend), _given(self)
        if given["Name"] in stored:
            raise AlreadyExistsException(f"Classifier {given['Name']}")
        now = utcnow()
        stored[given["Name"]] = {kind: given | {"CreationTime": now, "LastUpdated": now, "Version": 1}}
        return EmptyResult()

    def update_classifier(self: Any) -> Any:
        kind, given = _given(self)
        old = _classifier(self.glue_backend, given["Name"])[kind]
        old.update(given, LastUpdated=utcnow(), Version=old["Version"] + 1)
        return EmptyResult()

    def get_classifier(self: Any) -> Any:
        return ActionResult({"Classifier": _classifier(self.glue_backend, self._get_param("Name"))})

    def get_classifiers(self: Any) -> Any:
        return ActionResult({"Classifiers": list(_classifiers(self.glue_backend).values())})

    def delete_classifier(self: Any) -> Any:
        name = self._get_param("Name")
        _classifier(self.glue_backend, name)
        del _classifiers(self.glue_backend)[name]
        return EmptyResult()

    def _given(self: Any) -> tuple[str, dict[str, Any]]:
        return next((kind, self._get_param(kind)) for kind in KINDS if self._get_param(kind))

    def _classifier(backend: Any, name: str) -> dict[str, dict[str, Any]]:
        if name not in _classifiers(backend):
            raise EntityNotFoundException(f"Classifier {name} not found.")
        return _classifiers(backend)[name]

    shown = FakeConnection.as_dict

    def connection_as_dict(self: Any, hide_password: bool = False) -> dict[str, Any]:
        """moto forgets the type that a connection was given."""
        answer: dict[str, Any] = shown(self, hide_password)
        return answer | {"ConnectionType": self.connection_input.get("ConnectionType")}

    FakeConnection.as_dict = connection_as_dict

    for call in (
        *(update_job, update_trigger, update_crawler, update_connection, delete_connection),
        *(create_classifier, update_classifier, get_classifier, get_classifiers, delete_classifier),
    ):
        setattr(GlueResponse, call.__name__, call)


JOB_FIELDS = (
    *("role", "command", "description", "log_uri", "execution_property", "default_arguments"),
    *("non_overridable_arguments", "connections", "max_retries", "allocated_capacity", "timeout", "max_capacity"),
    *("security_configuration", "notification_property", "glue_version", "number_of_workers", "worker_type"),
    *("code_gen_configuration_nodes", "execution_class", "source_control_details"),
)


def _classifiers(backend: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """The classifiers by name, on the backend so that they are saved with it."""
    stored: dict[str, dict[str, dict[str, Any]]] = backend.__dict__.setdefault("classifiers", {})
    return stored


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
