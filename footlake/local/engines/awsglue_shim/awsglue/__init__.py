"""A replacement for the package `awsglue` that AWS Glue provides to job scripts, with the parts that scripts use.

spark_worker puts its parent folder on the import path of each job. It may import pyspark and boto3, but not footlake,
and footlake does not import it.
"""
