"""Correct answers of ministack 1.5.33 and moto 5.2.5 that differ from AWS's, by botocore's event hooks.

ministack:
- CreateJob, CreateCrawler and CreateConnection of Glue lose `Tags`. TagResource keeps them.
- ListCrawls of Glue is missing. Here no crawl has run.
- BatchGetJobs and BatchGetCrawlers of Glue are missing. Here GetJobs and GetCrawlers answer.
- CloudWatch loses the `Metrics` of an alarm on several metrics. Here a file keeps them.
- PutDashboard of CloudWatch loses `Tags`, and ListTagsForResource refuses dashboards. Here a file keeps their tags.

moto:
- Lake Formation does not name the service-linked role of a registered location.
- Lake Formation keeps permissions on a database of Glue that was deleted: that Glue is ministack's.
- Concurrent calls of Lake Formation disturb each other.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from footlake.local.files import replace_text

ACCOUNT = "123456789012"
_GLUE_KINDS = {"CreateJob": "job", "CreateCrawler": "crawler", "CreateConnection": "connection"}
_SERVICE_ROLE = (
    f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/lakeformation.amazonaws.com/AWSServiceRoleForLakeFormationDataAccess"
)
_lake_formation = threading.Lock()
_files = threading.Lock()


def correct(client: Any, folder: Path, create_client: Callable[[str], Any]) -> None:
    """Correct the answers to a client.

    `folder` keeps the tags of dashboards between processes. `create_client` returns the client of another service.
    """
    events, service = client.meta.events, client.meta.service_model.service_name
    if service == "glue":
        for operation, kind in _GLUE_KINDS.items():
            events.register(f"after-call.glue.{operation}", partial(_tag_glue_resource, client, kind))
        events.register("after-call.glue.DeleteDatabase", partial(_delete_permissions, create_client))
        events.register("before-call.glue.ListCrawls", _no_crawls)
        events.register("before-call.glue.BatchGetJobs", partial(_batch_get, client.get_jobs, "Jobs"))
        events.register("before-call.glue.BatchGetCrawlers", partial(_batch_get, client.get_crawlers, "Crawlers"))
    elif service == "cloudwatch":
        file = folder / "dashboard-tags.json"
        events.register("after-call.cloudwatch.PutDashboard", partial(_keep_dashboard_tags, file))
        events.register("before-call.cloudwatch.ListTagsForResource", partial(_dashboard_tags, file))
        metrics = folder / "alarm-metrics.json"
        events.register("after-call.cloudwatch.PutMetricAlarm", partial(_keep_alarm_metrics, metrics))
        events.register("after-call.cloudwatch.DescribeAlarms", partial(_add_alarm_metrics, metrics))
    elif service == "lakeformation":
        # Around each attempt, and not around the call, which footlake may block before it is sent.
        events.register("before-send.lakeformation", lambda **_: _lake_formation.acquire() and None)
        events.register("response-received.lakeformation", lambda **_: _lake_formation.release())
        events.register("after-call.lakeformation.DescribeResource", _name_service_role)


def _tag_glue_resource(glue: Any, kind: str, http_response: Any, context: dict[str, Any], **_: Any) -> None:
    parameters = context["parameters"]
    if http_response.status_code == 200 and parameters.get("Tags"):
        name = parameters.get("Name") or parameters["ConnectionInput"]["Name"]
        arn = f"arn:aws:glue:{glue.meta.region_name}:{ACCOUNT}:{kind}/{name}"
        glue.tag_resource(ResourceArn=arn, TagsToAdd=parameters["Tags"])


def _keep_dashboard_tags(file: Path, http_response: Any, context: dict[str, Any], **_: Any) -> None:
    parameters = context["parameters"]
    if http_response.status_code == 200 and "Tags" in parameters:
        arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{parameters['DashboardName']}"
        _add(file, arn, parameters["Tags"])


def _dashboard_tags(file: Path, context: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
    arn = context["parameters"]["ResourceARN"]
    if ":dashboard/" not in arn:
        return None
    tags = {"Tags": _read(file).get(arn, []), "ResponseMetadata": {"HTTPStatusCode": 200}}
    return AWSResponse("", 200, HTTPHeaders(), None), tags


def _no_crawls(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    return AWSResponse("", 200, HTTPHeaders(), None), {"Crawls": [], "ResponseMetadata": {"HTTPStatusCode": 200}}


def _batch_get(
    list_all: Callable[[], Any], member: str, context: dict[str, Any], **_: Any
) -> tuple[AWSResponse, dict[str, Any]]:
    (names,) = context["parameters"].values()
    found = [element for element in list_all()[member] if element["Name"] in names]
    return AWSResponse("", 200, HTTPHeaders(), None), {member: found, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _keep_alarm_metrics(file: Path, http_response: Any, context: dict[str, Any], **_: Any) -> None:
    parameters = context["parameters"]
    if http_response.status_code == 200 and "Metrics" in parameters:
        _add(file, parameters["AlarmName"], parameters["Metrics"])


def _add_alarm_metrics(file: Path, parsed: dict[str, Any], **_: Any) -> None:
    metrics = _read(file)
    for alarm in parsed.get("MetricAlarms", ()):
        if alarm["AlarmName"] in metrics:
            alarm["Metrics"] = metrics[alarm["AlarmName"]]


def _add(file: Path, key: str, value: Any) -> None:
    with _files:
        replace_text(file, json.dumps(_read(file) | {key: value}))


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _name_service_role(parsed: dict[str, Any], **_: Any) -> None:
    if "ResourceInfo" in parsed:
        parsed["ResourceInfo"].setdefault("RoleArn", _SERVICE_ROLE)


def _delete_permissions(
    create_client: Callable[[str], Any], http_response: Any, context: dict[str, Any], **_: Any
) -> None:
    if http_response.status_code != 200:
        return
    lake_formation, name = create_client("lakeformation"), context["parameters"]["Name"]
    for resource in ({"Database": {"Name": name}}, {"Table": {"DatabaseName": name, "TableWildcard": {}}}):
        for grant in lake_formation.list_permissions(Resource=resource)["PrincipalResourcePermissions"]:
            lake_formation.revoke_permissions(
                Principal=grant["Principal"], Resource=resource, Permissions=grant["Permissions"]
            )
