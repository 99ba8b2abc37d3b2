"""The Lambda side of a local invocation: the runtime that loads a deployed handler and calls it.

Runs as a program of its own, isolated (`python -I -S`): what it can import is the standard library, the deployed
zip, its layers, and boto3 with its dependencies, as on AWS. A handler that forgot to bring a package fails here too.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any


class Context:
    """What Lambda hands a handler beside the event."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + request["timeout"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda kills this invocation."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main() -> None:
    """Serve invocations; `argv[1]` is the JSON list of folders to import from."""
    sys.path[:0] = json.loads(sys.argv[1])
    # Loaded by its path: the footlake that handlers import must be the deployed one, not the one that runs this.
    spec = importlib.util.spec_from_file_location("worker", Path(__file__).with_name("worker.py"))
    assert spec and spec.loader
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"), format="[%(levelname)s] %(message)s")
    worker.serve(handle)


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one invocation: {"result": …} or {"error": Lambda's error object}."""
    try:
        module, _, function = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), function)
        if "event" not in request:  # only asked to get ready: Lambda's init phase
            return {"result": None}
        result = handler(request["event"], Context(request))
        json.dumps(result)
        return {"result": result}
    except BaseException as error:
        lines = traceback.format_exception(error)
        print(f"[ERROR] {type(error).__name__}: {error}\n{''.join(lines)}", flush=True)
        return {
            "error": {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "requestId": request.get("request_id", ""),
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
        }
    finally:
        sys.stdout.flush()


if __name__ == "__main__":
    main()
