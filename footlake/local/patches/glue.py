"""AWS Glue: updates of jobs, triggers, crawlers and connections; deletion of connections; classifiers."""

from __future__ import annotations

import inspect
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.glue.exceptions import (
    AlreadyExistsException,
    CrawlerRunningException,
    EntityNotFoundException,
    JobNotFoundException,
)
from moto.glue.models import FakeConnection, FakeJob, FakeTrigger
from moto.glue.responses import GlueResponse
from moto.glue.utils import Action, Predicate

from footlake.local.patches.methods import replace_methods

CLASSIFIER_TYPES = ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier")

original_as_dict = FakeConnection.as_dict


def install() -> None:
    """Add the operations to moto."""
    replace_methods(
        GlueResponse,
        *(update_job, update_trigger, update_crawler, update_connection, delete_connection),
        *(create_classifier, update_classifier, get_classifier, get_classifiers, delete_classifier),
    )
    replace_methods(FakeConnection, as_dict)


def update_job(self: Any) -> Any:
    """Replace the definition of a job. Its tags and runs stay."""
    backend, name = self.glue_backend, self._get_param("JobName")
    if name not in backend.jobs:
        raise JobNotFoundException(name)
    update = {camelcase_to_underscores(key): value for key, value in self._get_param("JobUpdate").items()}
    arguments = {parameter: update.get(parameter) for parameter in inspect.signature(FakeJob).parameters}
    job = FakeJob(**arguments | {"name": name, "backend": backend})
    job.created_on, job.job_runs = backend.jobs[name].created_on, backend.jobs[name].job_runs
    backend.jobs[name] = job
    return ActionResult({"JobName": name})


def update_trigger(self: Any) -> Any:
    """Replace the definition of a trigger. Its state and tags stay."""
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
    """Change the properties of a crawler that the request names."""
    crawler = self.glue_backend.get_crawler(self._get_param("Name"))
    if crawler.status != "READY":
        raise CrawlerRunningException(f"Crawler with name {crawler.name} is running")
    for parameter, value in self.parameters.items():
        setattr(crawler, camelcase_to_underscores(parameter), value)
    crawler.version += 1
    crawler.last_updated = utcnow()
    return EmptyResult()


def update_connection(self: Any) -> Any:
    """Replace the definition of a connection, and its name if the definition has another one."""
    backend, name = self.glue_backend, self._get_param("Name")
    old, definition = _find_connection(backend, name), self._get_param("ConnectionInput")
    connection = FakeConnection(backend, old.catalog_id, definition, None)
    connection.created_time = old.created_time
    del backend.connections[name]
    backend.connections[definition["Name"]] = connection
    return EmptyResult()


def delete_connection(self: Any) -> Any:
    backend, name = self.glue_backend, self._get_param("ConnectionName")
    _find_connection(backend, name)
    del backend.connections[name]
    return EmptyResult()


def as_dict(self: Any, hide_password: bool = False) -> dict[str, Any]:
    """Return a connection with the type that it was created with; moto answers JDBC."""
    connection: dict[str, Any] = original_as_dict(self, hide_password)
    return connection | {"ConnectionType": self.connection_input.get("ConnectionType")}


def create_classifier(self: Any) -> Any:
    classifiers = _classifiers(self.glue_backend)
    classifier_type, definition = _requested_classifier(self)
    name, now = definition["Name"], utcnow()
    if name in classifiers:
        raise AlreadyExistsException(f"Classifier {name}")
    classifiers[name] = {classifier_type: definition | {"CreationTime": now, "LastUpdated": now, "Version": 1}}
    return EmptyResult()


def update_classifier(self: Any) -> Any:
    """Change the properties of a classifier that the request names."""
    classifier_type, changes = _requested_classifier(self)
    classifier = _find_classifier(self.glue_backend, changes["Name"])[classifier_type]
    classifier.update(changes, LastUpdated=utcnow(), Version=classifier["Version"] + 1)
    return EmptyResult()


def get_classifier(self: Any) -> Any:
    return ActionResult({"Classifier": _find_classifier(self.glue_backend, self._get_param("Name"))})


def get_classifiers(self: Any) -> Any:
    return ActionResult({"Classifiers": list(_classifiers(self.glue_backend).values())})


def delete_classifier(self: Any) -> Any:
    name = self._get_param("Name")
    _find_classifier(self.glue_backend, name)
    del _classifiers(self.glue_backend)[name]
    return EmptyResult()


def _find_connection(backend: Any, name: str) -> Any:
    if name not in backend.connections:
        raise EntityNotFoundException(f"Connection {name} not found.")
    return backend.connections[name]


def _requested_classifier(response: Any) -> tuple[str, dict[str, Any]]:
    """Return type and definition of the classifier in a request."""
    return next((name, response._get_param(name)) for name in CLASSIFIER_TYPES if response._get_param(name))


def _find_classifier(backend: Any, name: str) -> dict[str, dict[str, Any]]:
    if name not in _classifiers(backend):
        raise EntityNotFoundException(f"Classifier {name} not found.")
    return _classifiers(backend)[name]


def _classifiers(backend: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the classifiers by name. They are kept on the backend, which is saved."""
    classifiers: dict[str, dict[str, dict[str, Any]]] = backend.__dict__.setdefault("classifiers", {})
    return classifiers
