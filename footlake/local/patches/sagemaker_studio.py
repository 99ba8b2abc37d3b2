"""Amazon SageMaker Studio: user profiles, spaces and apps of a domain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partialmethod
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from footlake.local.patches.methods import replace_methods

# The parameters that identify a member within its domain, by kind of member.
MEMBER_KEYS = {
    "UserProfile": ("UserProfileName",),
    "Space": ("SpaceName",),
    "App": ("UserProfileName", "SpaceName", "AppType", "AppName"),
}

original_delete_domain = SageMakerModelBackend.delete_domain
original_get_resource_from_arn = SageMakerModelBackend._get_resource_from_arn


@dataclass
class StudioMember:
    """A user profile, space or app, with its Describe response."""

    details: dict[str, Any]
    tags: list[dict[str, str]]


def install() -> None:
    """Add the operations to moto."""
    for kind in MEMBER_KEYS:
        name = camelcase_to_underscores(kind)
        setattr(SageMakerResponse, f"create_{name}", partialmethod(create_member, kind))
        setattr(SageMakerResponse, f"describe_{name}", partialmethod(describe_member, kind))
        setattr(SageMakerResponse, f"delete_{name}", partialmethod(delete_member, kind))
        setattr(SageMakerResponse, f"list_{name}s", partialmethod(list_members, kind))
    replace_methods(SageMakerResponse, update_domain)
    replace_methods(SageMakerModelBackend, delete_domain, _get_resource_from_arn)


def create_member(self: Any, kind: str) -> Any:
    """Create a member of an existing domain."""
    backend, member_id = self.sagemaker_backend, _member_id(self, kind)
    backend.describe_domain(member_id[0])
    if member_id in _members(backend, kind):
        raise ResourceInUseException(f"{kind} already exists: {member_id[-1]}")
    resource_type = camelcase_to_underscores(kind).replace("_", "-")
    path = "/".join(part.lower() for part in member_id if part)
    arn = f"arn:aws:sagemaker:{self.region}:{self.current_account}:{resource_type}/{path}"
    ownership = self._get_param("OwnershipSettings")
    details = {
        "DomainId": member_id[0],
        **{name: value for name, value in zip(MEMBER_KEYS[kind], member_id[1:], strict=True) if value},
        **({"OwnershipSettingsSummary": ownership} if ownership else {}),
        f"{kind}Arn": arn,
        "Status": "InService",
        "CreationTime": utcnow(),
    }
    _members(backend, kind)[member_id] = StudioMember(details, self._get_param("Tags") or [])
    return ActionResult({f"{kind}Arn": arn})


def describe_member(self: Any, kind: str) -> Any:
    return ActionResult(_find_member(self, kind).details)


def delete_member(self: Any, kind: str) -> Any:
    """Delete a member. A user profile or space that has apps is in use."""
    _find_member(self, kind)
    domain, name, *_ = member_id = _member_id(self, kind)
    apps = _members(self.sagemaker_backend, "App")
    if kind != "App" and any(app[0] == domain and name in app[1:3] for app in apps):
        raise ResourceInUseException(f"Unable to delete {kind} with existing apps.")
    del _members(self.sagemaker_backend, kind)[member_id]
    return EmptyResult()


def list_members(self: Any, kind: str) -> Any:
    """Return the members of a domain."""
    domain = self._get_param("DomainIdEquals")
    members = _members(self.sagemaker_backend, kind).values()
    return ActionResult({f"{kind}s": [member.details for member in members if member.details["DomainId"] == domain]})


def update_domain(self: Any) -> Any:
    """Change those default user settings of a domain that the request names."""
    backend, domain_id = self.sagemaker_backend, self._get_param("DomainId")
    backend.describe_domain(domain_id)
    domain = backend.domains[domain_id]
    domain.default_user_settings = domain.default_user_settings | (self._get_param("DefaultUserSettings") or {})
    return ActionResult({"DomainArn": domain.arn})


def delete_domain(self: Any, domain_id: str, retention_policy: Any) -> None:
    """Delete a domain that has no members."""
    if any(member_id[0] == domain_id for kind in MEMBER_KEYS for member_id in _members(self, kind)):
        raise ResourceInUseException("Unable to delete Domain with existing user profiles, spaces or apps.")
    original_delete_domain(self, domain_id, retention_policy)


def _get_resource_from_arn(self: Any, arn: str) -> Any:
    """Return the object whose tags belong to an ARN."""
    for kind in MEMBER_KEYS:
        for member in _members(self, kind).values():
            if member.details[f"{kind}Arn"] == arn:
                return member
    resource = original_get_resource_from_arn(self, arn)
    if getattr(resource, "tags", []) is None:
        resource.tags = []  # moto fails to list the tags of a resource that was created without any
    return resource


def _member_id(response: Any, kind: str) -> tuple[str, ...]:
    """Return the domain id and the values of MEMBER_KEYS in a request."""
    return tuple(response._get_param(name) for name in ("DomainId", *MEMBER_KEYS[kind]))


def _find_member(response: Any, kind: str) -> StudioMember:
    members, member_id = _members(response.sagemaker_backend, kind), _member_id(response, kind)
    if member_id not in members:
        raise ResourceNotFound(f"{kind} {member_id} does not exist.")
    return members[member_id]


def _members(backend: Any, kind: str) -> dict[tuple[str, ...], StudioMember]:
    """Return the members of all domains by id. They are kept on the backend, which is saved."""
    members: dict[tuple[str, ...], StudioMember] = backend.__dict__.setdefault("studio", {}).setdefault(kind, {})
    return members
