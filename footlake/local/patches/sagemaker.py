"""SageMaker's List calls as AWS answers them, filtered, sorted and paged, which moto's are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Item = Mapping[str, Any]


def now() -> datetime:
    """The time as moto keeps it: UTC, without saying so."""
    from moto.core.utils import utcnow

    time: datetime = utcnow()
    return time


def listing(
    response: Any,
    key: str,
    items: Iterable[Item],
    name: str,
    status: str = "",
    sorts: Mapping[str, Callable[[Item], Any]] | None = None,
    order: str = "Descending",
) -> Any:
    """The answer to the List request that `response` (moto's) is dealing with: a page of `items` under `key`.

    `name` and `status` say under which keys an item has them; `sorts` adds to the usual values of SortBy;
    `order` is the default of SortOrder.
    """
    from moto.core.responses import ActionResult

    wanted = response._get_param
    chosen = [item for item in items if _passes(item, name, status, wanted)]
    by: dict[str, Callable[[Item], Any]] = {
        "Name": lambda item: item[name],
        "Status": lambda item: item[status],
        "CreationTime": lambda item: item["CreationTime"],
        **(sorts or {}),
    }
    chosen.sort(key=by[wanted("SortBy") or "CreationTime"], reverse=(wanted("SortOrder") or order) == "Descending")
    start = int(wanted("NextToken") or 0)
    end = start + int(wanted("MaxResults") or 10)
    more = {"NextToken": str(end)} if end < len(chosen) else {}
    return ActionResult({key: chosen[start:end], **more})


def install_models() -> None:
    """Let ListModels filter, sort and page, and CreateModel refuse a name that is taken."""
    from moto.sagemaker.exceptions import AWSValidationException
    from moto.sagemaker.models import SageMakerModelBackend
    from moto.sagemaker.responses import SageMakerResponse

    method = SageMakerModelBackend.create_model
    record = getattr(method, "__wrapped__", method)

    def create(self: Any, model_name: str, **request: Any) -> Any:
        if model_name in self._models:
            raise AWSValidationException(f'Cannot create already existing model "{self._models[model_name].arn}".')
        return record(self, model_name=model_name, **request)

    create.__wrapped__ = record  # type: ignore[attr-defined]

    def list_models(self: Any) -> Any:
        models = [
            {"ModelName": model.model_name, "ModelArn": model.arn, "CreationTime": model.creation_time}
            for model in self.sagemaker_backend.list_models()
        ]
        return listing(self, "Models", models, "ModelName")

    SageMakerModelBackend.create_model = create
    SageMakerResponse.list_models = list_models


def _passes(item: Item, name: str, status: str, wanted: Callable[[str], Any]) -> bool:
    refusals: dict[str, Callable[[Any], bool]] = {
        "NameContains": lambda part: part.lower() not in item[name].lower(),
        f"{name}Equals": lambda whole: whole != item[name],
        "StatusEquals": lambda one: one != item[status],
        "CreationTimeAfter": lambda time: item["CreationTime"] <= _naive(time),
        "CreationTimeBefore": lambda time: item["CreationTime"] >= _naive(time),
        "LastModifiedTimeAfter": lambda time: item["LastModifiedTime"] <= _naive(time),
        "LastModifiedTimeBefore": lambda time: item["LastModifiedTime"] >= _naive(time),
    }
    return not any(wanted(filter) and refuses(wanted(filter)) for filter, refuses in refusals.items())


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
