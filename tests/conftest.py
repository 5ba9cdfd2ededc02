"""What all tests share: the environment that TensorFlow reads when it is imported, and the embedded data sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.errors import DataError
from pipeline import runtime
from pipeline.datasets.preparation import prepare
from tests.programs import do_without

# Before a test imports TensorFlow and Keras, which read these once.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
runtime.configure()


@pytest.fixture(scope="session")
def digits_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set digits, prepared once; tests only read it."""
    return prepare("digits", tmp_path_factory.mktemp("datasets") / "digits")


@pytest.fixture(scope="session")
def fashion_mnist_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set fashion_mnist, prepared once; tests only read it. Tests do without where it cannot be had."""
    try:
        return prepare("fashion_mnist", tmp_path_factory.mktemp("datasets") / "fashion_mnist")
    except DataError as error:
        do_without(str(error))


@pytest.fixture(scope="session")
def records(digits_directory: Path) -> list[bytes]:
    """Serialized examples of 450 digits."""
    import tensorflow as tf

    return list(tf.data.TFRecordDataset(str(digits_directory / "digits-00000-of-00004.tfrecord")).as_numpy_iterator())
