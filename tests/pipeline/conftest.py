"""Records that the tests of whole runs are made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def records(digits_directory: Path) -> list[bytes]:
    """Serialized examples of 450 digits."""
    return list(tf.data.TFRecordDataset(str(digits_directory / "digits-00000-of-00004.tfrecord")).as_numpy_iterator())
