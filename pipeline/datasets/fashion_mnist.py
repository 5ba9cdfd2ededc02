"""Fashion-MNIST: 70,000 grayscale images of ten kinds of clothing."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.errors import DataError
from pipeline.datasets.idx import read_idx
from pipeline.datasets.labeled_images import LabeledImages

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_DIRECTORY = Path("/usr/share/datasets/fashion-mnist")
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_FILE_PREFIXES = {"train": "train", "test": "t10k"}
_IMAGES_PER_SHARD = 10_000

_Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def read(directory: Path = DEBIAN_DIRECTORY) -> Iterable[LabeledImages]:
    """Reads Fashion-MNIST, as the parts `train` (60,000 images) and `test` (10,000).

    Source: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms" (arXiv:1708.07747), MIT licence; from the files of Debian's package
    `dataset-fashion-mnist` where it is installed, else by `keras.datasets`, which downloads them
    once. Both give the same images.

    Args:
      directory: where Debian's package puts its IDX files.

    Returns:
      Images of 28 x 28 pixels and ten classes.

    Raises:
      DataError: neither origin has the images, or they are damaged; the message says how to mend it.
    """
    try:
        splits = _read_package(directory) if directory.is_dir() else _download(directory)
        for name, (pixels, labels) in splits.items():
            yield LabeledImages(
                name=name,
                folder=f"fashion_mnist/{name}",
                pixels=pixels[..., np.newaxis],
                labels=labels,
                class_names=CLASS_NAMES,
                num_shards=math.ceil(len(pixels) / _IMAGES_PER_SHARD),
            )
    except ValueError as error:
        raise DataError(f"fashion_mnist is damaged: {error}; install the package {DEBIAN_PACKAGE} anew") from error


def _read_package(directory: Path) -> dict[str, _Split]:
    try:
        return {
            name: (
                read_idx(directory / f"{prefix}-images-idx3-ubyte.gz"),
                read_idx(directory / f"{prefix}-labels-idx1-ubyte.gz"),
            )
            for name, prefix in _FILE_PREFIXES.items()
        }
    except OSError as error:
        raise DataError(f"fashion_mnist cannot be read: {error}; install the package {DEBIAN_PACKAGE} anew") from error


def _download(directory: Path) -> dict[str, _Split]:
    import keras

    try:
        # Keras shows its progress on standard output, where our caller's result goes.
        with contextlib.redirect_stdout(sys.stderr):
            train, test = keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # Where the network fails, Keras raises just that.
        raise DataError(
            f"fashion_mnist is not on this machine: {directory} does not exist, and Keras could not give it either"
            f" ({error}); install Debian's package {DEBIAN_PACKAGE}, or run once with access to the network;"
            " if an earlier download was cut off, first delete datasets/fashion-mnist in Keras's directory, ~/.keras"
        ) from error
    return {"train": train, "test": test}
