"""Where moto answers otherwise than AWS, in ways that decide what an interrupted command leaves behind."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from footlake.local.context import Local
from footlake.local.validation.api_calls import ApiCall, ServiceRejection
from footlake.local.validation.iam import authorize


def install(local: Local) -> None:
    """Correct moto."""
    _correct_moto()


@functools.cache
def _correct_moto() -> None:
    """Once, as moto's classes are global."""
    _buckets()
    _database_groups()
    _endpoints()
    _index_of_tags()
    _permissions()
    _tags_of_functions()


def _buckets() -> None:
    """A bucket is given its tags as it is made, and they go when it goes."""
    import xmltodict
    from moto.s3.models import S3Backend
    from moto.s3.responses import S3Response

    put, delete = S3Response._bucket_response_put, S3Backend.delete_bucket

    def bucket_response_put(self: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        new = not querystring and bucket_name not in self.backend.buckets
        answer = put(self, request, bucket_name, querystring)
        if new and self.body:
            asked = xmltodict.parse(self.body, force_list=("Tag",))["CreateBucketConfiguration"] or {}
            tags = (asked.get("Tags") or {}).get("Tag", [])
            if tags:
                self.backend.put_bucket_tagging(bucket_name, {tag["Key"]: tag["Value"] for tag in tags})
        return answer

    def delete_bucket(self: Any, bucket_name: str) -> Any:
        deleted = delete(self, bucket_name)
        if deleted:
            self.tagger.delete_all_tags_for_resource(deleted.arn)
        return deleted

    S3Response._bucket_response_put = bucket_response_put
    S3Backend.delete_bucket = delete_bucket


def _database_groups() -> None:
    """A parameter group is not deleted while it is used, a subnet group not lost when it is changed."""
    from moto.rds.exceptions import RDSClientError
    from moto.rds.models import RDSBackend

    delete, modify = RDSBackend.delete_db_parameter_group, RDSBackend.modify_db_subnet_group

    def delete_db_parameter_group(self: Any, db_parameter_group_name: str) -> Any:
        for database in self.databases.values():
            if database.db_parameter_group_name == db_parameter_group_name:
                raise RDSClientError(
                    "InvalidDBParameterGroupState",
                    f"One or more database instances are still members of this parameter group "
                    f"{db_parameter_group_name}, so the group cannot be deleted",
                )
        return delete(self, db_parameter_group_name)

    def modify_db_subnet_group(self: Any, subnet_name: str, *arguments: Any, **named: Any) -> Any:
        group = modify(self, subnet_name, *arguments, **named)
        self.subnet_groups[subnet_name] = group
        return group

    RDSBackend.delete_db_parameter_group = delete_db_parameter_group
    RDSBackend.modify_db_subnet_group = modify_db_subnet_group


def _endpoints() -> None:
    """The same client token again is the same endpoint again."""
    from moto.ec2.models import EC2Backend

    create = EC2Backend.create_vpc_endpoint

    def create_vpc_endpoint(self: Any, *arguments: Any, client_token: str | None = None, **named: Any) -> Any:
        for endpoint in self.vpc_end_points.values() if client_token else ():
            if endpoint.client_token == client_token:
                return endpoint
        return create(self, *arguments, client_token=client_token, **named)

    EC2Backend.create_vpc_endpoint = create_vpc_endpoint


def _index_of_tags() -> None:
    """The index of tags has the rules of EventBridge and the groups of RDS, too."""
    from moto.core.resource_tagging import TaggedResource
    from moto.events.models import EventsBackend
    from moto.rds.models import RDSBackend

    buses, databases = EventsBackend.iter_tagged_resources, RDSBackend.iter_tagged_resources

    def of_events(self: Any) -> Iterator[Any]:
        yield from buses(self)
        for bus in self.event_buses.values():
            for rule in bus.rules.values():
                tags = self.tagger.get_tag_dict_for_resource(rule.arn)
                yield TaggedResource(arn=rule.arn, tags=tags, resource_type="events:rule")

    def of_rds(self: Any) -> Iterator[Any]:
        yield from databases(self)
        for kind, groups in (("subgrp", self.subnet_groups), ("pg", self.db_parameter_groups)):
            for group in groups.values():
                tags = {tag["Key"]: tag["Value"] for tag in group.get_tags()}
                yield TaggedResource(arn=group.arn, tags=tags, resource_type=f"rds:{kind}")

    EventsBackend.iter_tagged_resources = of_events
    RDSBackend.iter_tagged_resources = of_rds


def _permissions() -> None:
    """A function's policy has one statement of each id."""
    from moto.awslambda.exceptions import LambdaClientError
    from moto.awslambda.models import LambdaBackend

    add = LambdaBackend.add_permission

    class Conflict(LambdaClientError):  # type: ignore[misc]
        code = 409

    def add_permission(self: Any, function_name: str, qualifier: str, raw: str) -> Any:
        id = json.loads(raw)["StatementId"]
        if any(one["Sid"] == id for one in self.get_function(function_name, qualifier).policy.statements):
            message = f"The statement id ({id}) provided already exists. Please provide a new statement id, or remove"
            raise Conflict("ResourceConflictException", f"{message} the existing statement.")
        return add(self, function_name, qualifier, raw)

    LambdaBackend.add_permission = add_permission


def _tags_of_functions() -> None:
    """GetFunction shows the tags only to who may list them."""
    from moto.awslambda.responses import LambdaResponse

    get = LambdaResponse.get_function

    def get_function(self: Any) -> str:
        answer = json.loads(get(self))
        asked = {"Resource": answer["Configuration"]["FunctionArn"]}
        try:
            authorize(ApiCall("lambda", "ListTags", self.current_account, self.region, asked, self.get_access_key()))
        except ServiceRejection as refused:
            answer.pop("Tags", None)
            answer["TagsError"] = {"ErrorCode": refused.code, "Message": refused.message}
        return json.dumps(answer)

    LambdaResponse.get_function = get_function
