from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen.tfrecord import read_records
from pipeline.datasets.labeled_images import LabeledImages
from pipeline.datasets.shards import write_shards
from schemas import features

IMAGES = LabeledImages(
    name="train",
    folder="ants/train",
    pixels=np.random.default_rng(0).integers(0, 256, (10, 6, 5, 3), np.uint8),
    labels=np.arange(10) % 2,
    class_names=("ant", "bée"),
    num_shards=3,
)


def test_images_are_spread_evenly_and_in_order(tmp_path: Path) -> None:
    """Ten images in three files are 4, 3 and 3, in the source's order, readable by TensorFlow and by the pipeline."""
    paths = write_shards(IMAGES, tmp_path)
    assert [path.name for path in paths] == [f"train-0000{shard}-of-00003.tfrecord" for shard in range(3)]
    assert sorted(tmp_path.iterdir()) == paths
    records = [list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) for path in paths]
    assert [len(shard) for shard in records] == [4, 3, 3]
    names = [
        tf.train.Example.FromString(record).features.feature[features.FILENAME].bytes_list.value[0]
        for shard in records
        for record in shard
    ]
    assert names == [f"ants/train/{index:05d}.png".encode() for index in range(10)]
    with paths[0].open("rb") as file:
        assert [record.payload for record in read_records(file)] == records[0]


def test_every_feature_has_one_value(tmp_path: Path) -> None:
    """An example has the eight features of a source, of the right type, and its PNG has the image's pixels."""
    record = next(
        tf.data.TFRecordDataset([str(path) for path in write_shards(IMAGES, tmp_path)]).skip(5).as_numpy_iterator()
    )
    example = tf.train.Example.FromString(record)
    feature = dict(example.features.feature)
    encoded = feature.pop(features.ENCODED).bytes_list.value
    np.testing.assert_array_equal(tf.io.decode_png(encoded[0]).numpy(), IMAGES.pixels[5])
    found = {
        name: list((value.bytes_list if value.HasField("bytes_list") else value.int64_list).value)
        for name, value in feature.items()
    }
    assert found == {
        "image/format": [b"PNG"],
        "image/height": [6],
        "image/width": [5],
        "image/channels": [3],
        "image/class/label": [1],
        "image/class/text": ["bée".encode()],
        "image/filename": [b"ants/train/00005.png"],
    }


def test_a_full_disk_is_an_os_error_with_the_file(tmp_path: Path) -> None:
    """A write that the system refuses half-way is raised as OSError and says which file it was."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(OSError, match=f"File too large: '{tmp_path}/train-00000-of-00003.tfrecord'"):
            write_shards(IMAGES, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
