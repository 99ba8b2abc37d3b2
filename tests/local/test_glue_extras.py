"""The Glue calls that the local AWS adds to moto's."""

from __future__ import annotations

from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/GlueRole"


@pytest.fixture(scope="module")
def glue(client: Any) -> Any:
    return client("glue")


def test_an_updated_job_is_the_new_definition_and_keeps_its_age_and_tags(glue):
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


def test_an_updated_trigger_fires_at_the_new_time_and_stays_active(glue):
    action = {"JobName": "job"}
    schedule = "cron(0 8 ? * TUE 2020-2021)"
    glue.create_trigger(Name="t", Type="SCHEDULED", Schedule=schedule, Actions=[action], StartOnCreation=True)
    update = {"Schedule": "cron(0 9 ? * TUE 2026-2027)", "Actions": [action], "Description": "weekly"}
    answered = glue.update_trigger(Name="t", TriggerUpdate=update)["Trigger"]
    assert answered == glue.get_trigger(Name="t")["Trigger"]
    assert (answered["Schedule"], answered["State"]) == ("cron(0 9 ? * TUE 2026-2027)", "ACTIVATED")


def test_an_updated_crawler_keeps_what_was_not_named(glue):
    targets = {"S3Targets": [{"Path": "s3://lake/processed-data/"}]}
    glue.create_crawler(Name="c", Role="GlueRole", DatabaseName="db", Targets=targets, Description="old")
    glue.update_crawler(Name="c", Description="new", Schedule="cron(30 8 ? * TUE *)")
    crawler = glue.get_crawler(Name="c")["Crawler"]
    assert (crawler["Description"], crawler["Targets"]["S3Targets"][0]["Path"]) == ("new", "s3://lake/processed-data/")
    assert crawler["Schedule"]["ScheduleExpression"] == "cron(30 8 ? * TUE *)"
    assert crawler["Version"] == 2


def test_a_connection_is_replaced_and_deleted(glue):
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


def test_a_classifier_lives_from_create_to_delete(glue):
    glue.create_classifier(CsvClassifier={"Name": "csv", "Delimiter": ",", "ContainsHeader": "PRESENT"})
    with pytest.raises(glue.exceptions.AlreadyExistsException):
        glue.create_classifier(CsvClassifier={"Name": "csv"})
    glue.update_classifier(CsvClassifier={"Name": "csv", "Delimiter": ";"})
    classifier = glue.get_classifier(Name="csv")["Classifier"]["CsvClassifier"]
    assert (classifier["Delimiter"], classifier["ContainsHeader"], classifier["Version"]) == (";", "PRESENT", 2)
    assert {"CsvClassifier": classifier} in glue.get_classifiers()["Classifiers"]
    glue.delete_classifier(Name="csv")
    assert {"CsvClassifier": classifier} not in glue.get_classifiers()["Classifiers"]


def test_what_is_not_there_is_not_found(glue):
    for call in (
        lambda: glue.update_job(JobName="none", JobUpdate={}),
        lambda: glue.update_trigger(Name="none", TriggerUpdate={}),
        lambda: glue.update_crawler(Name="none"),
        lambda: glue.update_connection(
            Name="none", ConnectionInput={"Name": "none", "ConnectionType": "JDBC", "ConnectionProperties": {}}
        ),
        lambda: glue.delete_connection(ConnectionName="none"),
        lambda: glue.get_classifier(Name="none"),
        lambda: glue.update_classifier(CsvClassifier={"Name": "none"}),
        lambda: glue.delete_classifier(Name="none"),
    ):
        with pytest.raises(glue.exceptions.EntityNotFoundException):
            call()
