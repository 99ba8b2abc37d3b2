"""Tests of the summary of resources by AWS service."""

from __future__ import annotations

from footlake.config import Config
from footlake.deploy.catalogue import catalogue
from footlake.deploy.executor import Step
from footlake.deploy.summary import format_counts, format_step, service_of, summarise_services

RESOURCES = catalogue(Config(account="123456789012", region="eu-west-3"), everything=True)


def test_every_resource_belongs_to_a_service() -> None:
    services = {resource.label: service_of(resource) for resource in RESOURCES}
    assert services["lambda permission etlGetFixtures for rule/etlGetFixtures"] == "Lambda"
    assert services["user boto3user"] == "IAM"
    assert services["sns topic footlake-alerts"] == "SNS"
    assert services["studio domain footlake"] == "SageMaker"


def test_a_service_is_one_line_with_its_most_frequent_outcome_first() -> None:
    labels = ("lambda function etlGetFixtures", "lambda function etlGetXGoals", "glue job dropids", "user boto3user")
    outcomes = ("unchanged", "unchanged", "problem: denied", "absent")
    steps = [Step(label, outcome) for label, outcome in zip(labels, outcomes, strict=True)]
    steps.append(Step("lambda layer footlake-requests", "updated"))
    lines = list(summarise_services(RESOURCES, steps, {"absent": ""}))
    assert lines == ["Glue      1 problem", "Lambda    2 unchanged, 1 updated"]
    assert format_counts(steps, {"absent": ""}) == "2 resources unchanged, 1 problem, 1 updated"
    assert format_step(steps[2]) == "problem    glue job dropids: denied"


def test_the_counts_of_one_resource_are_singular() -> None:
    assert format_counts([Step("glue job dropids", "created")]) == "1 resource created"
