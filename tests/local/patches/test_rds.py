"""The operations of RDS that the local AWS answers differently from moto."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_parameters_are_listed_by_their_source(client: Any) -> None:
    rds = client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="sources", DBParameterGroupFamily="mysql8.4", Description="d")

    def names(**source: str) -> set[str]:
        parameters = rds.describe_db_parameters(DBParameterGroupName="sources", **source)["Parameters"]
        return {parameter["ParameterName"] for parameter in parameters}

    assert names(Source="user") == set()
    change = {"ParameterName": "require_secure_transport", "ParameterValue": "ON", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="sources", Parameters=[change])
    assert names(Source="user") == {"require_secure_transport"}
    assert "require_secure_transport" not in names(Source="engine-default")
    assert names() > names(Source="user")
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        names(Source="usr")
