from __future__ import annotations

import pytest
import tensorflow as tf

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


def test_a_large_label_needs_classes_that_are_listed() -> None:
    """Without data.labels a label of 1,048,576 is refused; the last below it is taken, and with data.labels any."""
    assert stored({IMAGE: PNG, LABEL: (1 << 20) - 1}).label == (1 << 20) - 1
    assert refused(serialized({IMAGE: PNG, LABEL: 1 << 20})).reason == "label_out_of_range"
    listed = COMPRESSED.model_copy(update={"labels": range((1 << 20) + 1)})
    assert stored({IMAGE: PNG, LABEL: 1 << 20}, listed).label == 1 << 20


@pytest.mark.parametrize("label", [-1, 2, 97, 1 << 40])
def test_a_label_beyond_the_listed_classes_is_refused(label: int) -> None:
    """A number that data.labels has no class for is as unknown as a name; the numbers that it has are taken."""
    outcome = refused(serialized({IMAGE: PNG, LABEL: label, TEXT: b"dog"}), NAMED)
    assert (outcome.reason, outcome.feature) == ("unknown_label", LABEL)
    assert outcome.detail == f"class {label} is not among the 2 classes of data.labels, counted from 0"
    assert [stored({IMAGE: PNG, LABEL: number}, NAMED).label for number in (0, 1)] == [0, 1]


def test_without_listed_classes_a_negative_label_is_for_the_gate() -> None:
    """Nothing says yet which classes there are; the gate looks at all of them together."""
    assert stored({IMAGE: PNG, LABEL: -1}).label == -1


def with_more(name: str, *more: bytes | int) -> bytes:
    """A good example of RAW, but for further values in one feature."""
    example = tf.train.Example.FromString(serialized({**SHAPE, IMAGE: bytes(60)}))
    getattr(example.features.feature[name], "int64_list" if isinstance(more[0], int) else "bytes_list").value.extend(
        more
    )
    return bytes(example.SerializeToString(deterministic=True))


@pytest.mark.parametrize(
    ("payload", "count", "feature"),
    [
        (with_more(IMAGE, PNG), 2, IMAGE),
        (with_more(LABEL, 1), 2, LABEL),
        (with_more(LABEL, 1, 0, 1), 4, LABEL),
        (with_more(features.HEIGHT, 5, 3), 3, features.HEIGHT),
    ],
)
def test_of_several_values_none_is_chosen(payload: bytes, count: int, feature: str) -> None:
    """An example with several images or classes is refused with their number, not kept with the first of them."""
    outcome = refused(payload, RAW)
    assert (outcome.reason, outcome.feature, outcome.original) == ("several_values", feature, payload)
    assert outcome.detail == (
        f"{count} values in {feature!r}, expected one; write an example for each image, with one class"
    )


def test_of_several_names_none_is_chosen() -> None:
    """Where names give the class, two of them are refused; beside a number the first is its name."""
    example = tf.train.Example.FromString(serialized({IMAGE: PNG, TEXT: b"dog"}))
    example.features.feature[TEXT].bytes_list.value.append(b"cat")
    outcome = refused(example.SerializeToString(), NAMED)
    assert (outcome.reason, outcome.feature) == ("several_values", TEXT)
    example.features.feature[LABEL].int64_list.value.append(1)
    kept = parse(Record(7, example.SerializeToString()), "a/b", "eval", NAMED)
    assert isinstance(kept, Stored)
    assert (kept.label, kept.text) == (1, "dog")


@pytest.mark.parametrize(
    ("values", "data", "reason", "detail"),
    [
        (
            {IMAGE: PNG, LABEL: 3.0},
            COMPRESSED,
            "missing_label",
            "'image/class/label' holds a float_list; expected an int64_list or a bytes_list",
        ),
        (
            {IMAGE: PNG, LABEL: 3.0, TEXT: b"dog"},
            NAMED,
            "missing_label",
            "'image/class/label' holds a float_list; expected an int64_list or a bytes_list",
        ),
        (
            {IMAGE: PNG, TEXT: 3},
            NAMED,
            "missing_label",
            "'image/class/text' holds an int64_list; expected a bytes_list",
        ),
        (
            {IMAGE: 5, LABEL: 0},
            COMPRESSED,
            "missing_image",
            "'image/encoded' holds an int64_list; expected a bytes_list",
        ),
        (
            {IMAGE: 0.5, LABEL: 0},
            COMPRESSED,
            "missing_image",
            "'image/encoded' holds a float_list; expected a bytes_list",
        ),
        (
            {**SHAPE, IMAGE: PNG, features.CHANNELS: 0.5},
            RAW,
            "wrong_shape",
            "'image/channels' holds a float_list; expected an int64_list",
        ),
    ],
)
def test_values_of_the_wrong_kind_are_named(values: Values, data: Data, reason: str, detail: str) -> None:
    """What is there, but as something else, is told as what it is, with what was expected."""
    outcome = refused(serialized(values), data)
    assert (outcome.reason, outcome.detail) == (reason, detail)


def test_a_feature_without_values_is_not_there() -> None:
    """An empty list of the wrong kind is no label: the name beside it is taken."""
    example = tf.train.Example.FromString(serialized({IMAGE: PNG, TEXT: b"dog"}))
    example.features.feature[LABEL].float_list.SetInParent()
    outcome = parse(Record(7, example.SerializeToString()), "a/b", "eval", NAMED)
    assert isinstance(outcome, Stored)
    assert outcome.label == 1


@pytest.mark.parametrize(
    ("values", "data", "reason", "detail", "feature"),
    [
        ({LABEL: 0}, COMPRESSED, "missing_image", "the example has image/class/label", IMAGE),
        ({}, COMPRESSED, "missing_image", "no features", IMAGE),
        ({IMAGE: PNG}, COMPRESSED, "missing_label", "neither 'image/class/label' nor", LABEL),
        ({IMAGE: PNG, TEXT: b"dog"}, COMPRESSED, "missing_label", "data.labels", LABEL),
        ({IMAGE: PNG, TEXT: b"emu"}, NAMED, "unknown_label", "'emu'", LABEL),
        ({IMAGE: PNG, LABEL: 1 << 40}, COMPRESSED, "label_out_of_range", "1099511627776", LABEL),
        ({IMAGE: PNG, LABEL: 0}, RAW, "wrong_shape", "image/height", features.HEIGHT),
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
