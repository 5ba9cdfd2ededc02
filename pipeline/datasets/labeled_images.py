"""Images in memory, as a data set's module hands them over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """A part of a data set, in the order of its source.

    Args:
      name: of the files: `train` is written as `train-00000-of-00006.tfrecord` and so on.
      folder: what the images' own names start with, such as `fashion_mnist/train`.
      pixels: uint8 [images, height, width, channels], 0 to 255; 1 (grayscale), 3 (RGB) or 4 (RGBA) channels.
      labels: integers [images], from 0 to `len(class_names) - 1`.
      class_names: in the order of the labels.
      num_shards: how many files the images are spread over, evenly.

    Raises:
      ValueError: the parts do not fit together.
    """

    name: str
    folder: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.integer[Any]]
    class_names: tuple[str, ...]
    num_shards: int

    def __post_init__(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 4 or shape[3] not in (1, 3, 4):
            raise ValueError(
                f"{self.folder}: pixels are {self.pixels.dtype} {list(shape)};"
                " expected uint8 [images, height, width, 1, 3 or 4 channels]"
            )
        if self.labels.shape != shape[:1]:
            raise ValueError(
                f"{self.folder}: {shape[0]} images, but labels of shape {list(self.labels.shape)}; expected one each"
            )
        if not 1 <= self.num_shards <= shape[0]:
            raise ValueError(f"{self.folder}: {shape[0]} images cannot be spread over {self.num_shards} files")
        if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
            raise ValueError(
                f"{self.folder}: labels from {self.labels.min()} to {self.labels.max()};"
                f" expected 0 to {len(self.class_names) - 1}"
            )
