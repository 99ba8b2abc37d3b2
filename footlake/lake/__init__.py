"""The lake's S3 keys, table columns and object store.

`s3_keys` and `schemas` also run in AWS Glue and import only the standard library. `store` also imports botocore.
"""
