from __future__ import annotations

import hashlib
import os
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen.canonical import Canonical, Refused, canonicalize
from components.image_example_gen.tfrecord import Record
from schemas import features
from schemas.experiment import Data, FeatureNames
from tests.components.images import Values, noise, png, serialized

IMAGE, LABEL, TEXT = features.ENCODED, features.LABEL, features.LABEL_TEXT
PIXELS = noise(4, 5, 3)
PNG = png(PIXELS)
COMPRESSED = Data(source="here")
NAMED = Data(source="here", labels=("cat", "dog"))
RAW = Data(source="here", encoding="raw")
RAW_PIXELS: Values = {
    features.ENCODED: PIXELS.tobytes(),
    features.HEIGHT: 4,
    features.WIDTH: 5,
    features.CHANNELS: 3,
    features.LABEL: 0,
}


def canonical(values: Values, data: Data = COMPRESSED, path: str = "a/b") -> Canonical:
    [outcome] = canonicalize([Record(7, serialized(values))], path, data)
    assert isinstance(outcome, Canonical), outcome
    return outcome


def refused(payload: bytes, data: Data = COMPRESSED) -> Refused:
    [outcome] = canonicalize([Record(7, payload)], "a/b", data)
    assert isinstance(outcome, Refused), outcome
    return outcome


def content(serialized_example: bytes) -> dict[str, list[Any]]:
    """All values of an example, by feature."""
    example = tf.train.Example.FromString(serialized_example)
    return {
        name: list(getattr(value, str(value.WhichOneof("kind"))).value)
        for name, value in example.features.feature.items()
    }


def test_an_example_gets_the_canonical_features_and_no_other() -> None:
    """The file's own bytes, its facts measured anew, label, names and digest; nothing else is passed on."""
    source: Values = {
        features.ENCODED: PNG,
        features.LABEL: 3,
        features.LABEL_TEXT: "chaton né".encode(),
        features.FILENAME: b"kitten.png",
        features.HEIGHT: 999,
        features.FORMAT: b"JPEG",
        "image/object/bbox": 0.5,
    }
    outcome = canonical(source)
    values = content(outcome.serialized)
    [mean], [stddev] = values.pop(features.MEAN), values.pop(features.STDDEV)
    np.testing.assert_allclose([mean, stddev], [PIXELS.mean(), PIXELS.std()], rtol=1e-5)
    digest = hashlib.sha256(PNG)
    assert values == {
        features.ENCODED: [PNG],
        features.FORMAT: [b"PNG"],
        features.HEIGHT: [4],
        features.WIDTH: [5],
        features.CHANNELS: [3],
        features.LABEL: [3],
        features.LABEL_TEXT: ["chaton né".encode()],
        features.FILENAME: [b"kitten.png"],
        features.SHA256: [digest.hexdigest().encode()],
        features.NUM_BYTES: [len(PNG)],
    }
    assert (outcome.index, outcome.label, outcome.text) == (7, 3, "chaton né")
    assert outcome.sha256 == digest.digest()


def test_missing_names_are_made_up() -> None:
    """Without a name the file is called by its place, the class as declared, or else by its number."""
    values = content(canonical({features.ENCODED: PNG, features.LABEL: 1}, NAMED).serialized)
    assert values[features.FILENAME] == [b"a/b#7"]
    assert values[features.LABEL_TEXT] == [b"dog"]
    for label in (2, -1):
        values = content(canonical({features.ENCODED: PNG, features.LABEL: label}, NAMED).serialized)
        assert values[features.LABEL_TEXT] == [str(label).encode()]
    assert canonical({features.ENCODED: PNG, features.LABEL: 1}, NAMED).text is None


def test_a_class_may_be_given_by_name() -> None:
    """A label that is a name, or a name without a label, is numbered by data.labels."""
    assert canonical({features.ENCODED: PNG, features.LABEL_TEXT: b"dog"}, NAMED).label == 1
    assert canonical({features.ENCODED: PNG, features.LABEL: b"dog"}, NAMED).label == 1
    assert canonical({features.ENCODED: PNG, features.LABEL: b"dog", features.LABEL_TEXT: b"cat"}, NAMED).label == 1


def test_foreign_names_of_features_are_read() -> None:
    """With data.features every feature is looked up by the user's own name, and written by ours."""
    own = FeatureNames(image="i", label="l", text="t", filename="f", height="h", width="w", channels="c")
    data = Data(source="here", encoding="raw", features=own)
    source: Values = {"i": PIXELS.tobytes(), "l": 1, "t": b"one", "f": b"name", "h": 4, "w": 5, "c": 3}
    values = content(canonical({**source, features.ENCODED: b"not this", features.LABEL: 9}, data).serialized)
    assert values[features.ENCODED] == [PIXELS.tobytes()]
    assert values[features.FORMAT] == [b"RAW"]
    assert [values[name] for name in (features.HEIGHT, features.WIDTH, features.CHANNELS)] == [[4], [5], [3]]
    assert values[features.LABEL] == [1]
    assert values[features.LABEL_TEXT] == [b"one"]
    assert values[features.FILENAME] == [b"name"]


def test_names_that_are_no_text_are_mended() -> None:
    """A class's name that is not UTF-8 becomes UTF-8, and a file's name of any bytes is kept as it is."""
    values: Values = {features.ENCODED: PNG, features.LABEL: 0, features.LABEL_TEXT: b"caf\xe9"}
    found = content(canonical(values, path=os.fsdecode(b"caf\xe9")).serialized)
    assert found[features.LABEL_TEXT] == ["caf\N{REPLACEMENT CHARACTER}".encode()]
    assert found[features.FILENAME] == [b"caf\xe9#7"]


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
        ({IMAGE: PNG[:40], LABEL: 0}, COMPRESSED, "undecodable", "PNG", IMAGE),
        ({IMAGE: b"", LABEL: 0}, COMPRESSED, "empty", "no bytes", IMAGE),
        ({IMAGE: PNG, LABEL: 0}, RAW, "wrong_shape", "image/height", features.HEIGHT),
        ({**RAW_PIXELS, features.WIDTH: 6}, RAW, "wrong_shape", "4 x 6", IMAGE),
        ({**RAW_PIXELS, features.CHANNELS: 0.5}, RAW, "wrong_shape", "image/channels", features.CHANNELS),
    ],
)
def test_what_cannot_be_used_is_refused(values: Values, data: Data, reason: str, detail: str, feature: str) -> None:
    """Each refusal tells the record, the reason, what came, and the feature that is to blame."""
    outcome = refused(serialized(values), data)
    assert (outcome.index, outcome.reason, outcome.feature) == (7, reason, feature)
    assert detail in outcome.detail


def test_the_feature_to_blame_has_the_sources_name() -> None:
    """A refusal speaks of features as the user's files do."""
    own = Data(source="here", features=FeatureNames(image="jpg", label="cls"))
    assert refused(serialized({"cls": 1}), own).feature == "jpg"
    assert refused(serialized({"jpg": PNG}), own).feature == "cls"
    assert refused(serialized({"jpg": b"x", "cls": 1}), own).feature == "jpg"


def test_a_record_that_is_no_example_is_refused() -> None:
    """Bytes that no tf.train.Example can be read from are told as such."""
    assert refused(b"\xff\xff\xff").reason == "not_an_example"


def test_damage_of_the_file_is_passed_on() -> None:
    """A record without a payload is refused for the reason that its reader gave."""
    [outcome] = canonicalize([Record(2, None, "corrupt_record", "its checksum is wrong")], "a", COMPRESSED)
    assert isinstance(outcome, Refused)
    assert (outcome.index, outcome.reason, outcome.detail) == (2, "corrupt_record", "its checksum is wrong")


def test_outcomes_keep_their_order() -> None:
    """Among good and bad records of every kind, each outcome stands in its record's place."""
    good = serialized({features.ENCODED: PNG, features.LABEL: 0})
    payloads = [good, b"\xff", good, None, serialized({features.ENCODED: b"x", features.LABEL: 0}), good]
    records = [Record(10 + place, payload) for place, payload in enumerate(payloads)]
    outcomes = canonicalize(records, "a", COMPRESSED)
    assert [outcome.index for outcome in outcomes] == [record.index for record in records]
    assert [isinstance(outcome, Canonical) for outcome in outcomes] == [True, False, True, False, False, True]


@pytest.mark.parametrize("values", [{IMAGE: b"x", LABEL: 0}, {LABEL: 0}, {IMAGE: b"x"}])
def test_a_refused_example_has_a_digest(values: Values) -> None:
    """A refusal is drawn to a split as a usable example is: by its image's bytes, else by its whole record."""
    payload = serialized(values)
    hashed = b"x" if len(values) == 2 else payload
    assert refused(payload).sha256 == hashlib.sha256(hashed).digest()


def test_examples_of_one_batch_share_nothing() -> None:
    """Each example of a batch holds its own values alone, however unlike its neighbours are."""
    records = [
        Record(0, serialized({IMAGE: PNG, LABEL: 1, TEXT: b"one", features.FILENAME: b"first.png"})),
        Record(1, serialized({IMAGE: png(noise(2, 2, 1)), LABEL: 2})),
    ]
    first, second = canonicalize(records, "a/b", COMPRESSED)
    assert isinstance(first, Canonical)
    assert isinstance(second, Canonical)
    values = content(first.serialized), content(second.serialized)
    assert [value[TEXT] for value in values] == [[b"one"], [b"2"]]
    assert [value[features.FILENAME] for value in values] == [[b"first.png"], [b"a/b#1"]]
    assert [value[features.HEIGHT] for value in values] == [[4], [2]]
