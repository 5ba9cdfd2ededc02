from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

from pipeline.sample import write_sample
from schemas import features

# Every value that a pixel can have.
PIXELS = np.arange(256, dtype=np.uint8).reshape(32, 8, 1)


def examples_of(directory: Path, content: bytes, stored_as: str, label: str = "rose") -> standard_artifacts.Examples:
    """Examples whose split test starts with an empty file, and then has one image."""
    example = tf.train.Example()
    feature = example.features.feature
    for name, value in (
        (features.ENCODED, content),
        (features.FORMAT, stored_as.encode()),
        (features.LABEL_TEXT, label.encode()),
    ):
        feature[name].bytes_list.value.append(value)
    for name, size in zip((features.HEIGHT, features.WIDTH, features.CHANNELS), PIXELS.shape, strict=True):
        feature[name].int64_list.value.append(size)
    (directory / "Split-test").mkdir(parents=True)
    (directory / "Split-train").mkdir()
    for number, records in enumerate(([], [example.SerializeToString()], [b"never read"])):
        with tf.io.TFRecordWriter(str(directory / "Split-test" / f"examples-{number}.tfrecord")) as writer:
            for record in records:
                writer.write(record)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(directory)
    artifact.split_names = artifact_utils.encode_split_names(["train", "test"])
    return artifact


@pytest.mark.parametrize(
    ("stored_as", "encode", "suffix"),
    [
        ("PNG", tf.io.encode_png, ".png"),
        ("JPEG", tf.io.encode_jpeg, ".jpg"),
    ],
)
def test_a_file_is_kept_to_the_byte(stored_as: str, encode: object, suffix: str, tmp_path: Path) -> None:
    """An image that was stored as a file becomes that file again."""
    content = encode(PIXELS).numpy()  # type: ignore[operator]
    path = write_sample(examples_of(tmp_path / "examples", content, stored_as), "test", tmp_path)
    assert path == tmp_path / f"sample-rose{suffix}"
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("stored_as", "content"),
    [
        (features.RAW_FORMAT, PIXELS.tobytes()),
        (features.FLOAT32_FORMAT, (PIXELS / 255).astype(np.float16).astype(np.float32).tobytes()),
    ],
)
def test_pixels_become_a_png(stored_as: str, content: bytes, tmp_path: Path) -> None:
    """Pixels without a file format become a PNG that holds them exactly, also from floats of less precision."""
    path = write_sample(examples_of(tmp_path / "examples", content, stored_as), "test", tmp_path)
    assert path == tmp_path / "sample-rose.png"
    assert (tf.io.decode_png(path.read_bytes()).numpy() == PIXELS).all()


def test_any_label_makes_a_file_name(tmp_path: Path) -> None:
    """What is neither letter nor digit in a label becomes an underscore."""
    content = tf.io.encode_png(PIXELS).numpy()
    artifact = examples_of(tmp_path / "examples", content, "PNG", "../Größe 1/ü")
    assert write_sample(artifact, "test", tmp_path) == tmp_path / "sample-___Größe_1_ü.png"
