"""From pixels to what the network takes in: what is taken off, and what the rest is divided by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.pixels import LUMA

# Of 0 to 1, red first; and of 0 to 255, blue first. As keras.applications has them.
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
_MOST = 255.0


class Normalization(NamedTuple):
    """`(pixels - offset) / scale`, for each channel."""

    kind: str
    """One of schemas/preprocessing.py, other than auto."""
    offset: NDArray | tf.Tensor
    """float32 [channels], in the order of the channels that come out."""
    scale: NDArray | tf.Tensor
    """float32 [channels], as `offset`."""

    def __call__(self, pixels: tf.Tensor) -> tf.Tensor:
        """Normalises images.

        Args:
          pixels: float32 [..., channels], from 0 to 255.

        Returns:
          float32 of the same shape; imagenet_bgr turns three channels round, blue first.
        """
        if self.kind == "imagenet_bgr" and pixels.shape[-1] == 3:
            pixels = tf.reverse(pixels, axis=[-1])
        # TensorFlow turns a division into this where it can, which would round otherwise here than there.
        return (pixels - self.offset) * (1.0 / self.scale)


def fixed_normalization(kind: str, channels: int) -> Normalization:
    """A normalisation that does not look at the data.

    Gray images get ImageNet's mean and deviation weighed as luma, as if red, green and blue were the same.

    Args:
      kind: one of schemas/preprocessing.py, other than auto and standardize.
      channels: 1 or 3.
    """
    offset, scale = {
        "none": ((0.0,), (1.0,)),
        "rescale": ((0.0,), (_MOST,)),
        "symmetric": ((_MOST / 2,), (_MOST / 2,)),
        "imagenet": (_scaled(_IMAGENET_MEAN), _scaled(_IMAGENET_DEVIATION)),
        "imagenet_bgr": (_IMAGENET_MEAN_BGR, (1.0,)),
    }[kind]
    # Luma's weights stand red first.
    luma = LUMA[::-1] if kind == "imagenet_bgr" else LUMA
    return Normalization(kind, _for_channels(offset, channels, luma), _for_channels(scale, channels, luma))


def _scaled(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(_MOST * value for value in values)


def _for_channels(values: tuple[float, ...], channels: int, luma: tuple[float, ...]) -> NDArray:
    if channels == 1 and len(values) == 3:
        values = (float(np.dot(values, luma)),)
    return np.broadcast_to(np.asarray(values, np.float32), [channels]).copy()
