"""Tags of a bucket as S3 keeps them, which moto does not: given as it is made, gone when it goes."""

from __future__ import annotations

import functools
from typing import Any

from footlake.local.context import Local


@functools.cache
def _extend_moto() -> None:
    """Once, as moto's classes are global."""
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


def install(local: Local) -> None:
    """Change moto's S3."""
    _extend_moto()
