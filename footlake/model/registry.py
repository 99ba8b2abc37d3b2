"""Records of the lake's models, and the choice of the model in use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from footlake.aws import AwsContext
from footlake.errors import FootlakeCommand, Hint, NotReady
from footlake.handlers.scoring import SAGEMAKER, model_exists
from footlake.lake import s3_keys
from footlake.lake.store import LakeStore
from footlake.model.evaluation import Evaluation


@dataclass(frozen=True)
class ModelRecord:
    """What a model was trained on and with, and how good it is.

    `runs` is where it scores: `sagemaker` or `here` (the machine that runs footlake). `best` is the name of the best of
    the `candidates`, empty until the training is finished; it reached `value` of `metric` in the training's own
    validation. `evaluation` is on the seasons that were `held_out`. `scored` is true when the model has scored every
    team row, which is the last step of a training.
    """

    model: str
    runs: str
    made: str
    features: tuple[str, ...]
    rows: int
    seasons: tuple[str, ...]
    held_out: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    candidates: int = 0
    best: str = ""
    metric: str = ""
    value: float | None = None
    evaluation: Evaluation | None = None
    scored: bool = True

    @property
    def ready(self) -> bool:
        """Whether the training is finished."""
        return bool(self.best)


def lake_store(aws: AwsContext) -> LakeStore:
    """Return the lake's objects, as the Lambda functions see them."""
    return LakeStore(aws.client("s3"), aws.config.bucket, aws.config.account)


def load_record(aws: AwsContext, model: str) -> ModelRecord | None:
    """Return the record of a model, or None if it does not exist."""
    text = lake_store(aws).get(s3_keys.model_record(model))
    return None if text is None else _parse(text)


def save_record(aws: AwsContext, record: ModelRecord) -> None:
    """Store the record of a model."""
    lake_store(aws).put_if_changed(s3_keys.model_record(record.model), json.dumps(asdict(record), indent=1))


def mark_scored(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """Store and return the record with `scored` set."""
    if record.scored:
        return record
    record = replace(record, scored=True)
    save_record(aws, record)
    return record


def delete_record(aws: AwsContext, model: str) -> None:
    """Delete record and training set of a model whose training failed."""
    lake_store(aws).delete([s3_keys.model_record(model), s3_keys.model_training_set(model)])


def list_records(aws: AwsContext) -> list[ModelRecord]:
    """Return the records of the models whose training is finished, newest first."""
    return [record for record in _all_records(aws) if record.ready]


def unfinished_records(aws: AwsContext) -> list[ModelRecord]:
    """Return the records of SageMaker's models that were not completed with a model and its scores, newest first."""
    return [record for record in _all_records(aws) if record.runs == SAGEMAKER and not (record.ready and record.scored)]


def _all_records(aws: AwsContext) -> list[ModelRecord]:
    store = lake_store(aws)
    keys = [key for key in store.list_objects(s3_keys.MODELS) if key.endswith("/record.json")]
    records = [_parse(text) for key in keys if (text := store.get(key))]
    return sorted(records, key=lambda record: record.made, reverse=True)


def current_model(aws: AwsContext) -> ModelRecord | None:
    """Return the record of the model in use, or None if no model is in use."""
    text = lake_store(aws).get(s3_keys.MODEL_IN_USE)
    return load_record(aws, json.loads(text)["model"]) if text else None


def set_current_model(aws: AwsContext, model: str) -> ModelRecord:
    """Use this model from now on; all team rows will be scored again. Raises NotReady if there is no such model."""
    record = load_record(aws, model)
    if record is None or not record.ready:
        names = ", ".join(existing.model for existing in list_records(aws)) or "none"
        raise NotReady(f"Model {model} does not exist or is not trained.", f"Trained models of this lake: {names}.")
    if record.runs == SAGEMAKER and not exists_on_sagemaker(aws, model):
        raise NotReady(
            f"SageMaker does not have the model {model}; it may have been deleted.",
            Hint("To list the trained models: ", FootlakeCommand("models")),
        )
    document = {"model": record.model, "runs": record.runs, "features": record.features}
    lake_store(aws).put_if_changed(s3_keys.MODEL_IN_USE, json.dumps(document))
    return record


def exists_on_sagemaker(aws: AwsContext, model: str) -> bool:
    """Return whether SageMaker has this model."""
    return model_exists(aws.client("sagemaker"), model)


def _parse(text: str) -> ModelRecord:
    document: dict[str, Any] = json.loads(text)
    for name in ("features", "seasons", "held_out"):
        document[name] = tuple(document[name])
    if document.get("evaluation"):
        document["evaluation"] = Evaluation.of(document["evaluation"])
    names = [field.name for field in fields(ModelRecord)]
    return ModelRecord(**{name: document[name] for name in names if name in document})
