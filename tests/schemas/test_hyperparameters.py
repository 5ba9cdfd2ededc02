from __future__ import annotations

import pytest

from schemas.augmentation import Augmentation
from schemas.hyperparameters import Sections, apply, plain_values
from schemas.model import Model
from schemas.training import Training, Transfer
from schemas.tuning import Value


def test_values_are_laid_on_their_sections() -> None:
    """Each dotted name changes its key and no other; what is given stays as it was."""
    given = Sections(Model(dense=(64, 32)), Training(epochs=7), Augmentation(zoom=0.1))
    values: dict[str, Value] = {
        "training.learning_rate": 0.01,
        "training.optimizer": "sgd",
        "training.schedule.kind": "cosine",
        "model.dropout": 0,
        "augmentation.flip": "both",
    }
    laid = apply(given, values)
    schedule = given.training.schedule.model_copy(update={"kind": "cosine"})
    changes = {"learning_rate": 0.01, "optimizer": "sgd", "schedule": schedule}
    assert laid.training == given.training.model_copy(update=changes)
    assert laid.model == given.model.model_copy(update={"dropout": 0.0})
    assert laid.augmentation == Augmentation(zoom=0.1, flip="both")
    assert given == Sections(Model(dense=(64, 32)), Training(epochs=7), Augmentation(zoom=0.1))


def test_nothing_to_lay_changes_nothing() -> None:
    """Without values, or with those alone that KerasTuner keeps for itself, the sections come back equal."""
    given = Sections(Model(weights="imagenet", backbone="vgg16"), Training(class_weights={"a": 2.0}))
    assert apply(given, {}) == given
    assert apply(given, {"tuner/epochs": 3, "tuner/bracket": 1}) == given
    assert plain_values({"tuner/epochs": 3, "model.dropout": 0.5}) == {"model.dropout": 0.5}


def test_a_name_below_a_section_that_is_null_gives_that_section() -> None:
    """The rest of it has its defaults."""
    assert apply(Sections(), {"training.transfer.head_epochs": 2}).training.transfer == Transfer(head_epochs=2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("training.learnin_rate", 0.1, r"^training\.learnin_rate: unknown key; did you mean 'learning_rate'\?$"),
        ("training.schedule.kin", "cosine", r"^training\.schedule\.kin: unknown key; did you mean 'kind'\?$"),
        ("trainin.epochs", 3, "trainin.epochs: is no hyperparameter; expected a key of .* did you mean 'training'"),
        ("training", 3, "training: is no hyperparameter"),
        ("evaluation.split", "test", "evaluation.split: is no hyperparameter"),
        ("training.batch_size", 32.5, r"^training\.batch_size: .*integer \(got 32\.5\)$"),
        ("training.batch_size", "32", r"^training\.batch_size: .*integer \(got \"32\"\)$"),
        ("training.optimizer", "adan", r"^training\.optimizer: .*'adam'.*got \"adan\""),
        ("model.dropout", 1.0, r"^model\.dropout: .*less than 1"),
        ("model.dense", 64, r"^model\.dense: "),
    ],
)
def test_what_cannot_be_laid_is_refused(name: str, value: float | str, message: str) -> None:
    """With its name, what came, and what it is likely meant to be."""
    with pytest.raises(ValueError, match=message):
        apply(Sections(), {name: value})
