"""What bootstrap and teardown ask of every resource, of all of them."""

from __future__ import annotations

import pytest

from footlake.aws import AwsContext
from footlake.errors import FootlakeError
from footlake.resources.base import Resource
from footlake.resources.lakeformation import DropGrant
from footlake.resources.sagemaker import SageMakerModels
from tests.resources.changes import TAGGED, drifts, is_shared, retag

pytestmark = pytest.mark.thorough  # make proof


@pytest.fixture(autouse=True)
def standing(resource: Resource) -> None:
    if isinstance(resource, SageMakerModels):
        pytest.skip("training makes them, not bootstrap")
    if isinstance(resource, DropGrant):
        pytest.skip("teardown itself needs it; it goes with its database")


def test_is_made_once(lake: AwsContext, resource: Resource) -> None:
    assert not resource.exists(lake)
    assert resource.ensure(lake) == "created"
    assert resource.exists(lake)
    assert resource.ensure(lake) == "unchanged"


def test_is_repaired(lake: AwsContext, resource: Resource) -> None:
    if not drifts(resource):
        pytest.skip("nothing of it can drift")
    for drift in drifts(resource):
        resource.ensure(lake)
        drift(lake, resource)
        assert resource.ensure(lake) == "updated", drift
        assert resource.ensure(lake) == "unchanged", drift


def test_is_left_alone_where_it_is_somebody_elses(lake: AwsContext, resource: Resource) -> None:
    if not isinstance(resource, TAGGED):
        pytest.skip("has no tags")
    resource.ensure(lake)
    retag(lake, resource, ours=False)
    if is_shared(resource):
        assert resource.ensure(lake) == "unchanged"
    else:
        with pytest.raises(FootlakeError, match="not footlake's"):
            resource.ensure(lake)
    assert resource.destroy(lake) == "kept"
    assert resource.exists(lake)
    retag(lake, resource, ours=True)
    assert resource.ensure(lake) == "unchanged"


def test_is_removed_once(lake: AwsContext, resource: Resource) -> None:
    resource.ensure(lake)
    assert resource.destroy(lake) == "deleted"
    assert not resource.exists(lake)
    assert resource.destroy(lake) == "absent"
