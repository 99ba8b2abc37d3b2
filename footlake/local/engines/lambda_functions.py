"""Lambda on the local AWS: an invocation runs the deployed zip's handler in a Python process of its own.

The process stays warm for the function's next invocation, as on AWS, and is thrown away when its code, layers or
configuration change, when it times out or when it dies. Asynchronous invocations (S3 and EventBridge events,
InvocationType=Event) return at once and are retried twice, after one and two minutes, as Lambda does.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import sys
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from footlake.local.context import Local, logger
from footlake.local.engines.worker import Worker, WorkerDied, WorkerTimeout

# What AWS's Python runtimes bring along.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")

INIT_SECONDS = 10.0
RETRIES_AFTER_SECONDS = (60.0, 120.0)
ASYNCHRONOUS_AT_ONCE = 2


@dataclass
class Environment:
    """One execution environment of a function: a warm process and its log stream."""

    worker: Worker
    stream: str
    read: int = 0

    def output(self) -> str:
        """What was printed since the last look."""
        with self.worker.log.open("rb") as log:
            log.seek(self.read)
            text = log.read()
        self.read += len(text)
        return text.decode(errors="replace")


@dataclass
class InvocationResult:
    """What an invocation came to; `payload` is JSON text."""

    payload: str
    failed: bool
    log: str


@dataclass
class Runner:
    """Runs functions, keeping their environments warm."""

    local: Local
    _idle: dict[str, list[Environment]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: bool = False
    _timers: set[threading.Timer] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._events = ThreadPoolExecutor(ASYNCHRONOUS_AT_ONCE, thread_name_prefix="lambda-event")
        self.local.at_close(self.close)

    def close(self) -> None:
        """Stop everything that runs or waits."""
        self._stopping = True
        for timer in list(self._timers):
            timer.cancel()
        self._events.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            environments = [one for idle in self._idle.values() for one in idle]
        for environment in environments:
            environment.worker.close()

    def invoke_later(self, function: Any, event: Any, retries: tuple[float, ...] = RETRIES_AFTER_SECONDS) -> None:
        """Invoke asynchronously, and again after a failure."""

        def work() -> None:
            outcome = self.invoke(function, event)
            if outcome.failed and retries and not self._stopping:
                timer = threading.Timer(retries[0], self.invoke_later, (function, event, retries[1:]))
                timer.daemon = True
                self._timers.add(timer)
                timer.start()

        if not self._stopping:
            self._events.submit(self._logged, work)

    def _logged(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            if not self._stopping:
                logger.exception("asynchronous invocation failed")

    def invoke(self, function: Any, event: Any) -> InvocationResult:
        """Invoke and wait: the handler's result, or Lambda's error object."""
        request_id = str(uuid.uuid4())
        key = _fingerprint(function)
        environment = self._take(function, key)
        started = time.monotonic()
        lines = [f"START RequestId: {request_id} Version: {function.version}"]
        request = {
            "event": event,
            "request_id": request_id,
            "arn": function.function_arn,
            "timeout": function.timeout,
        }
        reusable = False
        try:
            prepared = environment.worker.call({}, INIT_SECONDS)
            answer = prepared if "error" in prepared else environment.worker.call(request, function.timeout)
            reusable = "error" not in prepared
        except WorkerTimeout:
            message = f"Task timed out after {function.timeout:.2f} seconds"
            lines.append(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {request_id} {message}")
            answer = _error(f"RequestId: {request_id} Error: {message}", "Sandbox.Timedout")
        except WorkerDied as died:
            answer = _error(f"RequestId: {request_id} Error: Runtime exited: {died}", "Runtime.ExitError")
        lines[1:1] = environment.output().splitlines()
        duration = (time.monotonic() - started) * 1000
        lines.append(f"END RequestId: {request_id}")
        lines.append(
            f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {int(duration) + 1} ms"
            f"\tMemory Size: {function.memory_size} MB\tMax Memory Used: {function.memory_size} MB"
        )
        self.local.log(
            f"/aws/lambda/{function.function_name}", environment.stream, lines, function.region, function.role
        )
        if reusable:
            self._give_back(key, environment)
        else:
            environment.worker.close()
        failed = "error" in answer
        _count(function, duration, failed)
        return InvocationResult(json.dumps(answer["error" if failed else "result"]), failed, "\n".join(lines))

    def _take(self, function: Any, key: str) -> Environment:
        with self._lock:
            outdated = [old for old in self._idle if old != key and old.startswith(f"{function.function_arn} ")]
            for old in outdated:
                for environment in self._idle.pop(old):
                    environment.worker.close()
            if self._idle.get(key):
                return self._idle[key].pop()
        return self._new_environment(function)

    def _give_back(self, key: str, environment: Environment) -> None:
        with self._lock:
            if not self._stopping:
                self._idle.setdefault(key, []).append(environment)
                return
        environment.worker.close()

    def _new_environment(self, function: Any) -> Environment:
        name = uuid.uuid4().hex
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[{function.version}]{name}"
        folder = self.local.dir / "lambda"
        paths = [
            _unpacked(folder, function.code_bytes),
            *(_unpacked(folder, layer) / "python" for layer in _layers(function)),
            _runtime(folder),
        ]
        environment = self.local.environment(function.region, function.role) | {
            "_HANDLER": function.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "TZ": ":UTC",
            **function.environment_vars,
        }
        program = Path(__file__).with_name("lambda_runtime.py")
        command = [sys.executable, "-I", "-S", str(program), json.dumps([str(path) for path in paths])]
        log = self.local.dir / "logs" / "lambda" / f"{function.function_name}-{name[:8]}.log"
        return Environment(Worker(command, environment, log), stream)


def install(local: Local) -> Runner:
    """Let moto's Lambda run what it is asked to run."""
    from moto.awslambda.models import LambdaBackend, LambdaFunction
    from moto.awslambda.utils import get_backend
    from moto.s3 import notifications

    runner = Runner(local)

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        event = json.loads(body) if body else {}
        kind = request_headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            runner.invoke_later(self, event)
            return b""
        outcome = runner.invoke(self, event)
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = base64.b64encode(outcome.log.encode()[-4096:]).decode()
        return outcome.payload.encode()

    def on_s3_event(account: str, event: Any, arn: str, region: str) -> None:
        """Deliver an S3 notification. A function that is gone is S3's silence, as on AWS."""
        function = get_backend(account, region).get_function(arn)
        if function:
            runner.invoke_later(function, event)

    def on_event(self: Any, function_name: str, qualifier: Any, body: Any, headers: Any, response_headers: Any) -> Any:
        """An invocation from another service inside moto has plain-dict headers and is always asynchronous."""
        function = self.get_function(function_name, qualifier)
        if type(headers) is dict:
            headers = {"X-Amz-Invocation-Type": "Event"}
        payload = function.invoke(body, headers, response_headers)
        response_headers["Content-Length"] = str(len(payload))
        return payload

    LambdaFunction.invoke = invoke
    LambdaBackend.invoke = on_event
    notifications._invoke_awslambda = on_s3_event
    return runner


def _count(function: Any, milliseconds: float, failed: bool) -> None:
    """Lambda's own metrics, in CloudWatch; AWS/ is a namespace into which nobody else may put any."""
    from moto.cloudwatch.models import cloudwatch_backends

    dimensions = [{"Name": "FunctionName", "Value": function.function_name}]
    figures = (
        ("Invocations", 1.0, "Count"),
        ("Errors", float(failed), "Count"),
        ("Duration", milliseconds, "Milliseconds"),
    )
    data = [
        {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions} for name, value, unit in figures
    ]
    cloudwatch_backends[function.account_id][function.region].put_metric_data("AWS/Lambda", data)


def _error(message: str, kind: str) -> dict[str, Any]:
    return {"error": {"errorMessage": message, "errorType": kind}}


def _fingerprint(function: Any) -> str:
    """What an environment depends on: another code or configuration needs another environment."""
    configuration = (
        function.code_sha_256,
        function.handler,
        function.environment_vars,
        function.role,
        function.memory_size,
        [layer["Arn"] for layer in function.layers],
    )
    return f"{function.function_arn} {json.dumps(configuration)}"


def _layers(function: Any) -> list[bytes]:
    from moto.awslambda.utils import get_backend

    backend = get_backend(function.account_id, function.region)
    found = []
    for layer in function.layers:
        version = backend.layers_versions_by_arn(layer["Arn"])
        if version is not None:
            found.append(version.code_bytes)
    return found


def _unpacked(folder: Path, archive: bytes) -> Path:
    """The folder in which this zip lies unpacked; the same zip is unpacked once."""
    import hashlib

    target = folder / "code" / hashlib.sha256(archive).hexdigest()[:24]
    if not target.exists():
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}")
        with zipfile.ZipFile(io.BytesIO(archive)) as package:
            package.extractall(partial)
        try:
            partial.rename(target)
        except OSError:  # another invocation was faster
            pass
    return target


def _runtime(folder: Path) -> Path:
    """A folder with links to just the packages that AWS's runtime has."""
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
            try:
                link.symlink_to(source)
            except FileExistsError:
                pass
    return runtime
