from __future__ import annotations

import pytest

from schemas.experiment import Experiment
from schemas.search_space import check_space, ends_and_values, searchable_keys, trial_of
from schemas.tuning import Range


def experiment_with(space: object, **tuning: object) -> Experiment:
    content = {"name": "x", "data": {"dataset": "digits"}, "tuning": {**tuning, "search": {"space": space}}}
    return Experiment.model_validate(content)


def refusals(space: object, **tuning: object) -> list[str]:
    return [str(problem) for problem in check_space(experiment_with(space, **tuning))]


@pytest.mark.parametrize(
    "space",
    [
        {"training.learning_rate": {"min": 1e-5, "max": 0.1, "scale": "log"}},
        {"model.dropout": [0, 0.25, 0.5], "model.l2": {"min": 0, "max": 1}},
        {"training.batch_size": {"min": 8, "max": 64, "whole": True}, "training.optimizer": ["adam", "sgd"]},
        {"training.early_stopping.patience": [2, 4], "training.schedule.kind": ["cosine", "step"]},
        {"augmentation.flip": ["horizontal"], "augmentation.mixup": {"min": 0, "max": 0.4}},
        {"model.weights": ["random"], "model.backbone": ["small_cnn", "small_resnet"], "training.xla": [True, False]},
        # Of sections that are null, one way or the other.
        {"training.clip_norm": [1, 5.0], "training.initialization.candidates": [2, 4]},
    ],
)
def test_what_can_be_searched(space: dict[str, object]) -> None:
    """Single values of keys of model, training and augmentation, those below sections too."""
    assert refusals(space) == []


def test_no_search_has_no_space() -> None:
    """Where nothing is searched for, nothing is refused; and the default space is right."""
    content = {"name": "x", "data": {"dataset": "digits"}}
    assert check_space(Experiment.model_validate(content)) == []
    assert check_space(Experiment.model_validate({**content, "tuning": {"search": {}}})) == []


@pytest.mark.parametrize(
    ("key", "tried", "start"),
    [
        ("training.batchsize", [8], "no key of model, training or augmentation; did you mean 'training.batch_size'?"),
        ("dropout", [0.5], "no key of model, training or augmentation; did you mean 'model.dropout'?"),
        ("l2", [0.5], "no key of model, training or augmentation; did you mean 'model.l2'?"),
        ("trainin.learning_rate", [1], "no key of model, training or augmentation; did you mean 'training.learning_"),
        ("training.schedule.knd", ["step"], "no key of model, training or augmentation; did you mean 'training.sche"),
        ("model.filters.0", [8], "no key of model, training or augmentation"),
        ("zzz", [8], "no key of model, training or augmentation"),
        ("preprocessing.height", [8], "cannot be searched; only keys of model, training and augmentation can"),
        ("training.epochs", [8], "cannot be searched, for every trial has tuning.search.epochs epochs; set that"),
        (
            "model.filters",
            [8],
            "takes a list of at least 1, each item a whole number of at least 1, and a search tries",
        ),
        ("training.schedule", ["step"], "is a section, of which a search varies single keys; name one of them\n"),
        ("model", ["x"], "is a section, of which a search varies single keys; name one of them\n"),
        ("model.dropout", [0.1, 1.5], "got the number 1.5; expected a number of at least 0 and below 1"),
        ("model.dropout", {"min": 0.5, "max": 1}, "got the number 1.0; expected a number of at least 0 and below 1"),
        ("training.learning_rate", {"min": 0, "max": 1}, "got the number 0.0; expected a number above 0, or null"),
        ("training.batch_size", ["8"], "got the text '8'; expected a whole number of at least 1; write 8, without"),
        ("training.batch_size", [True], "got true; expected a whole number of at least 1"),
        (
            "training.batch_size",
            {"min": 8, "max": 9},
            "got a range of any numbers, and the key takes whole ones; add wh",
        ),
        (
            "model.l2",
            {"min": 0.5, "max": 2, "whole": True},
            "got a range of whole numbers that ends at 0.5; give it whole",
        ),
        ("training.optimizer", ["adam", "sdg"], "got the text 'sdg'; expected one of 'sgd', "),
        ("training.optimizer", {"min": 0, "max": 1}, "got a range; the key takes one of 'sgd', 'adadelta', "),
        ("model.backbone", ["vgg"], "unknown backbone 'vgg'; did you mean 'vgg19'?"),
        ("training.xla", ["on"], "got the text 'on'; expected true or false; write true"),
        ("model.dropout", [], "got no value to try; list some, or leave the key out"),
        ("model.weights.experiment", ["X"], "got the text 'X'; expected a text that matches "),
    ],
)
def test_what_cannot_be_searched(key: str, tried: object, start: str) -> None:
    """What is no key, is not of single values, or does not take a value: one problem that says how to mend it."""
    [problem] = refusals({key: tried})
    assert f"{problem}\n".startswith(f"tuning.search.space.{key}: {start}")


def test_known_keys_are_listed() -> None:
    """A misspelt key and a section are answered with the keys that are known there."""
    [problem] = refusals({"augmentation.schema": [1]})
    assert "\n    known in augmentation: brightness, contrast, crop, " in problem
    [problem] = refusals({"training.schedule": [1]})
    known = "known in training.schedule: decay, every, factor, final, kind, warm_up_epochs"
    assert problem.splitlines()[1:] == [f"    {known}"]


def test_every_wrong_key_is_told_at_once() -> None:
    """Each key of the space has its own problem."""
    told = refusals({"model.dropout": [2], "model.l2": [0.1], "zzz": [1], "training.seed": [-1]})
    assert [problem.split(": ")[0].removeprefix("tuning.search.space.") for problem in told] == [
        "model.dropout",
        "zzz",
        "training.seed",
    ]


def test_a_sweep_chooses_the_rate_alone() -> None:
    """A space that states the learning rate is refused beside a sweep; the default space is not."""
    rate = {"training.learning_rate": [0.1, 0.01]}
    assert refusals({**rate, "model.l2": [0.1]}) == []
    assert refusals({**rate, "model.l2": [0.1]}, sweep={}) == [
        "tuning.search.space.training.learning_rate: is chosen by tuning.sweep already; leave it out here, or leave the"
        " sweep out"
    ]
    assert refusals({"model.l2": [0.1]}, sweep={}) == []
    content = {"name": "x", "data": {"dataset": "digits"}, "tuning": {"sweep": {}, "search": {}}}
    assert check_space(Experiment.model_validate(content)) == []


def test_searchable_keys() -> None:
    """Keys of single values of the three sections, and no others."""
    keys = searchable_keys()
    assert {"model.backbone", "model.weights", "training.learning_rate", "training.transfer.control.epochs"} <= {*keys}
    assert not {"model.filters", "model", "training.schedule", "training.epochs", "data.source"} & {*keys}
    assert {key.partition(".")[0] for key in keys} == {"model", "training", "augmentation"}


def test_a_trial_differs_in_its_values_alone() -> None:
    """Keys of several sections are set, null sections on the way are made; nothing else changes."""
    experiment = experiment_with({"model.l2": [0.1]})
    trial = trial_of(experiment, {"model.l2": 0.1, "training.transfer.head_epochs": 2})
    assert trial.training.transfer is not None
    assert (trial.model.l2, trial.training.transfer.head_epochs, trial.tuning) == (0.1, 2, experiment.tuning)
    with pytest.raises(ValueError, match="less than 1"):
        trial_of(experiment, {"model.dropout": 1})


def test_ends_and_values() -> None:
    """What a range or a list tries at its least and most; ends of whole ranges are whole."""
    assert ends_and_values((1, "a")) == (1, "a")
    assert ends_and_values(Range(min=1, max=2.5)) == (1.0, 2.5)
    assert [type(end) for end in ends_and_values(Range(min=1, max=2, whole=True))] == [int, int]
