"""Run footlake's command line and record its calls of AWS, in any virtual environment with footlake.

    python -m tests.conformance.recorded_cli CALLS CORRECTED ARGUMENT …

Appends a JSON object per call to the file CALLS: service, operation, parameters as botocore received them, HTTP status
and error. If CORRECTED is `yes`, corrects ministack and moto as emulator_faults.py describes.
"""

from __future__ import annotations

import base64
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import botocore.session

from footlake.cli import main
from tests.conformance import emulator_faults

_create_client = botocore.session.Session.create_client


def record_calls(calls: Path, correct: bool) -> None:
    """Make every client that is created from now on record its calls, with corrections of the emulators."""

    def record(model: Any, context: dict[str, Any], parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        call = {
            "service": model.service_model.service_name,
            "operation": model.name,
            "parameters": context["parameters"],
            "status": http_response.status_code,
            "error": parsed.get("Error", {}),
        }
        with calls.open("a") as file:
            file.write(json.dumps(call, default=_as_text) + "\n")

    def create_client(session: Any, *arguments: Any, **options: Any) -> Any:
        client = _create_client(session, *arguments, **options)
        client.meta.events.register("before-parameter-build", _keep_parameters)
        client.meta.events.register("after-call", record)
        if correct:
            emulator_faults.correct(client, calls.parent, partial(_create_client, session))
        return client

    setattr(botocore.session.Session, "create_client", create_client)  # noqa: B010 (mypy forbids the assignment)


def _keep_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["parameters"] = dict(params)


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else str(value)


if __name__ == "__main__":
    record_calls(Path(sys.argv.pop(1)), correct=sys.argv.pop(1) == "yes")
    main()
