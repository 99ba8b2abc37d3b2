"""The operations that the local AWS adds to moto's Glue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/GlueRole"


@pytest.fixture(scope="module")
def glue(client: Any) -> Any:
    return client("glue")


def test_update_job_replaces_the_definition_and_keeps_creation_time_and_tags(glue: Any) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://assets/a.py"}
    glue.create_job(Name="job", Role="GlueRole", Command=command, Timeout=5, Tags={"Project": "footlake"})
    created = glue.get_job(JobName="job")["Job"]["CreatedOn"]
    answer = glue.update_job(JobName="job", JobUpdate={"Role": ROLE, "Command": command, "GlueVersion": "5.1"})
    job = glue.get_job(JobName="job")["Job"]
    assert answer["JobName"] == "job"
    assert (job["Role"], job["GlueVersion"], job["CreatedOn"]) == (ROLE, "5.1", created)
    assert "Timeout" not in job
    tags = glue.get_tags(ResourceArn="arn:aws:glue:us-east-1:123456789012:job/job")["Tags"]
    assert tags == {"Project": "footlake"}


def test_update_trigger_replaces_the_schedule_and_keeps_the_state(glue: Any) -> None:
    action = {"JobName": "job"}
    schedule = "cron(0 8 ? * TUE 2020-2021)"
    glue.create_trigger(Name="t", Type="SCHEDULED", Schedule=schedule, Actions=[action], StartOnCreation=True)
    update = {"Schedule": "cron(0 9 ? * TUE 2026-2027)", "Actions": [action], "Description": "weekly"}
    updated = glue.update_trigger(Name="t", TriggerUpdate=update)["Trigger"]
    assert updated == glue.get_trigger(Name="t")["Trigger"]
    assert (updated["Schedule"], updated["State"]) == ("cron(0 9 ? * TUE 2026-2027)", "ACTIVATED")


def test_update_crawler_keeps_properties_that_are_not_named(glue: Any) -> None:
    targets = {"S3Targets": [{"Path": "s3://lake/processed-data/"}]}
    glue.create_crawler(Name="c", Role="GlueRole", DatabaseName="db", Targets=targets, Description="old")
    glue.update_crawler(Name="c", Description="new", Schedule="cron(30 8 ? * TUE *)")
    crawler = glue.get_crawler(Name="c")["Crawler"]
    assert (crawler["Description"], crawler["Targets"]["S3Targets"][0]["Path"]) == ("new", "s3://lake/processed-data/")
    assert crawler["Schedule"]["ScheduleExpression"] == "cron(30 8 ? * TUE *)"
    assert crawler["Version"] == 2


def test_connections_can_be_replaced_and_deleted(glue: Any) -> None:
    def properties(password: str) -> dict[str, Any]:
        url = "jdbc:mysql://127.0.0.1:3306/mysqldb"
        values = {"JDBC_CONNECTION_URL": url, "USERNAME": "admin", "PASSWORD": password}
        return {"Name": "replaced", "ConnectionType": "JDBC", "ConnectionProperties": values}

    glue.create_connection(ConnectionInput=properties("one"))
    glue.update_connection(Name="replaced", ConnectionInput=properties("two"))
    connection = glue.get_connection(Name="replaced")["Connection"]
    assert connection["ConnectionProperties"]["PASSWORD"] == "two"
    glue.delete_connection(ConnectionName="replaced")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_connection(Name="replaced")


def test_classifiers_can_be_created_updated_and_deleted(glue: Any) -> None:
    glue.create_classifier(CsvClassifier={"Name": "csv", "Delimiter": ",", "ContainsHeader": "PRESENT"})
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_classifier(CsvClassifier={"Name": "csv"})
    glue.update_classifier(CsvClassifier={"Name": "csv", "Delimiter": ";"})
    classifier = glue.get_classifier(Name="csv")["Classifier"]["CsvClassifier"]
    assert (classifier["Delimiter"], classifier["ContainsHeader"], classifier["Version"]) == (";", "PRESENT", 2)
    assert {"CsvClassifier": classifier} in glue.get_classifiers()["Classifiers"]
    glue.delete_classifier(Name="csv")
    assert {"CsvClassifier": classifier} not in glue.get_classifiers()["Classifiers"]


def test_operations_on_missing_resources_raise_entity_not_found(glue: Any) -> None:
    connection = {"Name": "none", "ConnectionType": "JDBC", "ConnectionProperties": {}}
    requests: tuple[tuple[Callable[..., Any], dict[str, Any]], ...] = (
        (glue.update_job, {"JobName": "none", "JobUpdate": {}}),
        (glue.update_trigger, {"Name": "none", "TriggerUpdate": {}}),
        (glue.update_crawler, {"Name": "none"}),
        (glue.update_connection, {"Name": "none", "ConnectionInput": connection}),
        (glue.delete_connection, {"ConnectionName": "none"}),
        (glue.get_classifier, {"Name": "none"}),
        (glue.update_classifier, {"CsvClassifier": {"Name": "none"}}),
        (glue.delete_classifier, {"Name": "none"}),
    )
    for operation, arguments in requests:
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            operation(**arguments)
