"""WSGI middleware in front of moto that answers with an error where AWS would.

A request is parsed with botocore's model of its operation and checked against the model, the signer's IAM policies
and the rules of the service, in this order. Requests pass unchecked when their service is not in SERVICES, their
protocol is unknown or their body is compressed. Unknown members are rejected where AWS rejects them (EC2 and S3).
"""

from __future__ import annotations

import functools
import io
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from moto.backends import get_backend
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request as HttpRequest
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import HTTPException

from footlake.local.context import ACCOUNT, logger
from footlake.local.validation import iam
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.model_constraints import ModelValidator, Violation, format_violations
from footlake.local.validation.request_parsers import parser_class
from footlake.local.validation.service_rules import check_service_rules
from footlake.local.validation.service_rules.propagation import Propagation

BAD_XML = "The XML you provided was not well-formed or did not validate against our published schema"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Service:
    """A service by botocore's name, with its error codes for invalid parameters and for an unreadable request."""

    name: str
    invalid_code: str = "ValidationException"
    unreadable_code: str = "SerializationException"


# By the service name in the credential scope of a request's signature.
SERVICES = {
    "budgets": Service("budgets"),
    "ec2": Service("ec2", "InvalidParameterValue", "InvalidParameterValue"),
    "events": Service("events"),
    "freetier": Service("freetier"),
    "glue": Service("glue"),
    "iam": Service("iam", "ValidationError", "MalformedInput"),
    "kms": Service("kms"),
    "lakeformation": Service("lakeformation", "InvalidInputException"),
    "lambda": Service("lambda", unreadable_code="InvalidRequestContentException"),
    "logs": Service("logs", "InvalidParameterException"),
    "monitoring": Service("cloudwatch", "ValidationError", "MalformedInput"),
    "rds": Service("rds", "InvalidParameterValue", "MalformedInput"),
    "s3": Service("s3", "InvalidArgument", "MalformedXML"),
    "sagemaker": Service("sagemaker"),
    "scheduler": Service("scheduler"),
    "secretsmanager": Service("secretsmanager"),
    "servicequotas": Service("service-quotas"),
    "sns": Service("sns", "InvalidParameter", "MalformedInput"),
    "sqs": Service("sqs", "InvalidParameterValue"),
    "ssm": Service("ssm"),
    "sts": Service("sts", "ValidationError", "MalformedInput"),
    "tagging": Service("resourcegroupstaggingapi", "InvalidParameterException"),
}


def validate_requests(application: Application, settle_seconds: float = 0.0) -> Application:
    """Return the application with a check of each request before it.

    For `settle_seconds` after the change, services do not see a new role, S3 does not see a new Lambda permission, and
    a new administrator of Lake Formation has no rights.
    """
    propagation = Propagation(settle_seconds)

    def validate(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = _parse_request(environ)
        if request:
            try:
                request.check(propagation)
            except ServiceRejection as rejection:
                logger.info("%s:%s rejected: %s", request.service.name, request.operation.name, rejection)
                return request.send_error(rejection, start_response)
        return application(environ, start_response)

    return validate


@dataclass(frozen=True)
class ServiceRequest:
    """An HTTP request with the operation (botocore's model) that it calls."""

    service: Service
    operation: Any
    protocol: str
    region: str
    http: Any
    url_parameters: Mapping[str, Any]

    def check(self, propagation: Propagation) -> None:
        """Raise ServiceRejection if AWS would reject the request."""
        if self.region not in _region_names():  # AWS has no endpoint there
            raise ServiceRejection("UnknownRegion", f"AWS region {self.region} does not exist.", 400)
        call = self._parse_call()
        violations = _model_validator(self.service.name).find_violations(self.operation.input_shape, call.parameters)
        if violations:
            raise self._rejection_of(violations)
        iam.authorize(call)
        check_service_rules(call, propagation)

    def _parse_call(self) -> ApiCall:
        try:
            parameters = parser_class(self.protocol)(self.operation).parse(
                {
                    "method": self.http.method,
                    "values": self.http.values,
                    "headers": self.http.headers,
                    "body": b"" if _has_data_body(self.operation) else self.http.get_data(),
                    "url_path": self.http.path,
                    "url_params": self.url_parameters,
                }
            )
        except (RequestParserError, ValueError, TypeError, AttributeError) as error:
            message = BAD_XML if self.protocol == "rest-xml" else str(error)
            raise ServiceRejection(self.service.unreadable_code, message) from None
        if self.protocol == "ec2":
            self._check_ec2_parameter_names()
        access_key = self.http.headers["Authorization"].split("Credential=")[-1].split("/")[0]
        account = get_account_id_from(access_key)
        return ApiCall(self.service.name, self.operation.name, account, self.region, parameters, access_key)

    def _check_ec2_parameter_names(self) -> None:
        parser, shape = parser_class("ec2")(self.operation), self.operation.input_shape
        names = {parser._get_serialized_name(member, name) for name, member in shape.members.items()}
        for name in self.http.values:
            if name.split(".")[0] not in names | {"Action", "Version"}:
                raise ServiceRejection("UnknownParameter", f"The parameter {name} is not recognized")

    def _rejection_of(self, violations: list[Violation]) -> ServiceRejection:
        """Return the error of this service for violations; most services use the same message."""
        first = violations[0]
        member = first.path[:1].upper() + first.path[1:]
        match self.service.name, first.kind:
            case (("ec2" | "rds" | "cloudwatch" | "sns"), "required"):
                return ServiceRejection("MissingParameter", f"The request must contain the parameter {member}")
            case "ec2", _:
                message = f"Value ({first.value}) for parameter {member} is invalid."
                return ServiceRejection("InvalidParameterValue", message)
            case "s3", kind if kind == "required" or "." in first.path:
                return ServiceRejection(self.service.unreadable_code, BAD_XML)
            case "s3", _:
                message = f"Value ({first.value}) for {member} is not valid: {first.rule}"
                return ServiceRejection("InvalidArgument", message)
            case "lambda", "enum" if first.path == "runtime":
                message = f"Value {first.value} at 'runtime' failed to satisfy constraint: {first.rule}"
                return ServiceRejection("InvalidParameterValueException", f"{message} or be a valid ARN")
        return ServiceRejection(self.service.invalid_code, format_violations(violations))

    def send_error(self, rejection: ServiceRejection, start_response: Callable[..., Any]) -> list[bytes]:
        """Send the rejection in the protocol of the service."""
        request_id = str(uuid.uuid4())
        self.http.get_data(cache=False)  # an unread body would break the connection before the client has the answer
        serializer = get_serializer_class(self.service.name, self.protocol)
        response = serializer(self.operation, SerializationContext(request_id)).serialize(rejection)
        status = HTTPStatus(rejection.status or response["status_code"])
        body = response["body"].encode() if isinstance(response["body"], str) else response["body"]
        headers = {**response["headers"], "x-amzn-RequestId": request_id, "Content-Length": str(len(body))}
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [] if self.http.method == "HEAD" else [body]


def _parse_request(environ: dict[str, Any]) -> ServiceRequest | None:
    """Return the request, with its body kept readable for moto, or None if it is not to be checked."""
    scope = environ.get("HTTP_AUTHORIZATION", "").split("Credential=")[-1].split(",")[0].split("/")
    service = SERVICES.get(scope[3]) if len(scope) == 5 else None
    if service is None:
        return None
    http = HttpRequest(environ, populate_request=False)
    if http.content_encoding == "gzip":
        return None
    try:
        protocol = determine_request_protocol(get_service_model(service.name), http.content_type)
        if protocol not in PROTOCOL_PARSERS:
            return None
        if not protocol.startswith("rest-"):
            _buffer_body(http, environ)
        operation, url_parameters = get_service_router(service.name).match(http)
    except (HTTPException, NotImplementedError):
        return None
    if operation.input_shape is None:
        return None
    if not _has_data_body(operation):
        _buffer_body(http, environ)
    return ServiceRequest(service, operation, protocol, scope[2], http, url_parameters)


def _buffer_body(http: Any, environ: dict[str, Any]) -> None:
    environ["wsgi.input"] = io.BytesIO(http.get_data())


def _has_data_body(operation: Any) -> bool:
    """Return whether the body is data, such as the content of an object, and not parameters."""
    shape = operation.input_shape
    payload = shape.members.get(shape.serialization.get("payload"))
    return payload is not None and payload.type_name == "blob"


@functools.cache
def _region_names() -> frozenset[str]:
    return frozenset(get_backend("ec2")[ACCOUNT].regions)


@functools.cache
def _model_validator(service: str) -> ModelValidator:
    return ModelValidator()
