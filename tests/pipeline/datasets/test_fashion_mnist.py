from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import tensorflow as tf

from components.errors import DataError
from pipeline.datasets.fashion_mnist import CLASS_NAMES, DEBIAN_DIRECTORY, DEBIAN_PACKAGE, read
from schemas import features

ROOT = Path(__file__).parents[3]
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
# Offline, without the package: first with nothing in Keras's directory, then with what Keras would have downloaded.
WITHOUT_PACKAGE = """
import shutil, sys
from pathlib import Path
from zlib import crc32
from components.errors import DataError
from pipeline.datasets.fashion_mnist import DEBIAN_DIRECTORY, read
try:
    list(read(Path("/nowhere")))
except DataError as error:
    print(error)
if DEBIAN_DIRECTORY.is_dir():
    shutil.copytree(DEBIAN_DIRECTORY, Path(sys.argv[1], "datasets", "fashion-mnist"), dirs_exist_ok=True)
    for images in read(Path("/nowhere")):
        print(images.name, images.pixels.shape, crc32(images.pixels.tobytes()), crc32(images.labels.tobytes()))
"""

needs_package = pytest.mark.skipif(
    not DEBIAN_DIRECTORY.is_dir(), reason=f"the package {DEBIAN_PACKAGE} is not installed"
)


@pytest.fixture(scope="module")
def printed_without_package(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines that the reading prints on standard output."""
    keras_home = tmp_path_factory.mktemp("keras")
    # A port that nothing listens on stands for a network that is out of reach.
    unreachable = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = os.environ | unreachable | {"KERAS_HOME": str(keras_home)}
    command = [sys.executable, "-c", WITHOUT_PACKAGE, str(keras_home)]
    process = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return process.stdout.splitlines()


def test_prepared_files_hold_both_splits(fashion_mnist_directory: Path) -> None:
    """60,000 training images in six files and 10,000 test images in one, each class a tenth of either."""
    names = sorted(path.name for path in fashion_mnist_directory.glob("*.tfrecord"))
    assert names == ["test-00000-of-00001.tfrecord", *(f"train-0000{shard}-of-00006.tfrecord" for shard in range(6))]
    specification = {features.LABEL: tf.io.FixedLenFeature([], tf.int64)}
    for split, num_images in (("train", 60_000), ("test", 10_000)):
        paths = tf.io.gfile.glob(f"{fashion_mnist_directory}/{split}-*")
        batches = tf.data.TFRecordDataset(paths).batch(10_000)
        labels = np.concatenate([tf.io.parse_example(batch, specification)[features.LABEL] for batch in batches])
        assert np.bincount(labels).tolist() == [num_images // 10] * 10


def test_examples_hold_the_source(fashion_mnist_directory: Path) -> None:
    """An example has its source's pixels, its class's name and the name of its place in the split."""
    test = list(read())[1]
    records = tf.data.TFRecordDataset(str(fashion_mnist_directory / "test-00000-of-00001.tfrecord"))
    for index, record in enumerate(records.take(500).as_numpy_iterator()):
        feature = tf.train.Example.FromString(record).features.feature
        pixels = tf.io.decode_png(feature[features.ENCODED].bytes_list.value[0]).numpy()
        np.testing.assert_array_equal(pixels, test.pixels[index])
        assert feature[features.LABEL_TEXT].bytes_list.value == [CLASS_NAMES[test.labels[index]].encode()]
        assert feature[features.FILENAME].bytes_list.value == [f"fashion_mnist/test/{index:05d}.png".encode()]


def test_neither_package_nor_network_says_how_to_mend_it(printed_without_package: list[str]) -> None:
    """One error tells what was tried, and names both ways out."""
    message = printed_without_package[0]
    assert message.startswith("fashion_mnist is not on this machine: /nowhere does not exist, and Keras could not")
    assert "URL fetch failure" in message
    assert "install Debian's package dataset-fashion-mnist, or run once with access to the network" in message


@needs_package
def test_keras_stands_in_for_the_package(printed_without_package: list[str]) -> None:
    """Without the package, Keras's copy gives the same images, and nothing is added to standard output."""
    expected = [
        f"{images.name} {images.pixels.shape} {crc32(images.pixels.tobytes())} {crc32(images.labels.tobytes())}"
        for images in read()
    ]
    assert printed_without_package[1:] == expected


@needs_package
@pytest.mark.parametrize("file", FILES)
def test_a_truncated_file_of_the_package_is_named(tmp_path: Path, file: str) -> None:
    """A damaged installation is not papered over by a download."""
    for name in FILES:
        (tmp_path / name).symlink_to(DEBIAN_DIRECTORY / name)
    (tmp_path / file).unlink()
    (tmp_path / file).write_bytes((DEBIAN_DIRECTORY / file).read_bytes()[:1000])
    with pytest.raises(
        DataError, match=f"{file} is not a whole gzip file: .*; install the package {DEBIAN_PACKAGE} anew"
    ):
        list(read(tmp_path))


@needs_package
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    """As many labels as images are required."""
    for name in FILES:
        (tmp_path / name).symlink_to(DEBIAN_DIRECTORY / name)
    (tmp_path / FILES[1]).unlink()
    (tmp_path / FILES[1]).write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x02\0\1"))
    with pytest.raises(DataError, match=r"60000 images, but labels of shape \[2\]"):
        list(read(tmp_path))


def test_a_missing_file_of_the_package_is_named(tmp_path: Path) -> None:
    """An installation without a file says which."""
    with pytest.raises(DataError, match=f"No such file or directory: '{tmp_path}/train-images-idx3-ubyte.gz'; install"):
        list(read(tmp_path))
