"""Hyperparameters by their dotted names, such as `training.learning_rate`, laid on sections of an experiment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.augmentation import Augmentation
from schemas.model import Model
from schemas.problems import dotted, suggestion
from schemas.training import Training
from schemas.tuning import Value

# KerasTuner's own entries among a trial's values.
_RESERVED = "tuner/"


class Sections(NamedTuple):
    """The sections that have hyperparameters."""

    model: Model = Model()
    training: Training = Training()
    augmentation: Augmentation = Augmentation()


def apply(sections: Sections, values: Mapping[str, Value]) -> Sections:
    """Lays hyperparameters on the sections of an experiment.

    Args:
      sections: of the experiment.
      values: by dotted name, as `model.dropout`. A name below a section that is null gives that section, the rest of it
        by default. What KerasTuner keeps for itself is passed over.

    Raises:
      ValueError: there is no such key, or it cannot have such a value.
    """
    contents = {name: section.model_dump(mode="json") for name, section in sections._asdict().items()}
    for name, value in plain_values(values).items():
        _lay(contents, name, value)
    return Sections(
        model=_validated(Model, "model", contents),
        training=_validated(Training, "training", contents),
        augmentation=_validated(Augmentation, "augmentation", contents),
    )


def plain_values(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values without what KerasTuner keeps for itself."""
    return {name: value for name, value in values.items() if not name.startswith(_RESERVED)}


def _lay(contents: dict[str, Any], name: str, value: Value) -> None:
    first, *keys = name.split(".")
    if first not in contents or not keys:
        known = "expected a key of model, training or augmentation, such as training.learning_rate"
        raise ValueError(f"{name}: is no hyperparameter; {known}{suggestion(first, contents)}")
    section = contents[first]
    for key in keys[:-1]:
        if not isinstance(section.get(key), dict):
            section[key] = {}
        section = section[key]
    section[keys[-1]] = value


def _validated(section: type[Any], place: str, contents: Mapping[str, Any]) -> Any:
    try:
        # Strict, as an experiment is read, and from JSON, where a list may become a tuple.
        return section.model_validate_json(json.dumps(contents[place]), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ValueError("; ".join(_described(each, place, contents[place]) for each in found)) from error


def _described(error: Any, place: str, section: Any) -> str:
    location = error["loc"]
    name = dotted((place, *location))
    if error["type"] != "extra_forbidden":
        return f"{name}: {error['msg']} (got {json.dumps(error['input'])})"
    for key in location[:-1]:
        section = section.get(key, {})
    return f"{name}: unknown key{suggestion(location[-1], set(section) - {location[-1]})}"
