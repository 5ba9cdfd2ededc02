from __future__ import annotations

import pytest

from schemas.vocabulary import description, expected, experiment_vocabulary, known_keys


@pytest.mark.parametrize(
    ("location", "path", "words"),
    [
        (("training", "epochs"), ("training", "epochs"), "a whole number of at least 1"),
        (
            ("data", "splits", "eval", "constrained-float"),
            ("data", "splits", "eval"),
            "'auto'",
        ),
        (("data", "dataset"), ("data", "dataset"), "one of 'digits', 'fashion_mnist', or null"),
        (("data", "columns", "path"), ("data", "columns", "path"), "a text"),
        (("data", "spans", "window"), ("data", "spans", "window"), "a whole number of at least 1"),
        (("gate", "leakage"), ("gate", "leakage"), "one of 'fail', 'warn', 'off'"),
        (("gate", "max_drift"), ("gate", "max_drift"), "a number above 0 and at most 1"),
        (("gate", "serving_statistics"), ("gate", "serving_statistics"), "a path, or null"),
        (("data", "labels", 3), ("data", "labels", 3), "a text of at least one character"),
        (("preprocessing", "antialias"), ("preprocessing", "antialias"), "true or false"),
        (("data", "format"), ("data", "format"), "one of 'tfrecord', 'image_folder', 'manifest'"),
        (("model", "dropout"), ("model", "dropout"), "a number of at least 0 and below 1"),
        (
            ("evaluation", "thresholds", "accuracy", "min"),
            ("evaluation", "thresholds", "accuracy", "min"),
            "a number, or null",
        ),
        (
            ("evaluation", "thresholds", "recal"),
            ("evaluation", "thresholds"),
            "a mapping with at least one of the keys ",
        ),
        (("schema", "file"), ("schema", "file"), "a path, or null"),
        (("model", "weights", "function-after", "file"), ("model", "weights", "file"), "a path, or null"),
        (("model", "backbone"), ("model", "backbone"), "one of 'small_cnn', 'small_resnet', 'vgg16'"),
        (("training", "class_weights"), ("training", "class_weights"), "'balanced', a mapping, or null"),
        (("tuning", "search", "space"), ("tuning", "search", "space"), "a mapping with at least one key"),
        (
            ("tuning", "search", "space", "model.l2"),
            ("tuning", "search", "space", "model.l2"),
            "a list, each item true or false, a whole number, a number, or a text, or a mapping with keys from max,",
        ),
    ],
)
def test_locating(location: tuple[str | int, ...], path: tuple[str | int, ...], words: str) -> None:
    """A place of pydantic's is found among the experiment's keys, with what it allows in words."""
    found, alternatives = experiment_vocabulary().locate(location)
    assert found == path
    assert expected(alternatives).startswith(words)


def test_names_of_members_are_told_from_keys() -> None:
    """Where a mapping takes any key, only one that is stated counts; known keys count in any case."""
    location = ("training", "class_weights", "dict[str,constrained-float]", "rose")
    vocabulary = experiment_vocabulary()
    assert vocabulary.locate(location)[0] == location[:3]
    stated = {("training", "class_weights", "rose")}
    assert vocabulary.locate(location, stated.__contains__)[0] == ("training", "class_weights", "rose")
    assert vocabulary.locate(("data", "source"), lambda path: False)[0] == ("data", "source")


def test_keys_and_their_homes() -> None:
    """The keys of a place are listed in alphabetical order, and every home of a key is found."""
    vocabulary = experiment_vocabulary()
    assert known_keys(vocabulary.locate(["training", "early_stopping"])[1]) == ["min_delta", "monitor", "patience"]
    assert known_keys(vocabulary.locate(["evaluation", "thresholds"])[1])[:2] == ["accuracy", "calibration_error"]
    assert known_keys(vocabulary.locate(["training", "epochs"])[1]) == []
    assert list(vocabulary.homes("patience")) == [("training", "early_stopping", "patience")]
    assert list(vocabulary.homes("height")) == [("data", "features", "height"), ("preprocessing", "height")]


def test_a_key_is_described_rather_than_its_type() -> None:
    """The description is that of the key, also where its type is a section with one of its own."""
    assert description(experiment_vocabulary().locate(["training", "early_stopping"])[1]) == "null switches it off."
