"""awsglue.context: access to the Data Catalog's connections."""

from __future__ import annotations

from urllib.parse import urlsplit

import boto3
from pyspark import SparkContext
from pyspark.sql import SparkSession


class GlueContext:
    """Wraps a Spark context."""

    def __init__(self, sparkContext: SparkContext) -> None:
        self.spark_session = SparkSession(sparkContext)

    def extract_jdbc_conf(self, connection_name: str, catalog_id: str | None = None) -> dict[str, str]:
        """Return the address and credentials of a connection's database, with the keys that Glue returns.

        `url` ends with the port, `fullUrl` is the connection's JDBC_CONNECTION_URL:
        https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-glue-context.html
        """
        catalog = {"CatalogId": catalog_id} if catalog_id else {}
        connection = boto3.client("glue").get_connection(Name=connection_name, **catalog)["Connection"]
        properties = connection["ConnectionProperties"]
        full_url = properties["JDBC_CONNECTION_URL"]
        parts = urlsplit(full_url.removeprefix("jdbc:"))
        return {
            "fullUrl": full_url,
            "url": f"jdbc:{parts.scheme}://{parts.netloc}",
            "vendor": parts.scheme,
            "user": properties.get("USERNAME", ""),
            "password": properties.get("PASSWORD", ""),
            "enforceSSL": properties.get("JDBC_ENFORCE_SSL", "false"),
            "customJDBCCert": properties.get("CUSTOM_JDBC_CERT", ""),
            "customJDBCCertString": properties.get("CUSTOM_JDBC_CERT_STRING", ""),
            "skipCustomJDBCCertValidation": properties.get("SKIP_CUSTOM_JDBC_CERT_VALIDATION", "false"),
        }
