"""What the lake knows of its models: a record of each, and which one is in use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from footlake.aws import AwsContext
from footlake.errors import NotReady
from footlake.handlers.scoring import SAGEMAKER
from footlake.lake import s3_keys
from footlake.lake.store import LakeStore
from footlake.model.evaluation import Evaluation


@dataclass(frozen=True)
class ModelRecord:
    """A model: what it was trained on and with, and how good it is.

    `runs` is `sagemaker` or `here`, which is the machine that scores. `best` of so many `candidates` reached `value` of
    `metric` on the training's own validation; it is empty until the training is over. `evaluation` is on the seasons
    that were `held_out`. `scored` tells whether every team row was scored by it since, with which a training ends.
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
        """Whether its training is over."""
        return bool(self.best)


def lake_store(aws: AwsContext) -> LakeStore:
    """The lake's objects, as the functions on AWS see them."""
    return LakeStore(aws.client("s3"), aws.config.bucket, aws.config.account)


def load_record(aws: AwsContext, model: str) -> ModelRecord | None:
    """The record of a model, if there is one."""
    text = lake_store(aws).get(s3_keys.model_record(model))
    return None if text is None else _parse(text)


def save_record(aws: AwsContext, record: ModelRecord) -> None:
    """Keep the record of a model."""
    lake_store(aws).put_if_changed(s3_keys.model_record(record.model), json.dumps(asdict(record), indent=1))


def mark_scored(aws: AwsContext, record: ModelRecord) -> ModelRecord:
    """The record, in which it is kept from now on that every team row was scored."""
    if record.scored:
        return record
    done = replace(record, scored=True)
    save_record(aws, done)
    return done


def delete_record(aws: AwsContext, model: str) -> None:
    """Remove what was kept of a training that did not come about."""
    lake_store(aws).delete([s3_keys.model_record(model), s3_keys.model_training_set(model)])


def list_records(aws: AwsContext) -> list[ModelRecord]:
    """The records of the models that can score, the newest first."""
    store = lake_store(aws)
    keys = [key for key in store.list_objects(s3_keys.MODELS) if key.endswith("/record.json")]
    records = [_parse(text) for key in keys if (text := store.get(key))]
    return sorted((one for one in records if one.ready), key=lambda one: one.made, reverse=True)


def current_model(aws: AwsContext) -> ModelRecord | None:
    """The model in use."""
    text = lake_store(aws).get(s3_keys.MODEL_IN_USE)
    return load_record(aws, json.loads(text)["model"]) if text else None


def set_current_model(aws: AwsContext, model: str) -> ModelRecord:
    """Let this model score from now on, what is scored already included. NotReady if there is no such model."""
    record = load_record(aws, model)
    if record is None or not record.ready:
        known = ", ".join(one.model for one in list_records(aws)) or "none"
        raise NotReady(f"There is no trained model {model}.", f"The models of this lake are: {known}.")
    if record.runs == SAGEMAKER and not exists_on_sagemaker(aws, model):
        raise NotReady(f"SageMaker has no model {model} (any more).", "footlake models shows those that can score.")
    chosen = {"model": record.model, "runs": record.runs, "features": record.features}
    lake_store(aws).put_if_changed(s3_keys.MODEL_IN_USE, json.dumps(chosen))
    return record


def exists_on_sagemaker(aws: AwsContext, model: str) -> bool:
    """Whether SageMaker has this model."""
    # Asked for by its name, an unknown model is a ValidationException, like much else: the list tells.
    known = aws.client("sagemaker").list_models(NameContains=model)["Models"]
    return any(one["ModelName"] == model for one in known)


def _parse(text: str) -> ModelRecord:
    known: dict[str, Any] = json.loads(text)
    for name in ("features", "seasons", "held_out"):
        known[name] = tuple(known[name])
    if known.get("evaluation"):
        known["evaluation"] = Evaluation.of(known["evaluation"])
    return ModelRecord(**{one.name: known[one.name] for one in fields(ModelRecord) if one.name in known})
