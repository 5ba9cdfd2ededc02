from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

from pipeline.datasets.digits import read
from schemas import features


def test_values_cover_the_range_of_a_byte() -> None:
    """The source's 0 to 16 become 0 to 255, evenly: 1 is 16, 8 is 128, 15 is 239."""
    (images,) = read()
    source = load_digits().images
    assert images.pixels.shape == (1797, 8, 8, 1)
    mapping = {int(value): set(images.pixels[..., 0][source == value].tolist()) for value in np.unique(source)}
    assert mapping == {value: {round(value * 255 / 16)} for value in range(17)}
    assert (mapping[0], mapping[1], mapping[8], mapping[15], mapping[16]) == ({0}, {16}, {128}, {239}, {255})


def test_prepared_files_hold_the_source(digits_directory: Path) -> None:
    """1,797 examples in four files: scikit-learn's pixels, labels and class names, in its order."""
    paths = sorted(str(path) for path in digits_directory.glob("*.tfrecord"))
    assert [Path(path).name for path in paths] == [f"digits-0000{shard}-of-00004.tfrecord" for shard in range(4)]
    source = load_digits()
    examples = [tf.train.Example.FromString(record) for record in tf.data.TFRecordDataset(paths).as_numpy_iterator()]
    assert [
        example.features.feature[features.LABEL].int64_list.value[0] for example in examples
    ] == source.target.tolist()
    texts = [example.features.feature[features.LABEL_TEXT].bytes_list.value[0] for example in examples]
    assert texts == [str(label).encode() for label in source.target]
    names = [example.features.feature[features.FILENAME].bytes_list.value[0] for example in examples]
    assert names == [f"digits/{index:05d}.png".encode() for index in range(1797)]
    pixels = [tf.io.decode_png(example.features.feature[features.ENCODED].bytes_list.value[0]) for example in examples]
    np.testing.assert_array_equal(np.stack(pixels)[..., 0], np.rint(source.images * 255 / 16))
