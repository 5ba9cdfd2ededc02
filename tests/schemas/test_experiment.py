from __future__ import annotations

from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

from schemas.data import Data, Splits
from schemas.evaluation import Threshold
from schemas.experiment import Experiment
from schemas.gate import Gate
from schemas.section import Section

SHORTEST = {"name": "flowers", "data": {"source": "/data/flowers"}}


def sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = {model}
    for field in model.model_fields.values():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= sections(kind)
    return found


def test_a_name_and_a_source_are_enough() -> None:
    """Every key but the name and the origin of the data has a default."""
    experiment = Experiment.model_validate(SHORTEST)
    assert (experiment.data.format, experiment.data.encoding) == ("tfrecord", "compressed")
    assert (experiment.data.splits.eval, experiment.data.splits.test) == ("auto", "auto")
    assert experiment.data.quarantine.max_fraction == 0.01
    assert experiment.evaluation.thresholds["accuracy"].min is not None


def test_every_key_is_explained() -> None:
    """Each key and each section has a docstring, which editors and error messages show."""
    for section in sections(Experiment):
        assert section.__doc__, section
        for name, field in section.model_fields.items():
            assert field.description, f"{section.__name__}.{name}"


def test_sections_are_closed_and_fixed() -> None:
    """An experiment cannot be changed, nor hold a key that no type describes."""
    for section in sections(Experiment):
        assert issubclass(section, Section)
        assert section.model_config["extra"] == "forbid"
    experiment = Experiment.model_validate(SHORTEST)
    with pytest.raises(ValidationError, match="frozen"):
        experiment.training.epochs = 3


def test_the_digest_follows_every_value() -> None:
    """Equal experiments have one digest, whether defaults are written out or not; any change gives another."""
    experiment = Experiment.model_validate(SHORTEST)
    written_out = Experiment.model_validate(experiment.model_dump(by_alias=True))
    changed = Experiment.model_validate({**SHORTEST, "training": {"seed": 1}})
    assert len(experiment.digest()) == 64
    assert written_out.digest() == experiment.digest()
    assert changed.digest() != experiment.digest()


@pytest.mark.parametrize(
    ("splits", "is_allowed"),
    [
        ({"eval": 0.4, "test": 0.5}, True),
        ({"eval": 0.5, "test": 0.5}, False),
        ({"eval": 0.9, "test": "test-*"}, True),
        ({"eval": "auto", "test": "auto"}, True),
        ({"eval": 0.9, "test": "auto"}, True),
        ({"train": "auto"}, True),
        ({"eval": 1.0}, False),
        ({"train": "a/b-*", "eval": "x..y"}, True),
        ({"train": "../b"}, False),
        ({"train": "a/.."}, False),
        ({"test": "/x"}, False),
        ({"test": "~/x"}, False),
        ({"eval": "s3://b/x"}, False),
        ({"eval": ""}, False),
    ],
)
def test_splits(splits: dict[str, object], is_allowed: bool) -> None:
    """Shares leave something to train on, and patterns stay inside of the source."""
    if is_allowed:
        Splits.model_validate(splits)
    else:
        with pytest.raises(ValidationError):
            Splits.model_validate(splits)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "give 'min' or 'max'"),
        ({"max_drop": 0.1}, "give 'min' or 'max'"),
        ({"min": 0.9, "max": 0.1}, "min 0.9 is above max 0.1"),
        ({"min": 0.9, "max_drop": 0.1, "max_rise": 0.1}, "give only one of"),
        ({"min": float("nan")}, "finite"),
        ({"min": 0.5, "max_drop": -0.1}, "greater than or equal to 0"),
    ],
)
def test_thresholds_that_make_no_sense(limits: dict[str, float], message: str) -> None:
    """A threshold limits the value itself, without contradiction, and a change in one direction at most."""
    with pytest.raises(ValidationError, match=message):
        Threshold.model_validate(limits)
    assert Threshold(min=0.5, max_drop=0.0).max_drop == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "exactly one of 'source'"),
        ({"source": "a", "dataset": "digits"}, "exactly one of 'source'"),
        ({"source": "a", "labels": ["x", "y", "x"]}, "more than one of the labels is 'x'"),
        ({"source": "a", "labels": ["x"]}, "at least 2"),
        ({"source": "a", "labels": ["x", ""]}, "at least 1 character"),
        ({"source": "a", "format": "csv"}, "'tfrecord', 'image_folder' or 'manifest'"),
        ({"source": "a", "images": "b"}, "'images' belongs to the format 'manifest'"),
        ({"source": "a", "format": "image_folder", "images": "b"}, "'images' belongs to the format 'manifest'"),
        ({"source": "a", "format": "image_folder", "encoding": "raw"}, "the encoding 'raw' belongs to TFRecords"),
        ({"source": "a", "format": "manifest", "encoding": "float32"}, "the encoding 'float32' belongs to TFRecords"),
        ({"dataset": "digits", "format": "manifest"}, "the embedded data sets are TFRecords; leave out format: manif"),
        ({"source": "a", "columns": {"file": "x"}}, "Extra inputs are not permitted"),
        ({"source": "a", "spans": {"window": 0}}, "greater than or equal to 1"),
        ({"source": "a", "quarantine": {"max_pixels": 2**29}}, "less than 536870912"),
    ],
)
def test_data_that_makes_no_sense(data: dict[str, object], message: str) -> None:
    """The images come from one place, and the classes can be told apart by their names."""
    with pytest.raises(ValidationError, match=message):
        Data.model_validate(data)


@pytest.mark.parametrize(
    "data",
    [
        {"source": "a.csv", "format": "manifest", "images": "b", "columns": {"path": "file", "split": "fold"}},
        {"source": "a/{SPAN}/v{VERSION}/*", "format": "image_folder", "spans": {"window": 3}},
        {"source": "a", "format": "image_folder", "encoding": "compressed", "labels": ["x", "y"]},
        {"source": "a", "quarantine": {"max_pixels": 1, "max_fraction": 1.0}},
        {"dataset": "digits", "format": "tfrecord"},
    ],
)
def test_data_that_makes_sense(data: dict[str, object]) -> None:
    """Every format takes the keys that belong to it, and what is stated comes back as it was."""
    assert Data.model_validate(data).model_dump(include=set(data), exclude_unset=True) == {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }


def test_the_gate_fails_for_what_cannot_be_trained_on() -> None:
    """By default anomalies, quarantine and missing classes end a run; what may be as it should be only warns."""
    gate = Gate()
    failing = {name for name, value in gate if value == "fail"}
    warning = {name for name, value in gate if value == "warn"}
    assert failing == {"anomalies", "quarantine", "too_few"}
    assert warning == {"imbalance", "duplicates", "leakage", "conflicts", "drift", "skew"}


@pytest.mark.parametrize(
    "key", ["anomalies", "quarantine", "too_few", "imbalance", "duplicates", "leakage", "conflicts", "drift", "skew"]
)
def test_each_check_of_the_gate_has_a_policy(key: str) -> None:
    """Every check can fail a run, warn, or be off, and nothing else."""
    for policy in ("fail", "warn", "off"):
        assert getattr(Gate.model_validate({key: policy}), key) == policy
    with pytest.raises(ValidationError, match="'fail', 'warn' or 'off'"):
        Gate.model_validate({key: True})


@pytest.mark.parametrize(
    "limits",
    [
        {"min_per_class": 0},
        {"max_imbalance": 0.99},
        {"max_drift": 0},
        {"max_drift": 1.01},
        {"max_skew": 0},
        {"max_skew": float("nan")},
    ],
)
def test_limits_of_the_gate_that_make_no_sense(limits: dict[str, float]) -> None:
    """A limit that all data or none would meet is refused."""
    with pytest.raises(ValidationError):
        Gate.model_validate(limits)
