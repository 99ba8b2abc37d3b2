"""Run footlake's command line and record its calls of AWS, in any virtual environment with footlake.

    python -m tests.conformance.recorded_cli CALLS CORRECTED ARGUMENT …

Appends a JSON object per call to the file CALLS: service, operation, parameters as botocore received them, HTTP status
and error; `shown` has parameters and answer without the values that the model marks as sensitive. If CORRECTED is
`yes`, corrects ministack and moto as emulator_faults.py describes.
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
            "shown": {
                "parameters": _without_secrets(model.input_shape, context["parameters"]),
                "answer": _without_secrets(model.output_shape, parsed),
            },
        }
        with calls.open("a", encoding="utf-8") as file:
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


def _without_secrets(shape: Any, value: Any) -> Any:
    """Return parameters or an answer without the members that botocore's model marks as sensitive."""
    if shape is not None and shape.metadata.get("sensitive"):
        return "SECRET"
    if isinstance(value, dict):
        members = getattr(shape, "members", {})
        nested = getattr(shape, "value", None)
        return {
            name: _without_secrets(members.get(name, nested), item)
            for name, item in value.items()
            if name != "ResponseMetadata"
        }
    if isinstance(value, list):
        return [_without_secrets(getattr(shape, "member", None), item) for item in value]
    return value


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else str(value)


if __name__ == "__main__":
    record_calls(Path(sys.argv.pop(1)), correct=sys.argv.pop(1) == "yes")
    main()
