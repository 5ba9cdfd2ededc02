from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.report.content import Picture
from pipeline.report.pictures import Place, picture, pixels_of, read_examples, spread
from schemas import features

SHARD = "examples-00000-of-00001"


def example(content: bytes, stored_as: str, shape: tuple[int, int, int]) -> bytes:
    result = tf.train.Example()
    values = result.features.feature
    values[features.ENCODED].bytes_list.value.append(content)
    values[features.FORMAT].bytes_list.value.append(stored_as.encode())
    for name, value in zip((features.HEIGHT, features.WIDTH, features.CHANNELS), shape, strict=True):
        values[name].int64_list.value.append(value)
    return bytes(result.SerializeToString())


def shown(given: Picture) -> np.ndarray:
    return tf.io.decode_png(base64.b64decode(given.uri.removeprefix("data:image/png;base64,"))).numpy()


def test_some_examples_are_read(tmp_path: Path) -> None:
    """Those that are asked for, by their place, out of several files."""
    for split in ("train", "test"):
        (tmp_path / f"Split-{split}").mkdir()
        with tf.io.TFRecordWriter(str(tmp_path / f"Split-{split}" / f"{SHARD}.tfrecord")) as writer:
            for row in range(5):
                writer.write(f"{split} {row}".encode())
    places = [Place("test", SHARD, 4), Place("train", SHARD, 0), Place("train", SHARD, 2)]
    assert read_examples(str(tmp_path), places) == {
        places[0]: b"test 4",
        places[1]: b"train 0",
        places[2]: b"train 2",
    }


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_encoding_is_decoded(channels: int) -> None:
    """A file, raw pixels and float pixels give the same, without alpha."""
    shape = (4, 6, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    stored = [
        example(tf.io.encode_png(pixels).numpy(), "PNG", shape),
        example(pixels.tobytes(), features.RAW_FORMAT, shape),
        example((pixels / 255).astype("<f4").tobytes(), features.FLOAT32_FORMAT, shape),
    ]
    for record in stored:
        assert np.array_equal(pixels_of(record), pixels[..., :3])


def test_large_pictures_are_made_small() -> None:
    """Their longer side becomes 96 pixels; small ones stay as they are, to be shown pixel by pixel."""
    large = picture(np.full((300, 600, 3), 7.4), "large")
    assert shown(large).shape == (48, 96, 3)
    assert (shown(large) == 7).all()
    assert not large.is_small
    tiny = picture(np.full((1, 2000, 1), 300.0), "a line")
    assert shown(tiny).shape == (1, 96, 1)
    assert (shown(tiny) == 255).all()
    small = picture(np.arange(16, dtype=np.uint8).reshape(4, 4, 1), "small", ("rose",))
    assert np.array_equal(shown(small)[..., 0], np.arange(16).reshape(4, 4))
    assert (small.is_small, small.caption) == (True, ("rose",))


def test_samples_are_of_many_classes() -> None:
    """The first of each class, then the second, as many as are wanted and there."""
    labels = [1, 1, 1, 0, 2]
    assert spread(labels, 3) == [3, 0, 4]
    assert spread(labels, 4) == [3, 0, 4, 1]
    assert spread(labels, 9) == [3, 0, 4, 1, 2]
