from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.trainer.component import image_trainer
from schemas.experiment import Experiment


def config(**values: Any) -> dict[str, Any]:
    """What the stage hands to the training, for an experiment with these sections."""
    experiment = Experiment.model_validate({"name": "a", "data": {"source": "here"}, **values})
    examples, graph, schema = (
        types.Channel(type=kind)
        for kind in (standard_artifacts.Examples, standard_artifacts.TransformGraph, standard_artifacts.Schema)
    )
    trainer = image_trainer(experiment, examples, graph, schema, None)
    content: dict[str, Any] = json.loads(trainer.exec_properties["custom_config"])
    return content


def test_only_what_makes_a_model_counts() -> None:
    """A changed threshold, gate or runner does not train anew; a changed model, training or data does."""
    known = config()
    unrelated = {
        "gate": {"anomalies": "warn"},
        "beam": {"args": ["--x"]},
        "data": {"source": "here", "quarantine": {"max_fraction": 0.5}},
    }
    assert config(evaluation={"thresholds": {"accuracy": {"min": 0.9}}}, **unrelated) == known
    for section in (
        {"training": {"epochs": 3}},
        {"model": {"filters": [8]}},
        {"preprocessing": {"width": 32}},
        {"data": {"source": "there"}},
        {"augmentation": {"flip": "both"}},
    ):
        assert config(**section) != known


def test_the_code_counts() -> None:
    """The digest of the training's code is among what decides whether a model is trained anew."""
    assert config()["code_digest"] == code_digest("trainer")


def test_a_model_carries_its_experiment() -> None:
    """The experiment's sections travel with the model, under a digest that follows from them."""
    first, second = (json.loads(config(training={"epochs": epochs})["experiment"]) for epochs in (3, 4))
    assert first["experiment"]["name"] == "a"
    assert first["experiment"]["training"]["epochs"] == 3
    assert set(first["experiment"]) == {
        *("name", "data", "preprocessing", "augmentation", "model", "training", "tuning")
    }
    assert len(first["digest"]) == 64
    assert first["digest"] != second["digest"]
    assert json.loads(config(training={"epochs": 3})["experiment"]) == first
