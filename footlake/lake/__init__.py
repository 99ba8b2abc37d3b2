"""The lake's S3 keys, table columns and object store.

`s3_keys` and `schemas` run in AWS Glue, too: they import only the standard library. `store` also imports botocore.
"""
