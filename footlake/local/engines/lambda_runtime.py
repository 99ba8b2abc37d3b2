"""The runtime inside a Lambda process: it loads a deployed handler and calls it.

Runs isolated (`python -I -S`) and must not import footlake. Handlers can import the standard library, the deployed zip,
its layers, and boto3 with its dependencies, as on AWS. A handler with a missing package therefore fails here too.
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


class LambdaContext:
    """The context object of a handler: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

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
        """Return the milliseconds until Lambda kills this invocation."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main() -> None:
    """Serve invocations; `argv[1]` is the JSON list of folders to import from."""
    sys.path[:0] = json.loads(sys.argv[1])
    # Loaded by path, because the footlake that handlers import must be the deployed one.
    spec = importlib.util.spec_from_file_location("worker", Path(__file__).with_name("worker.py"))
    assert spec and spec.loader
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"), format="[%(levelname)s] %(message)s")
    worker.serve(handle)


def handle(request: dict[str, Any]) -> dict[str, Any]:
    """Answer one invocation with {"result": …} or {"error": Lambda's error object}.

    A request without an event only imports the handler, which is Lambda's init phase.
    """
    try:
        module, _, function = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module.replace("/", ".")), function)
        if "event" not in request:
            return {"result": None}
        result = handler(request["event"], LambdaContext(request))
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
