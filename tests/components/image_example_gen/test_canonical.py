from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen.canonical import Builder, Inspected, digest_of, inspect, unusable
from components.image_example_gen.facts import Facts
from components.image_example_gen.inspection import Unusable
from components.image_example_gen.items import Refused, Stored
from schemas import features
from schemas.data import Data, FeatureNames
from tests.components.images import noise, png

PIXELS = noise(4, 5, 3)
PNG = png(PIXELS)
FACTS = Facts("PNG", 4, 5, 3, 100.5, 20.25)
COMPRESSED = Data(source="here")
ITEM = Stored("a/b", 7, PNG, 1, None, None, "train", original=b"the record")


def content(serialized_example: bytes) -> dict[str, list[Any]]:
    """All values of an example, by feature."""
    example = tf.train.Example.FromString(serialized_example)
    return {
        name: list(getattr(value, str(value.WhichOneof("kind"))).value)
        for name, value in example.features.feature.items()
    }


def test_an_example_gets_the_canonical_features_and_no_other() -> None:
    """The file's own bytes, its facts, label, names and digest."""
    item = replace(ITEM, label=3, text="chaton né", filename="kitten.png")
    digest = hashlib.sha256(PNG)
    assert content(Builder(()).serialize(item, FACTS, digest.digest())) == {
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
        features.MEAN: [100.5],
        features.STDDEV: [20.25],
    }


def test_missing_names_are_made_up() -> None:
    """Without a name the file is called by its place, the class as declared, or else by its number."""
    builder = Builder(("cat", "dog"))
    values = content(builder.serialize(ITEM, FACTS, bytes(32)))
    assert values[features.FILENAME] == [b"a/b#7"]
    assert values[features.LABEL_TEXT] == [builder.text(ITEM)] == [b"dog"]
    assert [builder.text(replace(ITEM, label=label)) for label in (0, 2, -1)] == [b"cat", b"2", b"-1"]
    assert builder.text(replace(ITEM, text="wolf")) == b"wolf"


def test_names_of_any_bytes_are_kept() -> None:
    """A file whose name is not UTF-8 keeps it, byte for byte."""
    item = replace(ITEM, source=os.fsdecode(b"caf\xe9"))
    assert content(Builder(()).serialize(item, FACTS, bytes(32)))[features.FILENAME] == [b"caf\xe9#7"]


def test_examples_of_one_builder_share_nothing() -> None:
    """Each example holds its own values alone, however unlike the one before was, and comes out the same again."""
    builder = Builder(())
    long = replace(ITEM, text="one", filename="first.png")
    short = Stored("a", 0, b"x", 2, None, None, "train")
    first, second = builder.serialize(long, FACTS, bytes(32)), builder.serialize(short, FACTS, bytes(32))
    assert content(second)[features.LABEL_TEXT] == [b"2"]
    assert content(second)[features.ENCODED] == [b"x"]
    assert builder.serialize(long, FACTS, bytes(32)) == first
    assert Builder(()).serialize(short, FACTS, bytes(32)) == second


def test_images_are_measured() -> None:
    """An image that can be used comes with its facts."""
    [outcome] = inspect([ITEM], COMPRESSED)
    assert isinstance(outcome, Inspected)
    assert outcome.item is ITEM
    assert outcome.facts[:4] == FACTS[:4]
    np.testing.assert_allclose(outcome.facts[4:], [PIXELS.mean(), PIXELS.std()], rtol=1e-5)


@pytest.mark.parametrize(("encoding", "name"), [("raw", "RAW"), ("float32", "FLOAT32")])
def test_stored_pixels_are_measured(encoding: str, name: str) -> None:
    """Pixels without a file format are read by their shape, of each image its own."""
    data = Data.model_validate({"source": "here", "encoding": encoding})
    images = [PIXELS, noise(2, 3, 1)]
    stored = images if encoding == "raw" else [(pixels / 255).astype("<f4") for pixels in images]
    items = [
        replace(ITEM, content=pixels.tobytes(), shape=(pixels.shape[0], pixels.shape[1], pixels.shape[2]))
        for pixels in stored
    ]
    for outcome, pixels in zip(inspect(items, data), images, strict=True):
        assert isinstance(outcome, Inspected)
        assert outcome.facts[:4] == (name, *pixels.shape)
        np.testing.assert_allclose(outcome.facts.mean, pixels.mean(), rtol=1e-5)


def test_outcomes_keep_their_order() -> None:
    """Among good images, bad ones and what was refused before, each outcome stands in its item's place."""
    before = Refused("a/b", 3, "empty", "no bytes", features.ENCODED)
    items: list[Stored | Refused] = [
        replace(ITEM, index=0),
        before,
        replace(ITEM, index=1, content=PNG[:50]),
        replace(ITEM, index=2, content=png(noise(2, 2, 1))),
        before,
    ]
    outcomes = inspect(items, COMPRESSED)
    assert [type(outcome) for outcome in outcomes] == [Inspected, Refused, Refused, Inspected, Refused]
    assert outcomes[1] is outcomes[4] is before
    assert isinstance(outcomes[2], Refused)
    assert (outcomes[2].index, outcomes[2].reason, outcomes[2].original) == (1, "undecodable", b"the record")
    assert isinstance(outcomes[3], Inspected)
    assert outcomes[3].facts.height == 2
    assert inspect([], COMPRESSED) == []


def test_the_image_is_to_blame_by_the_sources_name() -> None:
    """A refusal names the feature as the TFRecord does, and of an image file as this project does."""
    own = Data(source="here", features=FeatureNames(image="jpg"))
    why = Unusable("undecodable", "cut short")
    assert unusable(ITEM, why, own) == Refused("a/b", 7, "undecodable", "cut short", "jpg", b"the record")
    file = replace(ITEM, original=None, text="cat")
    refused = unusable(file, why, own)
    assert refused.feature == features.ENCODED
    assert content(refused.original) == {
        features.ENCODED: [PNG],
        features.FILENAME: [b"a/b"],
        features.LABEL: [1],
        features.LABEL_TEXT: [b"cat"],
    }


def test_the_digest_is_of_the_image_alone() -> None:
    """The same image has the same digest, whatever its label, name and record."""
    other = replace(ITEM, source="elsewhere", label=0, text="cat", original=b"another")
    assert digest_of(ITEM) == digest_of(other) == hashlib.sha256(PNG).digest()
