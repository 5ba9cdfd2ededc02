"""How an image of any shape meets the size of the model's input."""

from __future__ import annotations

import tensorflow as tf

from schemas.preprocessing import Preprocessing


def fit_to_size(pixels: tf.Tensor, config: Preprocessing) -> tf.Tensor:
    """Brings one image to the size of the model's input.

    Args:
      pixels: float32 [height, width, channels], from 0 to 255.
      config: the experiment's section.

    Returns:
      float32 [config.height, config.width, config.channels], from 0 to 255.
    """
    size = (config.height, config.width)

    def resize() -> tf.Tensor:
        scaled = _scaled_size(pixels, size) if config.fit == "pad" else size
        resized = tf.image.resize(pixels, scaled, method=config.interpolation, antialias=config.antialias)
        # Bicubic overshoots at edges.
        resized = tf.clip_by_value(resized, 0.0, 255.0)
        if config.fit == "stretch":
            return resized
        top, left = (size[0] - scaled[0]) // 2, (size[1] - scaled[1]) // 2
        return tf.image.pad_to_bounding_box(resized, top, left, *size)

    fits = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], size))
    fitted = tf.cond(fits, lambda: pixels, resize)
    fitted.set_shape([*size, config.channels])
    return fitted


def _scaled_size(pixels: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """The largest size of the image's own shape within `size`; unlike tf.image.resize_with_pad's, never 0."""
    shape = tf.cast(tf.shape(pixels)[:2], tf.float64)
    scale = tf.reduce_min(tf.constant(size, tf.float64) / shape)
    return tf.clip_by_value(tf.cast(tf.round(shape * scale), tf.int32), 1, size)
