"""Run Lambda functions on the local AWS: each invocation calls the deployed zip's handler in a Python process.

The process stays warm for the function's next invocation, as on AWS. It is discarded when the function's code, layers
or configuration change, when an invocation times out, when it was idle for some minutes, or when it dies. Asynchronous
invocations (S3 and EventBridge events, InvocationType=Event) return at once and are retried twice, after one and two
minutes, as Lambda does:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

All functions together run ACCOUNT_CONCURRENCY invocations at most. Further synchronous invocations are throttled, and
events are tried again until there is a place for them.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import sys
import threading
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partialmethod
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend
from moto.cloudwatch.models import cloudwatch_backends

from footlake.local.context import Local, logger
from footlake.local.engines.worker import Worker, WorkerDied, WorkerTimeout

# The packages that AWS's Python runtimes include.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")

INIT_SECONDS = 10.0
RETRY_DELAYS = (60.0, 120.0)  # seconds
# The quota of a new account: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ACCOUNT_CONCURRENCY = 10
MAX_THROTTLE_DELAY = 300.0  # seconds; the delay before an event is tried again begins with 1 and doubles
# The number of idle processes of a function to keep, as each of them takes memory.
MAX_IDLE = 2
LOG_TAIL_BYTES = 4096


def install(local: Local) -> None:
    """Replace moto's invocations, which run nothing or need Docker."""
    LambdaFunction.invoke = partialmethod(invoke_function, LambdaEngine(local))


def invoke_function(
    function: Any, engine: LambdaEngine, body: Any, request_headers: Any, response_headers: dict[str, str]
) -> bytes:
    """Replace LambdaFunction.invoke; returns the response body.

    HTTP requests and moto's other services call it. Only the latter pass a plain dict as headers (S3 and EventBridge
    deliver their events so); their invocations are asynchronous.
    """
    event = json.loads(body) if body else {}
    if type(request_headers) is dict:
        request_headers = {"X-Amz-Invocation-Type": "Event"}
    invocation_type = request_headers.get("X-Amz-Invocation-Type", "RequestResponse")
    if invocation_type == "DryRun":
        return b""
    if invocation_type == "Event":
        engine.invoke_async(function, event)
        return b""
    result = engine.invoke(function, event)
    if result.failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    response_headers["x-amz-log-result"] = base64.b64encode(result.log.encode()[-LOG_TAIL_BYTES:]).decode()
    return result.payload.encode()


class Throttled(LambdaClientError):  # type: ignore[misc]
    """HTTP 429: as many invocations run as the account may have."""

    code = 429

    def __init__(self) -> None:
        super().__init__("TooManyRequestsException", "Rate Exceeded.")


@dataclass
class ExecutionEnvironment:
    """A warm process that runs one function, and the log stream of that process."""

    worker: Worker
    log_stream: str
    _log_offset: int = 0

    def read_output(self) -> list[str]:
        """Return the lines printed since the last call."""
        with self.worker.log.open("rb") as log:
            log.seek(self._log_offset)
            output = log.read()
        self._log_offset += len(output)
        return output.decode(errors="replace").splitlines()


@dataclass
class InvocationResult:
    """The result of an invocation; `payload` is JSON: the handler's result, or Lambda's error object."""

    payload: str
    failed: bool
    log: str
    request_id: str


class HandlerResponse(NamedTuple):
    """The response of a process: `answer` has the key `result` or `error`."""

    answer: dict[str, Any]
    reusable: bool
    log_lines: tuple[str, ...] = ()


class LambdaEngine:
    """Invokes functions and keeps their execution environments warm."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._idle: dict[str, list[ExecutionEnvironment]] = {}  # by configuration key
        self._lock = threading.Lock()
        self._stopping = False
        self._timers: set[threading.Timer] = set()
        self._running = 0
        self._async_pool = ThreadPoolExecutor(ACCOUNT_CONCURRENCY, thread_name_prefix="lambda-event")
        local.at_close(self.close)

    def close(self) -> None:
        """Cancel pending retries and events, and stop all idle processes."""
        self._stopping = True
        for timer in list(self._timers):
            timer.cancel()
        self._async_pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            environments = [environment for idle in self._idle.values() for environment in idle]
        for environment in environments:
            environment.worker.close()

    def invoke_async(
        self,
        function: Any,
        event: Any,
        retry_delays: tuple[float, ...] | None = None,
        throttle_delay: float = 1.0,
    ) -> None:
        """Invoke in the background, and again after each of `retry_delays` while it fails, by default RETRY_DELAYS.

        If it is throttled, it is tried again after `throttle_delay` seconds, and then after twice as long.
        """
        if not self._stopping:
            delays = RETRY_DELAYS if retry_delays is None else retry_delays
            self._async_pool.submit(self._invoke_and_retry, function, event, delays, throttle_delay)

    def _invoke_and_retry(
        self, function: Any, event: Any, retry_delays: tuple[float, ...], throttle_delay: float
    ) -> None:
        try:
            result = self.invoke(function, event)
        except Throttled:
            longer = min(2 * throttle_delay, MAX_THROTTLE_DELAY)
            self._invoke_later(throttle_delay, function, event, retry_delays, longer)
        except Exception:
            if not self._stopping:
                logger.exception("asynchronous invocation failed")
        else:
            if result.failed and retry_delays:
                self._invoke_later(retry_delays[0], function, event, retry_delays[1:])
            elif result.failed:
                self._send_to_destination(function, event, result)

    def _send_to_destination(self, function: Any, event: Any, result: InvocationResult) -> None:
        """Send the record of a failed event to the function's on-failure queue, with the permissions of its role.

        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        """
        configured = function.event_invoke_config[-1].config if function.event_invoke_config else {}
        arn = configured.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        if not arn.startswith("arn:aws:sqs:"):
            return
        *_, region, account, queue = arn.split(":")
        record = {
            "version": "1.0",
            "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            "requestContext": {
                "requestId": result.request_id,
                "functionArn": f"{function.function_arn}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 1 + len(RETRY_DELAYS),
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": json.loads(result.payload),
        }
        client = self._local.client("sqs", region, function.role)
        try:
            client.send_message(QueueUrl=f"{self._local.endpoint}/{account}/{queue}", MessageBody=json.dumps(record))
        except ClientError as error:
            logger.warning("the event of %s cannot be sent to its destination: %s", function.function_name, error)
            put_metrics(function, ("DestinationDeliveryFailures", 1.0, "Count"))

    def _invoke_later(self, seconds: float, *arguments: Any) -> None:
        if self._stopping:
            return
        timer = threading.Timer(seconds, self.invoke_async, arguments)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()

    def invoke(self, function: Any, event: Any) -> InvocationResult:
        """Invoke the function (moto's object) and wait for its result; writes its log and metrics as Lambda does.

        Raises Throttled if the account's concurrency is used up.
        """
        with self._lock:
            throttled = self._running >= ACCOUNT_CONCURRENCY
            self._running += not throttled
        if throttled:
            put_metrics(function, ("Throttles", 1.0, "Count"))
            raise Throttled
        try:
            return self._run(function, event)
        finally:
            with self._lock:
                self._running -= 1

    def _run(self, function: Any, event: Any) -> InvocationResult:
        request_id = str(uuid.uuid4())
        key = configuration_key(function)
        environment = self._acquire(function, key)
        started = time.monotonic()
        response = call_handler(environment.worker, function, event, request_id)
        milliseconds = (time.monotonic() - started) * 1000
        lines = [
            f"START RequestId: {request_id} Version: {function.version}",
            *environment.read_output(),
            *response.log_lines,
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms"
            f"\tBilled Duration: {int(milliseconds) + 1} ms"
            f"\tMemory Size: {function.memory_size} MB\tMax Memory Used: {function.memory_size} MB",
        ]
        group = f"/aws/lambda/{function.function_name}"
        self._local.log(group, environment.log_stream, lines, function.region, function.role)
        if response.reusable:
            self._release(key, environment)
        else:
            environment.worker.close()
        failed = "error" in response.answer
        put_metrics(
            function,
            ("Invocations", 1.0, "Count"),
            ("Errors", float(failed), "Count"),
            ("Duration", milliseconds, "Milliseconds"),
        )
        payload = json.dumps(response.answer["error" if failed else "result"])
        return InvocationResult(payload, failed, "\n".join(lines), request_id)

    def _acquire(self, function: Any, key: str) -> ExecutionEnvironment:
        """Return a warm environment or create one; closes those with an older configuration of the function."""
        with self._lock:
            outdated = [other for other in self._idle if other != key and other.startswith(f"{function.function_arn} ")]
            for other in outdated:
                for environment in self._idle.pop(other):
                    environment.worker.close()
            idle = self._idle.get(key, [])
            while idle:
                environment = idle.pop()
                if environment.worker.running:
                    return environment
        return self._create_environment(function)

    def _release(self, key: str, environment: ExecutionEnvironment) -> None:
        with self._lock:
            idle = self._idle.setdefault(key, [])
            if not self._stopping and len(idle) < MAX_IDLE:
                idle.append(environment)
                return
        environment.worker.close()

    def _create_environment(self, function: Any) -> ExecutionEnvironment:
        name = uuid.uuid4().hex
        log_stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{name}"
        folder = self._local.dir / "lambda"
        import_paths = [
            unpack(function.code_bytes, folder),
            *(unpack(layer, folder) / "python" for layer in layer_archives(function)),
            link_runtime_packages(folder),
        ]
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        variables = self._local.environment(function.region, function.role) | {
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "TZ": ":UTC",
            **function.environment_vars,
        }
        program = Path(__file__).with_name("lambda_runtime.py")
        command = [sys.executable, "-I", "-S", str(program), json.dumps([str(path) for path in import_paths])]
        log = self._local.dir / "logs" / "lambda" / f"{function.function_name}-{name[:8]}.log"
        return ExecutionEnvironment(Worker(command, variables, log), log_stream)


def call_handler(worker: Worker, function: Any, event: Any, request_id: str) -> HandlerResponse:
    """Initialise the process if it is new, then call the handler."""
    request = {"event": event, "request_id": request_id, "arn": function.function_arn, "timeout": function.timeout}
    try:
        init = worker.call({}, INIT_SECONDS)
        if "error" in init:
            return HandlerResponse(init, reusable=False)
        return HandlerResponse(worker.call(request, function.timeout), reusable=True)
    except WorkerTimeout:
        message = f"Task timed out after {function.timeout:.2f} seconds"
        answer = error_answer(f"RequestId: {request_id} Error: {message}", "Sandbox.Timedout")
        log_line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {request_id} {message}"
        return HandlerResponse(answer, False, (log_line,))
    except WorkerDied as died:
        answer = error_answer(f"RequestId: {request_id} Error: Runtime exited: {died}", "Runtime.ExitError")
        return HandlerResponse(answer, reusable=False)


def error_answer(message: str, error_type: str) -> dict[str, Any]:
    """Return Lambda's error object, in the form in which lambda_runtime answers."""
    return {"error": {"errorMessage": message, "errorType": error_type}}


def put_metrics(function: Any, *metrics: tuple[str, float, str]) -> None:
    """Write metrics (name, value, unit) of a function to CloudWatch.

    PutMetricData rejects the namespace AWS/, so moto's backend is called.
    """
    dimensions = [{"Name": "FunctionName", "Value": function.function_name}]
    data = [
        {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions} for name, value, unit in metrics
    ]
    cloudwatch_backends[function.account_id][function.region].put_metric_data("AWS/Lambda", data)


def configuration_key(function: Any) -> str:
    """Return a key of everything an execution environment depends on; it starts with the ARN and a space."""
    configuration = (
        function.code_sha_256,
        function.handler,
        function.environment_vars,
        function.role,
        function.memory_size,
        [layer["Arn"] for layer in function.layers],
    )
    return f"{function.function_arn} {json.dumps(configuration)}"


def layer_archives(function: Any) -> list[bytes]:
    """Return the zips of the function's layers; deleted layer versions are left out."""
    backend = get_backend(function.account_id, function.region)
    versions = (backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers)
    return [version.code_bytes for version in versions if version is not None]


def unpack(archive: bytes, folder: Path) -> Path:
    """Return a folder with the contents of a zip; the same zip is unpacked once."""
    target = folder / "code" / hashlib.sha256(archive).hexdigest()[:24]
    if not target.exists():
        partial_copy = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}")
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            package.extractall(partial_copy)
        with suppress(OSError):  # a concurrent invocation has created the target
            partial_copy.rename(target)
    return target


def link_runtime_packages(folder: Path) -> Path:
    """Return a folder with links to the packages of AWS's runtime, and to no others."""
    runtime = folder / "runtime"
    runtime.mkdir(parents=True, exist_ok=True)
    for package in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        link = runtime / source.name
        if not link.is_symlink() or link.resolve() != source.resolve():
            link.unlink(missing_ok=True)
            with suppress(FileExistsError):  # a concurrent invocation has created the link
                link.symlink_to(source)
    return runtime
