"""A split of small images, each of one gray, by which it is known again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.feeding.replicas import Replicas
from components.feeding.source import Decoded, Source
from schemas.preprocessing import Preprocessing
from tests.components.images import png, serialized, write_tfrecord
from tests.components.transforms import stored, transform_of

SHAPE = (2, 3, 1)
LABELS = np.repeat([0, 1, 2], [24, 16, 8])
NUM_EXAMPLES = len(LABELS)
DECODED = Decoded(np.broadcast_to(np.arange(NUM_EXAMPLES, dtype=np.uint8)[:, None, None, None], (48, *SHAPE)), LABELS)
PREPROCESSING = Preprocessing(height=2, width=3, channels=1, normalization="rescale")

FOUR_REPLICAS = [Replicas(2, 0, 2), Replicas(2, 1, 2)]
"""Those of two workers with two replicas each."""


def write_split(directory: Path) -> Source:
    """The split in three files of unequal size, and a Transform graph."""
    pixels = [np.full(SHAPE, gray, np.uint8) for gray in range(NUM_EXAMPLES)]
    examples = [stored(png(image), int(label)) for image, label in zip(pixels, LABELS, strict=True)]
    for name, part in (("a", examples[:30]), ("b", examples[30:45]), ("c", examples[45:])):
        write_tfrecord(directory / "files" / name, map(serialized, part))
    transform = transform_of(directory / "transform", examples[:1], PREPROCESSING)
    return Source([str(directory / "files" / "*")], transform, SHAPE, NUM_EXAMPLES)


def batches(dataset: tf.data.Dataset) -> list[list[int]]:
    """The grays of each batch, each image whole and with its own label."""
    grays = []
    for pixels, labels, *_ in dataset.as_numpy_iterator():
        assert (pixels.dtype, labels.dtype) == (np.uint8, np.int64)
        gray: NDArray = pixels[:, 0, 0, 0]
        np.testing.assert_array_equal(pixels, np.broadcast_to(gray[:, None, None, None], (len(gray), *SHAPE)))
        np.testing.assert_array_equal(labels, LABELS[gray])
        grays.append(gray.tolist())
    return grays


def steps(workers: list[list[list[int]]], per_worker: int) -> list[list[int]]:
    """Whole batches, put together from the slices of all workers' replicas."""
    num_steps = len(workers[0]) // per_worker
    return [
        [
            gray
            for worker in workers
            for slice_ in worker[step * per_worker : (step + 1) * per_worker]
            for gray in slice_
        ]
        for step in range(num_steps)
    ]


def flat(drawn: Sequence[Sequence[int]]) -> list[int]:
    """The grays of all batches, one after another."""
    return [gray for batch in drawn for gray in batch]
