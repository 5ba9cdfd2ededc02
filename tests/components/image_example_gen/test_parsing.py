from __future__ import annotations

import pytest

from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.parsing import parse
from components.image_example_gen.tfrecord import Record
from schemas import features
from schemas.data import Data, FeatureNames
from tests.components.images import Values, noise, png, serialized

IMAGE, LABEL, TEXT = features.ENCODED, features.LABEL, features.LABEL_TEXT
PNG = png(noise(4, 5, 3))
COMPRESSED = Data(source="here")
NAMED = Data(source="here", labels=("cat", "dog"))
RAW = Data(source="here", encoding="raw")
SHAPE: Values = {features.HEIGHT: 4, features.WIDTH: 5, features.CHANNELS: 3, LABEL: 0}


def stored(values: Values, data: Data = COMPRESSED) -> Stored:
    outcome = parse(Record(7, serialized(values)), "a/b", "eval", data)
    assert isinstance(outcome, Stored), outcome
    return outcome


def refused(payload: bytes, data: Data = COMPRESSED) -> Refused:
    outcome = parse(Record(7, payload), "a/b", "eval", data)
    assert isinstance(outcome, Refused), outcome
    return outcome


def test_an_example_is_read_feature_by_feature() -> None:
    """Image, label and names, with the place, the split and the record itself; other features are not."""
    values: Values = {
        IMAGE: PNG,
        LABEL: 3,
        TEXT: "chaton né".encode(),
        features.FILENAME: b"kitten.png",
        features.HEIGHT: 999,
    }
    expected = Stored("a/b", 7, PNG, 3, "chaton né", "kitten.png", "eval", (0, 0, 0), serialized(values))
    assert stored(values) == expected


def test_what_may_be_absent_is_none() -> None:
    """An example needs no name of its class and none of its file."""
    outcome = stored({IMAGE: PNG, LABEL: 0})
    assert (outcome.text, outcome.filename) == (None, None)


def test_pixels_have_a_shape() -> None:
    """Of an encoding without files, height, width and channels are read."""
    assert stored({**SHAPE, IMAGE: bytes(60)}, RAW).shape == (4, 5, 3)


def test_a_class_may_be_given_by_name() -> None:
    """A label that is a name, or a name without a label, is numbered by data.labels."""
    assert stored({IMAGE: PNG, TEXT: b"dog"}, NAMED).label == 1
    assert stored({IMAGE: PNG, LABEL: b"dog"}, NAMED).label == 1
    assert stored({IMAGE: PNG, LABEL: b"dog", TEXT: b"cat"}, NAMED).label == 1


def test_foreign_names_of_features_are_read() -> None:
    """With data.features every feature is looked up by the user's own name, and not by ours."""
    own = FeatureNames(image="i", label="l", text="t", filename="f", height="h", width="w", channels="c")
    data = Data(source="here", encoding="raw", features=own)
    source: Values = {"i": bytes(60), "l": 1, "t": b"one", "f": b"name", "h": 4, "w": 5, "c": 3}
    values: Values = {**source, IMAGE: b"not this", LABEL: 9}
    assert stored(values, data) == Stored("a/b", 7, bytes(60), 1, "one", "name", "eval", (4, 5, 3), serialized(values))


def test_a_name_that_is_no_text_is_mended() -> None:
    """A class's name that is not UTF-8 becomes UTF-8."""
    assert stored({IMAGE: PNG, LABEL: 0, TEXT: b"caf\xe9"}).text == "caf\N{REPLACEMENT CHARACTER}"


def test_a_label_of_any_size_is_taken_where_classes_are_listed() -> None:
    """Without data.labels a label of 1,048,576 is refused; the last below it is taken, and with data.labels any."""
    assert stored({IMAGE: PNG, LABEL: (1 << 20) - 1}).label == (1 << 20) - 1
    assert refused(serialized({IMAGE: PNG, LABEL: 1 << 20})).reason == "label_out_of_range"
    assert stored({IMAGE: PNG, LABEL: 1 << 20}, NAMED).label == 1 << 20


@pytest.mark.parametrize(
    ("values", "data", "reason", "detail", "feature"),
    [
        ({LABEL: 0}, COMPRESSED, "missing_image", "the example has image/class/label", IMAGE),
        ({}, COMPRESSED, "missing_image", "no features", IMAGE),
        ({IMAGE: 5, LABEL: 0}, COMPRESSED, "missing_image", "no value", IMAGE),
        ({IMAGE: PNG}, COMPRESSED, "missing_label", "neither 'image/class/label' nor", LABEL),
        ({IMAGE: PNG, TEXT: b"dog"}, COMPRESSED, "missing_label", "data.labels", LABEL),
        ({IMAGE: PNG, TEXT: b"emu"}, NAMED, "unknown_label", "'emu'", LABEL),
        ({IMAGE: PNG, LABEL: 1 << 40}, COMPRESSED, "label_out_of_range", "1099511627776", LABEL),
        ({IMAGE: PNG, LABEL: 0}, RAW, "wrong_shape", "image/height", features.HEIGHT),
        ({**SHAPE, IMAGE: PNG, features.CHANNELS: 0.5}, RAW, "wrong_shape", "image/channels", features.CHANNELS),
    ],
)
def test_what_cannot_be_used_is_refused(values: Values, data: Data, reason: str, detail: str, feature: str) -> None:
    """Each refusal tells the place, the reason, what came, and the feature that is to blame; it keeps the record."""
    outcome = refused(serialized(values), data)
    assert (outcome.source, outcome.index, outcome.reason, outcome.feature) == ("a/b", 7, reason, feature)
    assert detail in outcome.detail
    assert outcome.original == serialized(values)


def test_the_feature_to_blame_has_the_sources_name() -> None:
    """A refusal speaks of features as the user's files do."""
    own = Data(source="here", features=FeatureNames(image="jpg", label="cls"))
    assert refused(serialized({"cls": 1}), own).feature == "jpg"
    assert refused(serialized({"jpg": PNG}), own).feature == "cls"
    assert refused(b"\xff", own).feature == "jpg"


def test_a_record_that_is_no_example_is_refused() -> None:
    """Bytes that no tf.train.Example can be read from are told as such, and kept."""
    outcome = refused(b"\xff\xff\xff")
    assert (outcome.reason, outcome.original) == ("not_an_example", b"\xff\xff\xff")


@pytest.mark.parametrize("payload", [None, serialized({IMAGE: PNG, LABEL: 0})])
def test_damage_of_the_file_is_passed_on(payload: bytes | None) -> None:
    """A damaged record is refused for its reader's reason, though it could be read, with what there is of it."""
    record = Record(2, payload, "corrupt_record", "its checksum is wrong", 33)
    image = FeatureNames().image
    assert parse(record, "a", "train", COMPRESSED) == Refused(
        "a", 2, "corrupt_record", "its checksum is wrong", image, payload or b"", 33
    )
