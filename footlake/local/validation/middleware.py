"""What AWS would refuse is refused here: a layer in front of moto, which takes nearly everything.

A request is read by botocore's model of its operation and checked three times: against what the model demands
(`constraints.py`), against what whoever signed it may do (`permissions.py`), and against what only the service knows
(`rules.py`). A body that is data is not looked at;
a service or a protocol that is not known here goes to moto as it came. Unknown members are refused where AWS
refuses them (EC2 and S3); elsewhere AWS passes over them.
"""

from __future__ import annotations

import functools
import io
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from footlake.local.context import ACCOUNT, logger
from footlake.local.validation import iam
from footlake.local.validation.model_constraints import Checks, Violation, explain
from footlake.local.validation.service_rules import Call, Rules, ServiceRejection

BAD_XML = "The XML you provided was not well-formed or did not validate against our published schema"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Service:
    """A service by botocore's name, and how it calls a violation of its model, and a request that it cannot read."""

    name: str
    invalid: str = "ValidationException"
    unreadable: str = "SerializationException"


# By the name in a request's signature.
SERVICES = {
    "budgets": Service("budgets"),
    "ec2": Service("ec2", "InvalidParameterValue", "InvalidParameterValue"),
    "events": Service("events"),
    "freetier": Service("freetier"),
    "glue": Service("glue"),
    "iam": Service("iam", "ValidationError", "MalformedInput"),
    "kms": Service("kms"),
    "lakeformation": Service("lakeformation", "InvalidInputException"),
    "lambda": Service("lambda", unreadable="InvalidRequestContentException"),
    "logs": Service("logs", "InvalidParameterException"),
    "monitoring": Service("cloudwatch", "ValidationError", "MalformedInput"),
    "rds": Service("rds", "InvalidParameterValue", "MalformedInput"),
    "s3": Service("s3", "InvalidArgument", "MalformedXML"),
    "sagemaker": Service("sagemaker"),
    "secretsmanager": Service("secretsmanager"),
    "servicequotas": Service("service-quotas"),
    "sns": Service("sns", "InvalidParameter", "MalformedInput"),
    "ssm": Service("ssm"),
    "sts": Service("sts", "ValidationError", "MalformedInput"),
    "tagging": Service("resourcegroupstaggingapi", "InvalidParameterException"),
}


def around(application: Application, settle_seconds: float = 0.0) -> Application:
    """The application, asked only what AWS would accept.

    For `settle_seconds` after its creation a role cannot be assumed, and Lake Formation does not know it; a permission
    is not seen by S3, and Lake Formation's new administrator is none yet.
    """
    rules = Rules(settle_seconds)

    def gate(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = _read(environ)
        if request:
            try:
                request.check(rules)
            except ServiceRejection as refused:
                logger.info("%s:%s refused: %s", request.service.name, request.operation.name, refused)
                return request.answer(refused, start_response)
        return application(environ, start_response)

    return gate


@dataclass(frozen=True)
class Request:
    """A request whose operation is known."""

    service: Service
    operation: Any
    protocol: str
    region: str
    http: Any
    url_parameters: Mapping[str, Any]

    def check(self, rules: Rules) -> None:
        """Raise ServiceRejection with what AWS would say against this request, if anything."""
        if self.region not in _regions():  # on AWS nobody would answer at all
            raise ServiceRejection("UnknownRegion", f"There is no AWS region {self.region}.", 400)
        call = self._call()
        violations = _checks(self.service.name).violations(self.operation.input_shape, call.parameters)
        if violations:
            raise self._refusal(violations)
        iam.check(call)
        rules.check(call)

    def _call(self) -> Call:
        """The parameters, as the service reads them."""
        from moto.core.parse import RequestParserError
        from moto.iam.models import get_account_id_from

        try:
            parameters = _parser(self.protocol)(self.operation).parse(
                {
                    "method": self.http.method,
                    "values": self.http.values,
                    "headers": self.http.headers,
                    "body": b"" if _streams(self.operation) else self.http.get_data(),
                    "url_path": self.http.path,
                    "url_params": self.url_parameters,
                }
            )
        except (RequestParserError, ValueError, TypeError, AttributeError) as error:
            message = BAD_XML if self.protocol == "rest-xml" else str(error)
            raise ServiceRejection(self.service.unreadable, message) from None
        if self.protocol == "ec2":
            self._know_parameters()
        credential = self.http.headers["Authorization"].split("Credential=")[-1].split("/")[0]
        account = get_account_id_from(credential)
        return Call(self.service.name, self.operation.name, account, self.region, parameters, credential)

    def _know_parameters(self) -> None:
        parser, shape = _parser("ec2")(self.operation), self.operation.input_shape
        known = {parser._get_serialized_name(member, name) for name, member in shape.members.items()}
        for name in self.http.values:
            if name.split(".")[0] not in known | {"Action", "Version"}:
                raise ServiceRejection("UnknownParameter", f"The parameter {name} is not recognized")

    def _refusal(self, violations: list[Violation]) -> ServiceRejection:
        """How this service tells of violations; most do it in one way."""
        first = violations[0]
        member = first.path[:1].upper() + first.path[1:]
        match self.service.name, first.kind:
            case (("ec2" | "rds" | "cloudwatch" | "sns"), "required"):
                return ServiceRejection("MissingParameter", f"The request must contain the parameter {member}")
            case "ec2", _:
                return ServiceRejection(
                    "InvalidParameterValue", f"Value ({first.value}) for parameter {member} is invalid."
                )
            case "s3", kind if kind == "required" or "." in first.path:
                return ServiceRejection(self.service.unreadable, BAD_XML)
            case "s3", _:
                return ServiceRejection(
                    "InvalidArgument", f"Value ({first.value}) for {member} is not valid: {first.rule}"
                )
            case "lambda", "enum" if first.path == "runtime":
                message = f"Value {first.value} at 'runtime' failed to satisfy constraint: {first.rule}"
                return ServiceRejection("InvalidParameterValueException", f"{message} or be a valid ARN")
        return ServiceRejection(self.service.invalid, explain(violations))

    def answer(self, refused: ServiceRejection, start_response: Callable[..., Any]) -> list[bytes]:
        """The refusal in the service's own protocol."""
        from http import HTTPStatus

        from moto.core.serialize import SerializationContext, get_serializer_class

        serializer = get_serializer_class(self.service.name, self.protocol)
        id = str(uuid.uuid4())
        self.http.get_data(cache=False)  # what was not read would be lost with the connection, and the answer with it
        answer = serializer(self.operation, SerializationContext(id)).serialize(refused)
        status = HTTPStatus(refused.status or answer["status_code"])
        body = answer["body"].encode() if isinstance(answer["body"], str) else answer["body"]
        headers = {**answer["headers"], "x-amzn-RequestId": id, "Content-Length": str(len(body))}
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [] if self.http.method == "HEAD" else [body]


def _read(environ: dict[str, Any]) -> Request | None:
    """The request, its body put back for moto; None for what is not checked."""
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import Request as HttpRequest
    from moto.core.request import determine_request_protocol
    from moto.core.routing import get_service_router
    from moto.core.utils import get_service_model
    from werkzeug.exceptions import HTTPException

    scope = environ.get("HTTP_AUTHORIZATION", "").split("Credential=")[-1].split(",")[0].split("/")
    service = SERVICES.get(scope[3]) if len(scope) == 5 else None
    if service is None:
        return None
    http = HttpRequest(environ, populate_request=False)
    if http.content_encoding == "gzip":
        return None
    model = get_service_model(service.name)
    try:
        protocol = determine_request_protocol(model, http.content_type)
        if protocol not in PROTOCOL_PARSERS:
            return None
        if not protocol.startswith("rest-"):
            _keep_body(http, environ)
        operation, url_parameters = get_service_router(service.name).match(http)
    except (HTTPException, NotImplementedError):
        return None
    if operation.input_shape is None:
        return None
    if not _streams(operation):
        _keep_body(http, environ)
    return Request(service, operation, protocol, scope[2], http, url_parameters)


def _keep_body(http: Any, environ: dict[str, Any]) -> None:
    environ["wsgi.input"] = io.BytesIO(http.get_data())


def _streams(operation: Any) -> bool:
    """Whether the body is data, not parameters."""
    shape = operation.input_shape
    payload = shape.members.get(shape.serialization.get("payload"))
    return payload is not None and payload.type_name == "blob"


@functools.cache
def _regions() -> frozenset[str]:
    from moto.backends import get_backend

    return frozenset(get_backend("ec2")[ACCOUNT].regions)


@functools.cache
def _checks(service: str) -> Checks:
    return Checks()


@functools.cache
def _parser(protocol: str) -> Any:
    """moto's parser of a protocol; of JSON, one that minds the types; of XML, one that minds unknown elements."""
    from moto.core.parse import PROTOCOL_PARSERS, RequestParserError

    parser: Any = PROTOCOL_PARSERS[protocol]
    if protocol == "rest-xml":

        class Closed(parser):  # type: ignore[misc]
            def _parse_structure(self, shape: Any, node: Any) -> Any:
                known = {self._member_key_name(member, name) for name, member in shape.members.items()}
                unknown = self._build_name_to_xml_node(node).keys() - known
                # The whole input is the parent of its payload, and has no element of its own.
                if unknown and not any("location" in one.serialization for one in shape.members.values()):
                    raise RequestParserError(f"Unknown element {sorted(unknown)[0]}")
                return super()._parse_structure(shape, node)

        return Closed
    if not protocol.endswith("json"):
        return parser

    class Typed(parser):  # type: ignore[misc]
        def _parse_shape(self, shape: Any, node: Any) -> Any:
            expected = _JSON_TYPES.get(shape.type_name)
            in_body = "location" not in shape.serialization and not shape.metadata.get("document")
            if node is not None and expected and in_body and not _is_a(node, expected):
                raise TypeError(f"{_json_kind(node)} can not be converted to {_article(shape.type_name)}")
            return None if node is None else super()._parse_shape(shape, node)

        def _parse_body_as_json(self, body: bytes) -> Any:
            return json.loads(body) if body else {}

    return Typed


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "long": (int, float),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


def _is_a(node: Any, expected: tuple[type, ...]) -> bool:
    return isinstance(node, expected) and not (isinstance(node, bool) and bool not in expected)


def _json_kind(node: Any) -> str:
    kinds = {bool: "BOOLEAN", int: "NUMBER", float: "DECIMAL", str: "STRING", list: "ARRAY", dict: "OBJECT"}
    return f"{kinds[type(node)]}_VALUE"


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.capitalize()}"
