"""Waiting for AWS to know what is new."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from footlake.errors import TimedOut
from footlake.lake import Lake


def test_a_wait_that_was_in_vain_says_what_aws_said(lake: Lake) -> None:
    def refused() -> None:
        error = {"Code": "InvalidParameterValueException", "Message": "The role cannot be assumed, says its trust."}
        raise ClientError({"Error": error}, "CreateFunction")

    hasty = Lake(lake.config, lake.session, patient=False)
    with pytest.raises(TimedOut, match=r"for the role.*The role cannot be assumed, says its trust") as vain:
        hasty.settled("the role", refused, "cannot be assumed")
    assert isinstance(vain.value.__cause__, ClientError)
