"""Amazon S3: tags of a bucket when it is created, which end with it; faster listings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import xmltodict
from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response

from footlake.local.patches.methods import replace_methods

original_bucket_response_put = S3Response._bucket_response_put
original_delete_bucket = S3Backend.delete_bucket


def install() -> None:
    """Replace moto's methods."""
    replace_methods(S3Response, _bucket_response_put)
    replace_methods(S3Backend, delete_bucket)
    FakeKey.last_modified_ISO8601 = property(last_modified)


def _bucket_response_put(self: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
    """Answer CreateBucket and other PUT requests for a bucket; tag a bucket that the request creates."""
    is_new = not querystring and bucket_name not in self.backend.buckets
    response = original_bucket_response_put(self, request, bucket_name, querystring)
    if is_new and self.body:
        configuration = xmltodict.parse(self.body, force_list=("Tag",))["CreateBucketConfiguration"] or {}
        tags = (configuration.get("Tags") or {}).get("Tag", [])
        if tags:
            self.backend.put_bucket_tagging(bucket_name, {tag["Key"]: tag["Value"] for tag in tags})
    return response


def delete_bucket(self: Any, bucket_name: str) -> Any:
    """Delete a bucket with its tags. Return the bucket, or None if it did not exist."""
    bucket = original_delete_bucket(self, bucket_name)
    if bucket:
        self.tagger.delete_all_tags_for_resource(bucket.arn)
    return bucket


def last_modified(self: Any) -> datetime:
    """Return the time of an object in seconds. moto formats it as text, which its serializer parses again."""
    time: datetime = self.last_modified.replace(microsecond=0)
    return time
