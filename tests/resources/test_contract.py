"""The contract of exists, ensure and destroy, tested for every resource of the catalogue."""

from __future__ import annotations

import pytest

from footlake.aws import AwsContext
from footlake.deploy.tag_inventory import discover
from footlake.errors import FootlakeError
from footlake.resources.base import Resource
from footlake.resources.lakeformation import DropGrant
from footlake.resources.sagemaker import SageMakerModels
from tests.resources.changes import TAGGED, drifts, is_shared, retag

pytestmark = pytest.mark.thorough  # make proof


@pytest.fixture(autouse=True)
def skip_resources_that_bootstrap_does_not_create(resource: Resource) -> None:
    if isinstance(resource, SageMakerModels):
        pytest.skip("created by training")
    if isinstance(resource, DropGrant):
        pytest.skip("teardown needs it; AWS deletes it with its database")


def test_a_resource_is_created_once(aws: AwsContext, resource: Resource) -> None:
    assert not resource.exists(aws)
    assert resource.ensure(aws) == "created"
    assert resource.exists(aws)
    assert resource.ensure(aws) == "unchanged"


def test_a_changed_resource_is_repaired(aws: AwsContext, resource: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    if not drifts(resource):
        pytest.skip("cannot drift")
    for drift in drifts(resource):
        resource.ensure(aws)
        drift(aws, resource)
        monkeypatch.setattr(aws, "discovered", aws.discovered)
        discover(aws)
        with aws.sharing_reads([resource]):  # as bootstrap does; the lists must also show the change
            assert resource.ensure(aws) == "updated", drift
        assert resource.ensure(aws) == "unchanged", drift


def test_a_resource_of_another_owner_is_not_changed(aws: AwsContext, resource: Resource) -> None:
    if not isinstance(resource, TAGGED):
        pytest.skip("cannot be tagged")
    resource.ensure(aws)
    retag(aws, resource, ours=False)
    if is_shared(resource):
        assert resource.ensure(aws) == "unchanged"
    else:
        with pytest.raises(FootlakeError, match="does not belong to this lake"):
            resource.ensure(aws)
    assert resource.destroy(aws) == "kept"
    assert resource.exists(aws)
    retag(aws, resource, ours=True)
    assert resource.ensure(aws) == "unchanged"


def test_a_resource_is_deleted_once(aws: AwsContext, resource: Resource) -> None:
    resource.ensure(aws)
    assert resource.destroy(aws) == "deleted"
    assert not resource.exists(aws)
    assert resource.destroy(aws) == "absent"
