"""Calls around the account that moto lacks: of budgets, Lake Formation, dashboards' tags and SageMaker Studio."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from footlake.local.context import Local
from footlake.local.validation.iam import find_principal
from footlake.local.validation.required_permissions import RequiredPermission
from footlake.local.validation.service_rules.sagemaker import sagemaker_quotas
from footlake.resources.lakeformation import SERVICE_ROLE


def install(local: Local) -> None:
    """Add the calls to moto."""
    _budgets()
    _lake_formation()
    _watching()
    _studio()
    _simulator()
    _quotas()


def _budgets() -> None:
    from moto.budgets.exceptions import NotFoundException
    from moto.budgets.models import Budget
    from moto.budgets.responses import BudgetsResponse
    from moto.core.responses import ActionResult, EmptyResult

    def budget(self: Any, name: str) -> Any:
        budgets = self.backend.budgets[self.current_account]
        if name not in budgets:
            raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
        return budgets[name]

    create = BudgetsResponse.create_budget

    def create_budget(self: Any) -> Any:
        answer = create(self)
        budget(self, self._get_param("Budget")["BudgetName"]).tags = self._get_param("ResourceTags") or []
        return answer

    def update_budget(self: Any) -> Any:
        new = self._get_param("NewBudget")
        old = budget(self, new["BudgetName"])
        old.budget = Budget({"TimePeriod": old.budget["TimePeriod"]} | new, []).budget
        return EmptyResult()

    def list_tags_for_resource(self: Any) -> Any:
        name = self._get_param("ResourceARN").rsplit("budget/", 1)[-1]
        return ActionResult({"ResourceTags": budget(self, name).tags})

    def describe_subscribers_for_notification(self: Any) -> Any:
        wanted = self._get_param("Notification")
        for notification in budget(self, self._get_param("BudgetName")).notifications:
            if notification.details == wanted:
                return ActionResult({"Subscribers": notification.subscribers})
        raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")

    for call in (create_budget, update_budget, list_tags_for_resource, describe_subscribers_for_notification):
        setattr(BudgetsResponse, call.__name__, call)


def _lake_formation() -> None:
    """The service-linked role of a location; permissions only on what is there, which go when it goes."""
    from moto.glue.models import GlueBackend, glue_backends
    from moto.lakeformation.exceptions import EntityNotFound, InvalidInput
    from moto.lakeformation.models import LakeFormationBackend, PermissionCatalog, lakeformation_backends

    lock = threading.Lock()  # several grants may come at once
    grant, revoke, list_ = (
        getattr(LakeFormationBackend, name) for name in ("grant_permissions", "revoke_permissions", "list_permissions")
    )
    register = LakeFormationBackend.register_resource
    delete = GlueBackend.delete_database

    def register_resource(self: Any, resource_arn: str, role_arn: str | None) -> None:
        register(self, resource_arn, role_arn or f"arn:aws:iam::{self.account_id}:role/{SERVICE_ROLE}")

    def check(self: Any, resource: Any) -> None:
        """Whether it is there; `resource` is a request's, or moto's object made of one."""
        named = resource if isinstance(resource, dict) else _request(resource)
        database = named.get("Database", {}).get("Name") or named.get("Table", {}).get("DatabaseName")
        if database and database not in glue_backends[self.account_id][self.region_name].databases:
            raise EntityNotFound

    def grant_permissions(self: Any, catalog_id: str, principal: Any, resource: Any, *rest: Any, **more: Any) -> None:
        check(self, resource)
        location = resource.get("DataLocation", {}).get("ResourceArn")
        if location and location not in self.resources:
            raise InvalidInput("You must register the S3 path before granting permissions on it.")
        with lock:
            grant(self, catalog_id, principal, resource, *rest, **more)

    def revoke_permissions(self: Any, *arguments: Any, **named: Any) -> None:
        with lock:
            revoke(self, *arguments, **named)

    def list_permissions(self: Any, catalog_id: str, principal: Any = None, resource: Any = None, **more: Any) -> Any:
        if resource is not None:
            check(self, resource)
        with lock:
            return list_(self, catalog_id, principal, resource, **more)

    def add(self: Any, permission: Any) -> None:
        """moto changes a member of its set in place, and cannot find it again by its hash."""
        old = next((one for one in self.permissions if permission.equal_principal_and_resouce(one)), None)
        if old:
            permission.merge(old)
        self.permissions = {one for one in self.permissions if one is not old} | {permission}

    def delete_database(self: Any, database_name: str, *rest: Any, **more: Any) -> Any:
        answer = delete(self, database_name, *rest, **more)
        with lock:
            for catalog in lakeformation_backends[self.account_id][self.region_name].grants.values():
                catalog.permissions = {one for one in catalog.permissions if not _concerns(one.resource, database_name)}
        return answer

    for method in (register_resource, grant_permissions, revoke_permissions, list_permissions):
        setattr(LakeFormationBackend, method.__name__, method)
    PermissionCatalog.add_permission = add
    GlueBackend.delete_database = delete_database


def _request(resource: Any) -> dict[str, Any]:
    """What a request named, from the object that moto makes of it to list permissions."""
    database, table = resource.database, resource.table
    named: dict[str, Any] = {"Database": {"Name": database.name}} if database else {}
    return named | ({"Table": {"DatabaseName": table.database_name}} if table else {})


def _concerns(resource: dict[str, Any], database: str) -> bool:
    return database in (resource.get("Database", {}).get("Name"), resource.get("Table", {}).get("DatabaseName"))


def _watching() -> None:
    """Tags of dashboards, which are given when one is made; tags of dashboards and alarms, which go with them."""
    from moto.cloudwatch.models import CloudWatchBackend
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.cloudwatch.utils import make_arn_for_alarm, make_arn_for_dashboard

    put, delete = CloudWatchResponse.put_dashboard, CloudWatchBackend.delete_dashboards
    delete_alarm = CloudWatchBackend.delete_alarms

    def put_dashboard(self: Any) -> Any:
        backend, name = self.cloudwatch_backend, self._get_param("DashboardName")
        new = backend.get_dashboard(name) is None
        answer = put(self)
        if new:
            arn = make_arn_for_dashboard(backend.account_id, backend.region_name, name)
            backend.tagger.tag_resource(arn, self._get_param("Tags") or [])
        return answer

    def delete_dashboards(self: Any, dashboards: list[str]) -> Any:
        error = delete(self, dashboards)
        if error is None:
            for name in dashboards:
                self.tagger.delete_all_tags_for_resource(
                    make_arn_for_dashboard(self.account_id, self.region_name, name)
                )
        return error

    def delete_alarms(self: Any, alarm_names: list[str]) -> None:
        delete_alarm(self, alarm_names)
        for name in alarm_names:
            self.tagger.delete_all_tags_for_resource(make_arn_for_alarm(self.region_name, self.account_id, name))

    CloudWatchBackend.delete_alarms = delete_alarms
    CloudWatchResponse.put_dashboard = put_dashboard
    CloudWatchBackend.delete_dashboards = delete_dashboards


@dataclass
class Member:
    """A user profile, a space or an app of a Studio domain."""

    details: dict[str, Any]
    tags: list[dict[str, str]]


# What tells the members of a domain apart, by their kind.
MEMBERS = {
    "UserProfile": ("UserProfileName",),
    "Space": ("SpaceName",),
    "App": ("UserProfileName", "SpaceName", "AppType", "AppName"),
}


def _members(backend: Any, kind: str) -> dict[tuple[Any, ...], Member]:
    """The members of all domains, on the backend so that they are saved with it."""
    stored: dict[tuple[Any, ...], Member] = backend.__dict__.setdefault("studio", {}).setdefault(kind, {})
    return stored


def _studio() -> None:
    from moto.core.responses import ActionResult, EmptyResult
    from moto.core.utils import utcnow
    from moto.sagemaker.exceptions import ResourceInUseException, ResourceNotFound
    from moto.sagemaker.models import SageMakerModelBackend
    from moto.sagemaker.responses import SageMakerResponse

    def key(self: Any, kind: str) -> tuple[Any, ...]:
        return self._get_param("DomainId"), *(self._get_param(name) for name in MEMBERS[kind])

    def find(self: Any, kind: str) -> Member:
        members = _members(self.sagemaker_backend, kind)
        if key(self, kind) not in members:
            raise ResourceNotFound(f"{kind} {key(self, kind)} does not exist.")
        return members[key(self, kind)]

    def create(self: Any, kind: str) -> Any:
        backend, id = self.sagemaker_backend, key(self, kind)
        backend.describe_domain(id[0])
        if id in _members(backend, kind):
            raise ResourceInUseException(f"{kind} already exists: {id[-1]}")
        resource = {"UserProfile": "user-profile", "Space": "space", "App": "app"}[kind]
        path = "/".join(str(part).lower() for part in id if part)
        arn = f"arn:aws:sagemaker:{self.region}:{self.current_account}:{resource}/{path}"
        owner = self._get_param("OwnershipSettings")
        details = {
            "DomainId": id[0],
            **{name: value for name, value in zip(MEMBERS[kind], id[1:], strict=True) if value},
            **({"OwnershipSettingsSummary": owner} if owner else {}),
            f"{kind}Arn": arn,
            "Status": "InService",
            "CreationTime": utcnow(),
        }
        _members(backend, kind)[id] = Member(details, self._get_param("Tags") or [])
        return ActionResult({f"{kind}Arn": arn})

    def describe(self: Any, kind: str) -> Any:
        return ActionResult(find(self, kind).details)

    def delete(self: Any, kind: str) -> Any:
        find(self, kind)
        apps = _members(self.sagemaker_backend, "App")
        if kind != "App" and any(app[0] == key(self, kind)[0] and key(self, kind)[1] in app[1:3] for app in apps):
            raise ResourceInUseException(f"Unable to delete {kind} with existing apps.")
        del _members(self.sagemaker_backend, kind)[key(self, kind)]
        return EmptyResult()

    def list_(self: Any, kind: str) -> Any:
        domain = self._get_param("DomainIdEquals")
        members = _members(self.sagemaker_backend, kind).values()
        return ActionResult({f"{kind}s": [one.details for one in members if one.details["DomainId"] == domain]})

    def bound(call: Callable[[Any, str], Any], kind: str) -> Callable[[Any], Any]:
        return lambda self: call(self, kind)

    for kind, name in (("UserProfile", "user_profile"), ("Space", "space"), ("App", "app")):
        for verb, call in (("create", create), ("describe", describe), ("delete", delete)):
            setattr(SageMakerResponse, f"{verb}_{name}", bound(call, kind))
        setattr(SageMakerResponse, f"list_{name}s", bound(list_, kind))

    def update_domain(self: Any) -> Any:
        backend, id = self.sagemaker_backend, self._get_param("DomainId")
        backend.describe_domain(id)
        domain = backend.domains[id]
        domain.default_user_settings = domain.default_user_settings | (self._get_param("DefaultUserSettings") or {})
        return ActionResult({"DomainArn": domain.arn})

    SageMakerResponse.update_domain = update_domain

    delete_domain = SageMakerModelBackend.delete_domain
    from_arn = SageMakerModelBackend._get_resource_from_arn

    def delete_empty_domain(self: Any, domain_id: str, retention_policy: Any) -> None:
        if any(id[0] == domain_id for kind in MEMBERS for id in _members(self, kind)):
            raise ResourceInUseException("Unable to delete Domain with existing user profiles, spaces or apps.")
        delete_domain(self, domain_id, retention_policy)

    def resource_from_arn(self: Any, arn: str) -> Any:
        for kind in MEMBERS:
            for member in _members(self, kind).values():
                if member.details[f"{kind}Arn"] == arn:
                    return member
        resource = from_arn(self, arn)
        if getattr(resource, "tags", []) is None:
            resource.tags = []  # moto cannot list those that were not given
        return resource

    SageMakerModelBackend.delete_domain = delete_empty_domain
    SageMakerModelBackend._get_resource_from_arn = resource_from_arn


def _simulator() -> None:
    """IAM's policy simulator, deciding as the local AWS itself does."""
    from moto.core.responses import ActionResult
    from moto.iam.responses import IamResponse

    def simulate_principal_policy(self: Any) -> Any:
        principal = find_principal(self.current_account, self._get_param("PolicySourceArn"))
        entries = self._get_param("ContextEntries") or []
        context = {one["ContextKeyName"].lower(): one["ContextKeyValues"][0] for one in entries}
        results = []
        for action in self._get_param("ActionNames"):
            decisions = {
                resource: "allowed"
                if principal.is_allowed(RequiredPermission(action, resource, context))
                else "implicitDeny"
                for resource in self._get_param("ResourceArns") or ["*"]
            }
            results.append(
                {
                    "EvalActionName": action,
                    "EvalResourceName": next(iter(decisions)),
                    "EvalDecision": next(iter(decisions.values())),
                    "MatchedStatements": [],
                    "MissingContextValues": [],
                    "ResourceSpecificResults": [
                        {"EvalResourceName": resource, "EvalResourceDecision": decision}
                        for resource, decision in decisions.items()
                    ],
                }
            )
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    IamResponse.simulate_principal_policy = simulate_principal_policy


def _quotas() -> None:
    """SageMaker's quotas, of which `FOOTLAKE_LOCAL_QUOTAS` may set some otherwise: `<name>=<value>;…`."""
    from moto.servicequotas.responses import ServiceQuotasResponse

    def list_service_quotas(self: Any) -> str:
        service = json.loads(self.body)["ServiceCode"]
        return json.dumps(
            {
                "Quotas": [
                    {
                        "ServiceCode": service,
                        "QuotaName": name,
                        "QuotaCode": f"L-{zlib.crc32(name.encode()):08X}",
                        "Value": value,
                        "Adjustable": True,
                    }
                    for name, value in sagemaker_quotas().items()
                    if service == "sagemaker"
                ]
            }
        )

    ServiceQuotasResponse.list_service_quotas = list_service_quotas
