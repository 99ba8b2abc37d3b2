"""Lambda functions of the local AWS: results, errors, logs, layers and events."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from footlake.local.context import CREDENTIALS, REGION, Local
from footlake.local.engines import lambda_functions, worker
from tests.conftest import service_role
from tests.support.sagemaker import wait_for

Clients = Callable[[str], Any]
Deploy = Callable[..., str]


def zip_modules(**modules: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, source in modules.items():
            archive.writestr(f"{name.replace('__', '/')}.py", source)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def role(local_aws: Local) -> str:
    return service_role(local_aws, "lambda-tests", "lambda.amazonaws.com")


@pytest.fixture
def deploy(client: Clients, role: str) -> Deploy:
    """A function that creates a Lambda function from the source of its handler, and returns its name."""

    def create(source: str, timeout: int = 10, layers: tuple[str, ...] = (), **environment: str) -> str:
        name = f"f-{uuid.uuid4().hex[:8]}"
        client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="main.handler",
            Code={"ZipFile": zip_modules(main=source)},
            Timeout=timeout,
            Layers=list(layers),
            Environment={"Variables": environment},
        )
        return name

    return create


def invoke(client: Clients, name: str, event: Any = None) -> tuple[Any, str | None]:
    """Return the payload and the FunctionError of an invocation."""
    response = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}))
    return json.loads(response["Payload"].read()), response.get("FunctionError")


def read_log(client: Clients, name: str) -> str:
    events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return "\n".join(event["message"] for event in events)


def test_a_handler_gets_its_event_environment_and_context(client: Clients, deploy: Deploy) -> None:
    source = """
import os
def handler(event, context):
    print("hello log")
    return {"twice": event["n"] * 2, "setting": os.environ["SETTING"], "name": context.function_name,
            "left": context.get_remaining_time_in_millis()}
"""
    name = deploy(source, timeout=7, SETTING="on")
    result, error = invoke(client, name, {"n": 21})
    assert error is None
    assert (result["twice"], result["setting"], result["name"]) == (42, "on", name)
    assert 0 < result["left"] <= 7000
    log = read_log(client, name)
    assert "hello log" in log
    assert "START RequestId" in log
    assert "REPORT RequestId" in log


def test_a_failing_handler_returns_lambdas_error_object_and_logs_its_traceback(client: Clients, deploy: Deploy) -> None:
    name = deploy("def handler(event, context):\n    return {}['gone']\n")
    result, error = invoke(client, name)
    assert error == "Unhandled"
    assert (result["errorType"], result["errorMessage"]) == ("KeyError", "'gone'")
    assert "[ERROR] KeyError: 'gone'" in read_log(client, name)


def test_a_handler_is_killed_at_its_timeout_and_the_next_invocation_works(client: Clients, deploy: Deploy) -> None:
    name = deploy(
        "import time\ndef handler(event, context):\n    time.sleep(event['s'])\n    return 'done'\n", timeout=1
    )
    result, error = invoke(client, name, {"s": 30})
    assert error == "Unhandled"
    assert result["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in result["errorMessage"]
    assert "Task timed out after 1.00 seconds" in read_log(client, name)
    assert invoke(client, name, {"s": 0}) == ("done", None)


def test_a_handler_that_exits_the_process_is_an_error(client: Clients, deploy: Deploy) -> None:
    name = deploy("import os\ndef handler(event, context):\n    os._exit(3)\n")
    result, error = invoke(client, name)
    assert error == "Unhandled"
    assert result["errorType"] == "Runtime.ExitError"


def test_only_packages_of_the_runtime_can_be_imported_without_a_layer(client: Clients, deploy: Deploy) -> None:
    assert invoke(client, deploy("import boto3\ndef handler(e, c):\n    return 'ok'\n")) == ("ok", None)
    result, _ = invoke(client, deploy("import requests\ndef handler(e, c):\n    return 'ok'\n"))
    assert result["errorType"] == "ModuleNotFoundError"


def test_packages_of_a_layer_can_be_imported(client: Clients, deploy: Deploy) -> None:
    layer = client("lambda").publish_layer_version(
        LayerName="extra", Content={"ZipFile": zip_modules(python__extra="VALUE = 7\n")}
    )["LayerVersionArn"]
    name = deploy("import extra\ndef handler(e, c):\n    return extra.VALUE\n", layers=(layer,))
    assert invoke(client, name) == (7, None)


def test_the_next_invocation_uses_updated_code_and_configuration(client: Clients, deploy: Deploy) -> None:
    source = "import os\ndef handler(e, c):\n    return '{}' + os.environ['XX']\n"
    name = deploy(source.format("a"), XX="1")
    assert invoke(client, name)[0] == "a1"
    client("lambda").update_function_code(FunctionName=name, ZipFile=zip_modules(main=source.format("b")))
    client("lambda").update_function_configuration(FunctionName=name, Environment={"Variables": {"XX": "2"}})
    assert invoke(client, name)[0] == "b2"


def test_an_idle_process_ends_and_the_next_invocation_runs_in_a_new_one(
    client: Clients, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = deploy("import os\ndef handler(e, c):\n    return os.getpid()\n")
    first, _ = invoke(client, name)
    assert invoke(client, name)[0] == first
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.2)
    idle, _ = invoke(client, name)
    with pytest.raises(ProcessLookupError):
        while True:
            os.kill(idle, 0)
            time.sleep(0.01)
    after, error = invoke(client, name)
    assert error is None
    assert after != idle
    streams = client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")["logStreams"]
    assert len(streams) == 2


def test_a_new_object_invokes_the_function_of_the_bucket_notification(client: Clients, deploy: Deploy) -> None:
    source = """
import boto3
from urllib.parse import unquote_plus
def handler(event, context):
    key = unquote_plus(event["Records"][0]["s3"]["object"]["key"])
    boto3.client("s3").put_object(Bucket="lambda-events", Key="seen/" + key, Body=b"")
"""
    name, s3 = deploy(source), client("s3")
    s3.create_bucket(Bucket="lambda-events")
    arn = client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    client("lambda").add_permission(
        FunctionName=name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::lambda-events",
    )
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".json"}]
    s3.put_bucket_notification_configuration(
        Bucket="lambda-events",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "LambdaFunctionArn": arn,
                    "Events": ["s3:ObjectCreated:Put"],
                    "Filter": {"Key": {"FilterRules": rules}},
                }
            ]
        },
    )
    for key in ("in/one.txt", "out/one.json", "in/one.json"):
        s3.put_object(Bucket="lambda-events", Key=key, Body=b"{}")
    s3.get_waiter("object_exists").wait(
        Bucket="lambda-events", Key="seen/in/one.json", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lambda-events", Prefix="seen/")["Contents"]]
    assert keys == ["seen/in/one.json"]


def test_an_object_is_stored_when_the_notified_function_is_deleted(client: Clients, deploy: Deploy) -> None:
    name, s3, bucket = deploy("def handler(e, c):\n    return 1\n"), client("s3"), "lambda-deleted"
    s3.create_bucket(Bucket=bucket)
    arn = client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    client("lambda").add_permission(
        FunctionName=name,
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
        SourceArn=f"arn:aws:s3:::{bucket}",
    )
    notification = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:Put"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [notification]}
    )
    client("lambda").delete_function(FunctionName=name)
    s3.put_object(Bucket=bucket, Key="a.json", Body=b"{}")
    assert s3.get_object(Bucket=bucket, Key="a.json")["Body"].read() == b"{}"


def test_an_event_invocation_returns_before_the_handler_has_finished(
    client: Clients, deploy: Deploy, tmp_path: Path
) -> None:
    name = deploy(
        "import time\nfrom pathlib import Path\n"
        "def handler(event, context):\n"
        "    with Path(event['started']).open('a') as started:\n        print('started', file=started)\n"
        "    while not Path(event['returned']).exists():\n        time.sleep(0.05)\n"
        "    Path(event['finished']).touch()\n"
    )
    started, returned, finished = (tmp_path / file for file in ("started", "returned", "finished"))
    event = json.dumps({"started": str(started), "returned": str(returned), "finished": str(finished)})
    response = client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=event)
    assert response["StatusCode"] == 202
    returned.touch()  # had invoke waited for the handler, the handler would have timed out and run twice
    wait_for(finished.exists)
    assert started.read_text() == "started\n"


SLOW = (
    "import time\nfrom pathlib import Path\n"
    "def handler(event, context):\n"
    "    (Path(event['folder']) / context.aws_request_id).touch()\n"
    "    while not Path(event['folder'], 'end').exists():\n        time.sleep(0.05)\n"
)


def test_an_account_runs_a_limited_number_of_invocations_and_no_event_is_lost(
    local_aws: Local, client: Clients, deploy: Deploy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_functions, "ACCOUNT_CONCURRENCY", 2)
    name, event = deploy(SLOW, timeout=60), json.dumps({"folder": str(tmp_path)})
    for _ in range(4):
        client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=event)
    wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    without_retries = Config(retries={"total_max_attempts": 1})
    create_session: Any = boto3.Session
    impatient = create_session(region_name=REGION, **CREDENTIALS).client(
        "lambda", endpoint_url=local_aws.endpoint, config=without_retries
    )
    with pytest.raises(ClientError) as refused:
        impatient.invoke(FunctionName=name, Payload=event)
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "end").touch()
    wait_for(lambda: len(list(tmp_path.iterdir())) == 4 + 1)


def test_an_event_that_fails_to_the_end_is_sent_to_its_destination(
    client: Clients, deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_functions, "RETRY_DELAYS", (0.1, 0.1))
    name, sqs, queue = deploy("def handler(event, context):\n    raise KeyError(event['n'])\n"), client("sqs"), "failed"
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    destination = {"DestinationConfig": {"OnFailure": {"Destination": arn}}}
    for _ in range(2):
        client("lambda").put_function_event_invoke_config(FunctionName=name, **destination)
    client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"n": 5}))
    (message,) = wait_for(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"n": 5}
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert (record["responsePayload"]["errorType"], record["responsePayload"]["errorMessage"]) == ("KeyError", "5")
    assert read_log(client, name).count("START RequestId") == 3
    with pytest.raises(ClientError, match="-absent"):
        absent = {"DestinationConfig": {"OnFailure": {"Destination": f"{arn}-absent"}}}
        client("lambda").put_function_event_invoke_config(FunctionName=name, **absent)
