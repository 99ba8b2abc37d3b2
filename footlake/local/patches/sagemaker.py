"""Amazon SageMaker: models, and List operations that filter, sort and paginate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import AWSValidationException
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from footlake.local.patches.methods import replace_methods

Summary = Mapping[str, Any]

DEFAULT_PAGE_SIZE = 10
# ListModels can lag behind CreateModel; DescribeModel does not.
LIST_LAG = timedelta(seconds=1)

original_create_model = SageMakerModelBackend.create_model


def install() -> None:
    """Replace moto's methods."""
    replace_methods(SageMakerModelBackend, create_model)
    replace_methods(SageMakerResponse, list_models)


def create_model(self: Any, model_name: str, **parameters: Any) -> Any:
    """Create a model unless its name is taken; moto would replace the model."""
    if model_name in self._models:
        raise AWSValidationException(f'Cannot create already existing model "{self._models[model_name].arn}".')
    return original_create_model(self, model_name=model_name, **parameters)


def list_models(self: Any) -> Any:
    """Return a page of model summaries, without models that were just created."""
    models = [
        {"ModelName": model.model_name, "ModelArn": model.arn, "CreationTime": model.creation_time}
        for model in self.sagemaker_backend.list_models()
        if now() - model.creation_time >= LIST_LAG
    ]
    return list_page(self, "Models", models, "ModelName")


def now() -> datetime:
    """Return the time as moto stores it: in UTC, without time zone."""
    time: datetime = utcnow()
    return time


def list_page(
    response: Any,
    result_key: str,
    summaries: Iterable[Summary],
    name_key: str,
    status_key: str = "",
    sort_keys: Mapping[str, Callable[[Summary], Any]] | None = None,
    default_order: str = "Descending",
) -> Any:
    """Return the page of `summaries` for the List request that `response` (moto's response object) answers.

    `name_key` and `status_key` are the keys of name and status in a summary. `sort_keys` adds values of SortBy to
    Name, Status and CreationTime.
    """
    get_param = response._get_param
    by: dict[str, Callable[[Summary], Any]] = {
        "Name": lambda summary: summary[name_key],
        "Status": lambda summary: summary[status_key],
        "CreationTime": lambda summary: summary["CreationTime"],
        **(sort_keys or {}),
    }
    descending = (get_param("SortOrder") or default_order) == "Descending"
    matching = sorted(
        (summary for summary in summaries if _matches(summary, name_key, status_key, get_param)),
        key=by[get_param("SortBy") or "CreationTime"],
        reverse=descending,
    )
    start = int(get_param("NextToken") or 0)
    end = start + int(get_param("MaxResults") or DEFAULT_PAGE_SIZE)
    next_token = {"NextToken": str(end)} if end < len(matching) else {}
    return ActionResult({result_key: matching[start:end], **next_token})


def _matches(summary: Summary, name_key: str, status_key: str, get_param: Callable[[str], Any]) -> bool:
    """Return whether a summary passes the filters of a List request."""
    filters: dict[str, Callable[[Any], bool]] = {
        "NameContains": lambda part: part.lower() in summary[name_key].lower(),
        f"{name_key}Equals": lambda name: name == summary[name_key],
        "StatusEquals": lambda status: status == summary[status_key],
        "CreationTimeAfter": lambda time: summary["CreationTime"] > _to_naive_utc(time),
        "CreationTimeBefore": lambda time: summary["CreationTime"] < _to_naive_utc(time),
        "LastModifiedTimeAfter": lambda time: summary["LastModifiedTime"] > _to_naive_utc(time),
        "LastModifiedTimeBefore": lambda time: summary["LastModifiedTime"] < _to_naive_utc(time),
    }
    return all(matches(get_param(name)) for name, matches in filters.items() if get_param(name))


def _to_naive_utc(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
