from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from footlake.local.context import Local
from footlake.local.engines import autopilot, eventbridge, lambda_functions, transform
from footlake.local.engines.csv_filter import parse_column_filter
from tests.conftest import service_role
from tests.support.sagemaker import (
    HEADER,
    ROLE,
    SageMakerHarness,
    random_team_rows,
    start_moto_server,
    to_csv,
    wait_for,
)

LOG = "/aws/sagemaker/TransformJobs"
PREDICTIONS_ONLY = {"InputFilter": "$", "JoinSource": "None", "OutputFilter": "$"}


def install(local: Local) -> None:
    lambda_functions.install(local)
    autopilot.install(local)
    transform.install(local)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SageMakerHarness]:
    local = start_moto_server(tmp_path_factory.mktemp("aws"), install)
    yield SageMakerHarness(local, "transform-trial")
    local.close()


@pytest.fixture(scope="module")
def model(aws: SageMakerHarness) -> str:
    aws.put_object("training/data.csv", f"{HEADER}\n{to_csv(random_team_rows(600))}")
    return aws.create_model("xGoals", aws.wait_for_training(aws.start_training("for-transform")))


def columns(output: bytes) -> list[list[str]]:
    return [line.split(",") for line in output.decode().splitlines()]


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("$", "abcdef"),
        ("$[*]", "abcdef"),
        ("$[0]", "a"),
        ("$[3:]", "def"),
        ("$[1:3]", "bc"),
        ("$[0,1,-1]", "abf"),
        ("$[0, 5:]", "af"),
        ("$[-2:]", "ef"),
        ("$[:-4,0]", "aba"),
    ],
)
def test_a_filter_chooses_columns(expression: str, chosen: str) -> None:
    assert parse_column_filter(expression)(list("abcdef")) == list(chosen)


@pytest.mark.parametrize("expression", ["$.features", "3:", "$[a]", "$[", "$[]", "$[1:2:3]", "$['id']"])
def test_an_invalid_filter_is_rejected(expression: str) -> None:
    with pytest.raises(ValueError, match="not a JSONPath for CSV records"):
        parse_column_filter(expression)


def test_an_index_beyond_the_record_is_an_error() -> None:
    with pytest.raises(IndexError, match="does not fit a record of 3 columns"):
        parse_column_filter("$[0,3]")(["a", "b", "c"])


def test_team_rows_become_fixture_team_and_xg(aws: SageMakerHarness, model: str) -> None:
    rows = [(592141 + n // 2, 33 + n, *row) for n, row in enumerate(random_team_rows(40, seed=2))]
    aws.put_object("weekly/39-2020-592140-home.csv", to_csv(rows))
    job = aws.wait_for_transform(aws.start_transform("weekly", model, "weekly/"))
    assert job["TransformJobStatus"] == "Completed" and "FailureReason" not in job
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]

    output = columns(aws.get_object("output/weekly/39-2020-592140-home.csv.out"))
    assert [(int(fixture), int(team)) for fixture, team, _ in output] == [row[:2] for row in rows]
    xg = [float(guess) for _, _, guess in output]
    assert all(-0.5 < guess < 9 for guess in xg) and len(set(xg)) > 20
    most, least = max(range(40), key=lambda n: rows[n][3]), min(range(40), key=lambda n: rows[n][3])
    assert xg[most] > xg[least]  # more shots on goal, more expected goals

    aws.put_object("plain/features.csv", to_csv(row[3:] for row in rows))
    aws.wait_for_transform(aws.start_transform("plain", model, "plain/", DataProcessing=PREDICTIONS_ONLY))
    assert aws.get_object("output/plain/features.csv.out").decode().split() == [guess for _, _, guess in output]


def test_a_prediction_does_not_depend_on_other_rows(aws: SageMakerHarness, model: str) -> None:
    rows = [row[1:] for row in random_team_rows(30, seed=3)]
    aws.put_object("together/rows.csv", to_csv(rows))
    for number, row in enumerate(rows):
        aws.put_object(f"apart/{number:02}.csv", to_csv([row]))
    for name in ("together", "apart"):
        aws.wait_for_transform(aws.start_transform(name, model, f"{name}/", DataProcessing=PREDICTIONS_ONLY))
    apart = [aws.get_object(key).decode() for key in aws.list_keys("output/apart/")]
    assert "".join(apart) == aws.get_object("output/together/rows.csv.out").decode()


def test_output_keys_follow_input_keys(aws: SageMakerHarness, model: str) -> None:
    text = to_csv([(1, 2, *row) for row in random_team_rows(3)])
    for key in ("tree/a.csv", "tree/sub/b.csv", "tree-too/c.csv"):
        aws.put_object(key, text)
    aws.put_object("tree/", "")
    aws.wait_for_transform(aws.start_transform("tree", model, "tree/"))
    assert aws.list_keys("output/tree/") == ["output/tree/a.csv.out", "output/tree/sub/b.csv.out"]
    aws.wait_for_transform(aws.start_transform("one-key", model, "tree/sub/b.csv"))
    assert aws.list_keys("output/one-key/") == ["output/one-key/b.csv.out"]
    aws.wait_for_transform(aws.start_transform("bare-prefix", model, "tree"))
    assert aws.list_keys("output/bare-prefix/") == [
        "output/bare-prefix/tree-too/c.csv.out",
        "output/bare-prefix/tree/a.csv.out",
        "output/bare-prefix/tree/sub/b.csv.out",
    ]


def test_a_manifest_names_the_inputs_and_gzip_is_unpacked(aws: SageMakerHarness, model: str) -> None:
    text = to_csv([(1, 2, *row) for row in random_team_rows(3)])
    for key in ("packed/x/a.csv.gz", "packed/b.csv.gz", "packed/not-listed.csv.gz"):
        aws.put_object(key, text, compressed=True)
    aws.put_object(
        "lists/input.manifest", json.dumps([{"prefix": f"s3://{aws.bucket}/packed/"}, "x/a.csv.gz", "b.csv.gz"])
    )
    uri = f"s3://{aws.bucket}/lists/input.manifest"
    source = {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": uri}}, "CompressionType": "Gzip"}
    job = aws.wait_for_transform(aws.start_transform("manifest", model, TransformInput=source))
    assert job["TransformJobStatus"] == "Completed"
    assert aws.list_keys("output/manifest/") == ["output/manifest/b.csv.gz.out", "output/manifest/x/a.csv.gz.out"]
    assert len(columns(aws.get_object("output/manifest/b.csv.gz.out"))) == 3


def test_an_empty_cell_is_a_missing_value_not_an_error(aws: SageMakerHarness, model: str) -> None:
    aws.put_object("missing/rows.csv", "1,2,0,4,,12,\n")
    assert (
        aws.wait_for_transform(aws.start_transform("missing", model, "missing/"))["TransformJobStatus"] == "Completed"
    )
    [[_, _, xg]] = columns(aws.get_object("output/missing/rows.csv.out"))
    assert 0 < float(xg) < 5


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("header", "idfixture,idteam,goals,a,b,c,d\n1,2,0,4,6,12,50\n", "shotsongoal must be a number, not 'a'"),
        ("short", "1,2,0,4,6,12,50\n1,2,0,4,6,12\n", "record 1 has 3 columns, the model expects 4"),
        ("percent", "1,2,0,4,6,12,50%\n", "ballpossession must be a number, not '50%'"),
        ("infinite", "1,2,0,inf,6,12,50\n", "shotsongoal must be a number, not 'inf'"),
        ("empty", "\n", "the payload is empty"),
    ],
)
def test_a_bad_record_fails_the_job_yet_good_objects_are_scored(
    aws: SageMakerHarness, model: str, name: str, text: str, cause: str
) -> None:
    aws.put_object(f"{name}/1-bad.csv", text)
    aws.put_object(f"{name}/2-good.csv", "1,2,0,4,6,12,50\n")
    job = aws.wait_for_transform(aws.start_transform(f"bad-{name}", model, f"{name}/"))
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert aws.list_keys(f"output/bad-{name}/") == [f"output/bad-{name}/2-good.csv.out"]
    logged = aws.read_log(LOG, f"bad-{name}/")
    assert f"{aws.bucket}/{name}/1-bad.csv: ClientError: 400" in logged and cause in logged
    [summary] = aws.sagemaker.list_transform_jobs(NameContains=f"bad-{name}")["TransformJobSummaries"]
    assert summary["FailureReason"] == job["FailureReason"]


def test_json_is_rejected_as_by_the_container(aws: SageMakerHarness, model: str) -> None:
    aws.put_object("json/rows.json", "[1,2,3,4]")
    job = aws.wait_for_transform(
        aws.start_transform("json", model, "json/", TransformOutput={"Accept": "application/json"})
    )
    assert job["TransformJobStatus"] == "Failed"
    assert "ClientError: 406" in aws.read_log(LOG, "json/")


def test_a_model_without_its_archive_fails_the_job(aws: SageMakerHarness) -> None:
    container = {"Image": "any", "ModelDataUrl": f"s3://{aws.bucket}/gone/model.tar.gz"}
    aws.sagemaker.create_model(ModelName="gone", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    aws.put_object("gone-in/rows.csv", "1,2,0,4,6,12,50\n")
    job = aws.wait_for_transform(aws.start_transform("gone", "gone", "gone-in/"))
    assert job["TransformJobStatus"] == "Failed" and container["ModelDataUrl"] in job["FailureReason"]


def test_a_missing_output_bucket_fails_the_job(aws: SageMakerHarness, model: str) -> None:
    aws.put_object("nowhere/rows.csv", "1,2,0,4,6,12,50\n")
    output = {"S3OutputPath": "s3://no-such-bucket-anywhere/out"}
    job = aws.wait_for_transform(aws.start_transform("nowhere", model, "nowhere/", TransformOutput=output))
    assert job["TransformJobStatus"] == "Failed" and "NoSuchBucket" in job["FailureReason"]


@pytest.mark.parametrize(
    ("model_name", "prefix", "filters", "message"),
    [
        ("missing", "weekly/", {}, 'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/missing"'),
        ("xGoals", "nothing-here/", {}, "No S3 objects found under S3 URL"),
        ("xGoals", "weekly/", {"InputFilter": "$.features"}, "not a JSONPath for CSV records"),
    ],
)
def test_an_invalid_request_is_rejected_at_once(
    aws: SageMakerHarness, model: str, model_name: str, prefix: str, filters: dict[str, str], message: str
) -> None:
    aws.put_object("weekly/one.csv", "1,2,0,4,6,12,50\n")
    with pytest.raises(ClientError, match="ValidationException") as error:
        aws.start_transform("refused", model_name, prefix, DataProcessing=filters)
    assert message in str(error.value)


def test_names_of_jobs_and_models_are_used_once(aws: SageMakerHarness, model: str) -> None:
    aws.put_object("once/rows.csv", "1,2,0,4,6,12,50\n")
    aws.wait_for_transform(aws.start_transform("once", model, "once/"))
    with pytest.raises(ClientError, match="ResourceInUse"):
        aws.start_transform("once", model, "once/")
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        aws.sagemaker.create_model(ModelName=model, ExecutionRoleArn=ROLE)


def test_jobs_are_listed_newest_first_by_name_status_and_page(aws: SageMakerHarness, model: str) -> None:
    aws.put_object("listed/rows.csv", "1,2,0,4,6,12,50\n")
    aws.put_object("listed-bad/rows.csv", "x\n")
    for name, prefix in (("listed-b", "listed/"), ("listed-c", "listed-bad/"), ("listed-a", "listed/")):
        aws.wait_for_transform(aws.start_transform(name, model, prefix))

    def names(**query: Any) -> list[str]:
        pages = aws.sagemaker.get_paginator("list_transform_jobs").paginate(NameContains="Listed-", **query)
        return [job["TransformJobName"] for page in pages for job in page["TransformJobSummaries"]]

    assert names() == ["listed-a", "listed-c", "listed-b"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["listed-a", "listed-b", "listed-c"]
    assert names(StatusEquals="Failed") == ["listed-c"]
    first = aws.sagemaker.describe_transform_job(TransformJobName="listed-b")["CreationTime"]
    hour = timedelta(hours=1)
    assert len(names(CreationTimeAfter=first - hour, CreationTimeBefore=first + hour)) == 3
    assert names(CreationTimeAfter=first + hour) == names(CreationTimeBefore=first - hour) == []
    page = aws.sagemaker.list_transform_jobs(NameContains="listed-", MaxResults=2)
    assert len(page["TransformJobSummaries"]) == 2 and page["NextToken"]


def test_models_are_listed_newest_first_and_by_name(aws: SageMakerHarness) -> None:
    for name in ("list-m-1", "list-m-2", "other-m"):
        aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE)
    query = {"NameContains": "list-m", "SortBy": "CreationTime", "SortOrder": "Descending"}
    assert aws.sagemaker.list_models(**query)["Models"] == []  # the list lags behind
    models = wait_for(lambda: len(found := aws.sagemaker.list_models(**query)["Models"]) == 2 and found)
    assert [model["ModelName"] for model in models] == ["list-m-2", "list-m-1"]
    assert [model["ModelName"] for model in aws.sagemaker.list_models(**query, MaxResults=1)["Models"]] == ["list-m-2"]


def test_a_stopped_job_writes_nothing(aws: SageMakerHarness, model: str) -> None:
    row = "1,2,0,4,6,12,50\n"
    for number in range(4):
        aws.put_object(f"long/{number}.csv", row * 60_000)
    aws.start_transform("long", model, "long/")
    aws.sagemaker.stop_transform_job(TransformJobName="long")
    job = aws.wait_for_transform("long")
    assert job["TransformJobStatus"] == "Stopped" and "FailureReason" not in job
    assert aws.list_keys("output/long/") == []
    with pytest.raises(ClientError, match="is in status Stopped"):
        aws.sagemaker.stop_transform_job(TransformJobName="long")
    with pytest.raises(ClientError, match="Could not find transform job"):
        aws.sagemaker.stop_transform_job(TransformJobName="never-was")


def test_the_end_of_a_job_reaches_the_targets_of_matching_rules(aws: SageMakerHarness, model: str) -> None:
    sqs, rules = aws.local.client("sqs"), aws.local.client("events")
    queue = sqs.create_queue(QueueName="transforms")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:transforms"
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Transform Job State Change"],
        "detail": {"TransformJobStatus": ["Completed", "Failed"], "TransformJobName": [{"prefix": "told-"}]},
    }
    for name, state in (("told", "ENABLED"), ("not-told", "DISABLED")):
        rules.put_rule(Name=name, EventPattern=json.dumps(pattern), State=state)
        rules.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    aws.put_object("told/rows.csv", "1,2,0,4,6,12,50\n")
    aws.put_object("told-bad/rows.csv", "x\n")
    aws.wait_for_transform(aws.start_transform("untold", model, "told/"))
    aws.wait_for_transform(aws.start_transform("told-1", model, "told/"))
    aws.wait_for_transform(aws.start_transform("told-2", model, "told-bad/"))

    def received() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    events: list[dict[str, Any]] = []

    def received_both() -> bool:
        events.extend(received())
        return len(events) >= 2

    wait_for(received_both)
    details = {event["detail"]["TransformJobName"]: event["detail"] for event in events}
    assert set(details) == {"told-1", "told-2"} and len(events) == 2
    assert details["told-1"]["TransformJobStatus"] == "Completed"
    assert details["told-1"]["TransformOutput"]["S3OutputPath"].endswith("/output/told-1")
    assert details["told-2"]["FailureReason"] == "ClientError: See job logs for more information"


def test_every_change_of_state_is_an_event(aws: SageMakerHarness, model: str, tmp_path: Path) -> None:
    emitted: list[dict[str, Any]] = []
    completed = threading.Event()

    def emit(event: dict[str, Any]) -> None:
        emitted.append(event)
        if event["detail"]["TransformJobStatus"] == "Completed":
            completed.set()

    local = start_moto_server(tmp_path, lambda local: transform.install(local, emit))
    aws.put_object("states/rows.csv", "1,2,0,4,6,12,50\n")
    aws.start_transform("states", model, "states/")
    assert completed.wait(60)
    local.close()
    install(aws.local)
    assert [event["detail"]["TransformJobStatus"] for event in emitted] == ["InProgress", "Completed"]
    assert emitted[1]["resources"] == [emitted[1]["detail"]["TransformJobArn"]]
    assert emitted[1]["detail"]["TransformEndTime"] >= emitted[1]["detail"]["CreationTime"]


def test_an_event_invokes_a_permitted_function_with_the_input_of_its_target(aws: SageMakerHarness) -> None:
    from moto.events.models import events_backends

    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr(
            "note.py",
            "import boto3, json\n"
            "def handler(event, context):\n"
            f"    boto3.client('s3').put_object(Bucket='{aws.bucket}', Key='noted/' + event['id'], "
            "Body=json.dumps(event))\n",
        )
    function = aws.local.client("lambda").create_function(
        FunctionName="note",
        Runtime="python3.11",
        Role=service_role(aws.local, "note", "lambda.amazonaws.com"),
        Handler="note.handler",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    rules = aws.local.client("events")
    rule = rules.put_rule(Name="note", EventPattern=json.dumps({"source": ["footlake.test"]}))["RuleArn"]
    permission = {
        "FunctionName": "note",
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": rule,
    }
    lambdas = aws.local.client("lambda")
    lambdas.add_permission(StatementId="account", SourceAccount=rule.split(":")[4], **permission)
    transformer = {"InputPathsMap": {"who": "$.detail.who"}, "InputTemplate": '{"id": "shaped", "who": "<who>"}'}
    rules.put_targets(
        Rule="note",
        Targets=[
            {"Id": "whole", "Arn": function},
            {"Id": "shaped", "Arn": function, "InputTransformer": transformer},
            {"Id": "fixed", "Arn": function, "Input": '{"id": "fixed"}'},
        ],
    )
    event = eventbridge.make_event("footlake.test", "Test", "us-east-1", ["arn:x"], {"who": "me"})
    note = events_backends[rule.split(":")[4]]["us-east-1"].describe_event_bus("default").rules["note"]
    # EventBridge does not say for which account it asks.
    eventbridge.deliver(note, note.targets[0], event | {"id": "kept-out"})
    lambdas.add_permission(StatementId="rule", **permission)
    eventbridge.emit(aws.local, event)
    eventbridge.emit(aws.local, event | {"source": "somebody.else", "id": "ignored"})
    wait_for(lambda: len(aws.list_keys("noted/")) == 3)
    assert json.loads(aws.get_object(f"noted/{event['id']}")) == event
    assert json.loads(aws.get_object("noted/shaped")) == {"id": "shaped", "who": "me"}
    assert json.loads(aws.get_object("noted/fixed")) == {"id": "fixed"}


def test_a_job_interrupted_by_a_stop_of_the_local_aws_fails(aws: SageMakerHarness, model: str, tmp_path: Path) -> None:
    local = start_moto_server(tmp_path, install)
    for number in range(4):
        aws.put_object(f"long-too/{number}.csv", "1,2,0,4,6,12,50\n" * 60_000)
    aws.start_transform("restarted", model, "long-too/")
    local.close()
    install(aws.local)
    transform.resume(aws.local)
    job = aws.sagemaker.describe_transform_job(TransformJobName="restarted")
    assert job["TransformJobStatus"] == "Failed" and "was stopped while the job was running" in job["FailureReason"]
    assert aws.list_keys("output/restarted/") == []
