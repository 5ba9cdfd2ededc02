from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.trainer.feed import Feed, keeps_in_memory
from schemas.preprocessing import Preprocessing
from tests.components.images import png, serialized, write_tfrecord
from tests.components.transforms import stored, transform_of

NUM_IMAGES = 48
BATCH_SIZE = 16
PREPROCESSING = Preprocessing(height=2, width=3, channels=1, normalization="none")
# Each image is of one gray, which is also its label.
EXAMPLES = [stored(png(np.full((2, 3, 1), label, np.uint8)), label) for label in range(NUM_IMAGES)]


@pytest.fixture(scope="module")
def transform(tmp_path_factory: pytest.TempPathFactory) -> tft.TFTransformOutput:
    """A graph without normalisation."""
    return transform_of(tmp_path_factory.mktemp("transform"), EXAMPLES[:1], PREPROCESSING)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images in three files of unequal size."""
    directory = tmp_path_factory.mktemp("files")
    for name, part in (("a", EXAMPLES[:30]), ("b", EXAMPLES[30:45]), ("c", EXAMPLES[45:])):
        write_tfrecord(directory / name, map(serialized, part))
    return directory


@pytest.fixture(params=["memory", "disk"])
def num_kept(request: pytest.FixtureRequest) -> int | None:
    """Both ways to feed: from memory and from disk."""
    return NUM_IMAGES if request.param == "memory" else None


def feed(directory: Path, transform: tft.TFTransformOutput, num_kept: int | None, batch_size: int = BATCH_SIZE) -> Feed:
    return Feed([str(directory / "*")], transform, batch_size, num_kept)


def order(dataset: tf.data.Dataset, num_batches: int = -1) -> list[int]:
    """Labels in the order in which they come, each with its own image; all of them where no number is given."""
    labels: list[int] = []
    for images, batch in dataset.take(num_batches).as_numpy_iterator():
        assert images.shape == (len(batch), 2, 3, 1)
        assert images.dtype == np.float32
        assert batch.dtype == np.int64
        np.testing.assert_array_equal(images, np.broadcast_to(batch[:, None, None, None], images.shape))
        labels += batch.tolist()
    return labels


def test_every_epoch_has_every_example_once(
    num_kept: int | None, directory: Path, transform: tft.TFTransformOutput
) -> None:
    """Epoch after epoch, in full batches, each image comes once with its own label, each time in another order."""
    labels = order(feed(directory, transform, num_kept).training(shuffle_buffer=20, seed=1), 9)
    assert len(labels) == 3 * NUM_IMAGES
    epochs = [labels[start : start + NUM_IMAGES] for start in range(0, 3 * NUM_IMAGES, NUM_IMAGES)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(NUM_IMAGES))] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_batches_are_always_full(num_kept: int | None, directory: Path, transform: tft.TFTransformOutput) -> None:
    """Where batches do not fill an epoch evenly, the next epoch fills them up, and nothing is lost."""
    training = feed(directory, transform, num_kept, batch_size=20).training(shuffle_buffer=20, seed=1)
    assert [len(labels) for _, labels in training.take(12).as_numpy_iterator()] == [20] * 12
    assert set(Counter(order(training, 12)).values()) == {5}


def test_the_seed_decides_the_order(num_kept: int | None, directory: Path, transform: tft.TFTransformOutput) -> None:
    """The same seed gives the same order over several epochs, another seed another one."""

    def with_seed(seed: int) -> list[int]:
        return order(feed(directory, transform, num_kept).training(shuffle_buffer=20, seed=seed), 6)

    assert with_seed(3) == with_seed(3)
    assert with_seed(3) != with_seed(4)


def test_the_order_mixes_the_files(num_kept: int | None, directory: Path, transform: tft.TFTransformOutput) -> None:
    """The first batch holds images of more than one file: a sorted source is not learned class by class."""
    [*first] = order(feed(directory, transform, num_kept).training(shuffle_buffer=48, seed=1), 1)
    assert {(label >= 30) + (label >= 45) for label in first} >= {0, 1}


def test_memory_mixes_all_images(directory: Path, transform: tft.TFTransformOutput) -> None:
    """Kept in memory, images are drawn from all, however small the buffer for reading from disk is."""
    ordered = order(feed(directory, transform, None).training(shuffle_buffer=1, seed=1), 3)
    mixed = order(feed(directory, transform, NUM_IMAGES).training(shuffle_buffer=1, seed=1), 3)
    assert ordered == order(feed(directory, transform, None).once())
    assert mixed != ordered
    assert max(mixed[:BATCH_SIZE]) >= 30


def test_once_is_every_example_once_in_order(
    num_kept: int | None, directory: Path, transform: tft.TFTransformOutput
) -> None:
    """For evaluation all images come once, in the same order each time; the last batch may be smaller."""
    once = feed(directory, transform, num_kept, batch_size=20).once()
    assert [len(labels) for _, labels in once.as_numpy_iterator()] == [20, 20, 8]
    labels = order(once)
    assert sorted(labels) == list(range(NUM_IMAGES))
    assert labels == order(once)


def test_what_is_kept_is_not_read_again(
    num_kept: int | None, directory: Path, transform: tft.TFTransformOutput, tmp_path: Path
) -> None:
    """Once all images have come, those kept in memory come again without the files; from disk they do not."""
    for path in directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copied = feed(tmp_path, transform, num_kept)
    once, training = copied.once(), copied.training(shuffle_buffer=20, seed=1)
    assert len(order(once)) == len(order(training, 6)) / 2
    for path in tmp_path.iterdir():
        path.unlink()
    for dataset in (once, training):
        if num_kept:
            assert sorted(order(dataset, 3)) == list(range(NUM_IMAGES))
        else:
            with pytest.raises(tf.errors.NotFoundError):
                order(dataset, 3)


@pytest.mark.parametrize(
    ("feeder", "num_images", "shape", "kept"),
    [
        ("auto", 1 << 20, (16, 16, 1), True),
        ("auto", (1 << 20) + 1, (16, 16, 1), False),
        ("auto", 0, (16, 16, 1), True),
        ("memory", 1 << 40, (224, 224, 3), True),
        ("disk", 1, (1, 1, 1), False),
    ],
)
def test_auto_keeps_up_to_a_gibibyte(feeder: str, num_images: int, shape: tuple[int, int, int], kept: bool) -> None:
    """`auto` keeps float32 images of exactly 1 GiB and no more; the others are taken at their word."""
    assert keeps_in_memory(feeder, num_images, shape) is kept
