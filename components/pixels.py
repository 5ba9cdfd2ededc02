"""From stored bytes to pixels: one rule for ingestion, training and serving."""

from __future__ import annotations

import tensorflow as tf

from schemas import features

# Weights of red, green and blue in luma (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


def decode_file(contents: tf.Tensor) -> tf.Tensor:
    """Decodes one image file: JPEG, PNG, GIF (its first frame) or BMP.

    Args:
      contents: string scalar, the file's bytes.

    Returns:
      uint8 [height, width, channels], with the channels that the file has. 16-bit pixels lose their
      lower byte.

    Raises:
      tf.errors.InvalidArgumentError: when it runs, where the bytes are no such file.
    """
    pixels = tf.io.decode_image(contents, channels=0, expand_animations=False)
    pixels.set_shape([None, None, None])
    return pixels


def without_alpha(pixels: tf.Tensor) -> tf.Tensor:
    """Keeps the first of one or two channels, or the first three of three or four."""
    return pixels[..., : tf.where(tf.shape(pixels)[-1] < 3, 1, 3)]


def load_file(contents: tf.Tensor, channels: int) -> tf.Tensor:
    """Decodes one image file to the wanted channels.

    Args:
      contents: string scalar, the file's bytes.
      channels: 1 or 3.

    Returns:
      float32 [height, width, channels], from 0 to 255.
    """
    return with_channels(tf.cast(decode_file(contents), tf.float32), channels)


def load_stored(
    contents: tf.Tensor,
    image_format: tf.Tensor,
    height: tf.Tensor,
    width: tf.Tensor,
    stored_channels: tf.Tensor,
    channels: int,
) -> tf.Tensor:
    """Decodes one image that may be stored as raw uint8 pixels, as float32 pixels / 255, or as a file.

    Args:
      contents: string scalar.
      image_format: string scalar, `RAW`, `FLOAT32` or anything else for a file.
      height: int64 scalar, in pixels; not read for a file.
      width: int64 scalar, in pixels; not read for a file.
      stored_channels: int64 scalar, 1, 3 or 4; not read for a file.
      channels: 1 or 3, wanted.

    Returns:
      float32 [height, width, channels], from 0 to 255.
    """
    shape = tf.stack([height, width, stored_channels])

    def raw() -> tf.Tensor:
        return with_channels(tf.cast(tf.reshape(tf.io.decode_raw(contents, tf.uint8), shape), tf.float32), channels)

    def float32() -> tf.Tensor:
        return with_channels(tf.reshape(tf.io.decode_raw(contents, tf.float32), shape) * 255.0, channels)

    is_raw = tf.equal(image_format, features.RAW_FORMAT)
    is_float32 = tf.equal(image_format, features.FLOAT32_FORMAT)
    return tf.cond(is_raw, raw, lambda: tf.cond(is_float32, float32, lambda: load_file(contents, channels)))


def with_channels(pixels: tf.Tensor, channels: int) -> tf.Tensor:
    """Turns 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha) channels into 1 or 3.

    Args:
      pixels: float32 [height, width, any], from 0 to 255.
      channels: 1 or 3.

    Returns:
      float32 [height, width, channels]: alpha is dropped, gray repeated, colour weighed as luma.
    """
    is_gray = tf.shape(pixels)[-1] < 3
    if channels == 3:
        converted = tf.cond(is_gray, lambda: tf.repeat(pixels[..., :1], 3, axis=-1), lambda: pixels[..., :3])
    else:
        converted = tf.cond(
            is_gray,
            lambda: pixels[..., :1],
            lambda: tf.reduce_sum(pixels[..., :3] * LUMA, axis=-1, keepdims=True),
        )
    converted.set_shape([None, None, channels])
    return converted
