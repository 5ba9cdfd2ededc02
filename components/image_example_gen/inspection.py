"""Facts about images, found by decoding each one once with what serving will use."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.image_example_gen.dimensions import announced_pixels, what_is_misread
from components.image_example_gen.facts import Facts
from components.pixels import decode_file, without_alpha
from schemas import features

_SIGNATURES = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF8", "GIF"), (b"BM", "BMP"))
# What serving cannot decode, recognised to be named.
_OTHER_SIGNATURES = (
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "TIFF"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "AVIF"),
    (re.compile(rb"....ftyp(hei[cx]|mif1|msf1)", re.DOTALL), "HEIC"),
    (re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"), "JPEG 2000"),
    (re.compile(rb"\xff\x0a|\x00\x00\x00\x0cJXL "), "JPEG XL"),
    (re.compile(rb"\x00\x00\x01\x00"), "ICO"),
    (re.compile(rb"8BPS"), "PSD"),
    (re.compile(rb"%PDF"), "PDF"),
    (re.compile(rb"PK\x03\x04"), "ZIP"),
    (re.compile(rb"\x1f\x8b"), "gzip"),
    (re.compile(rb"\s*<"), "HTML, SVG or XML"),
)
_PARALLEL_DECODES = 16


class Unusable(NamedTuple):
    """Why an image has no facts."""

    reason: str
    detail: str


def inspect_header(content: bytes, shape: tuple[int, int, int], encoding: str, max_pixels: int) -> int | Unusable:
    """Looks at an image without decoding it.

    Args:
      content: a file's bytes, or pixels.
      shape: height, width and channels, where the encoding is not `compressed`.
      encoding: the experiment's `data.encoding`.
      max_pixels: the largest number of pixels to accept.

    Returns:
      How many pixels there are, 0 where the header does not say; or why the image is of no use.
    """
    if not content:
        return Unusable("empty", "the image has no bytes")
    if encoding != "compressed":
        pixels = max(shape[0], 0) * max(shape[1], 0)
    elif (image_format := format_of(content)) is None:
        return Unusable("unsupported_format", _why_unsupported(content))
    elif image_format == "BMP" and (why := what_is_misread(content)):
        return Unusable("unsupported_format", f"a BMP {why}, which serving misreads; store it as PNG")
    else:
        pixels = announced_pixels(content, image_format) or 0
    if pixels > max_pixels:
        return Unusable("too_large", f"{pixels} pixels; the limit is data.quarantine.max_pixels = {max_pixels}")
    return pixels


def _why_unsupported(content: bytes) -> str:
    name = next((name for signature, name in _OTHER_SIGNATURES if signature.match(content)), None)
    found = f"looks like {name}" if name else f"starts with {content[:8].hex(' ')}"
    return f"{found}; JPEG, PNG, GIF and BMP can be decoded"


def inspect_files(contents: Sequence[bytes]) -> list[Facts | Unusable]:
    """Decodes image files in parallel and measures them.

    Args:
      contents: each the bytes of one file of a known format.

    Returns:
      Facts, or the reason why there are none, for each file in its place.
    """
    return _measure(contents) if contents else []


def inspect_pixels(content: bytes, shape: tuple[int, int, int], encoding: str) -> Facts | Unusable:
    """Measures pixels stored without a file format.

    Args:
      content: uint8 pixels for the encoding `raw`, float32 pixels / 255 for `float32`, row by row.
      shape: height, width and channels.
      encoding: `raw` or `float32`.
    """
    expected = math.prod(shape) * (1 if encoding == "raw" else 4)
    if min(shape) < 1 or shape[2] not in (1, 3, 4) or len(content) != expected:
        height, width, channels = shape
        return Unusable(
            "wrong_shape",
            f"{len(content)} bytes of {encoding} pixels do not make {height} x {width} pixels of {channels} channels"
            f" ({expected} bytes)",
        )
    num_colors = min(shape[2], 3)
    if encoding == "raw":
        colors = np.frombuffer(content, np.uint8).reshape(shape)[..., :num_colors]
        return Facts(features.RAW_FORMAT, *shape, float(colors.mean()), float(colors.std()))
    fractions = np.frombuffer(content, "<f4").astype(np.float64).reshape(shape)
    if not np.isfinite(fractions).all():
        return Unusable("not_finite", "some pixels are NaN or infinite")
    if fractions.min() < 0 or fractions.max() > 1:
        return Unusable("out_of_range", f"pixels from {fractions.min():g} to {fractions.max():g}, expected 0 to 1")
    scaled = fractions[..., :num_colors] * 255
    return Facts(features.FLOAT32_FORMAT, *shape, float(scaled.mean()), float(scaled.std()))


def format_of(content: bytes) -> str | None:
    """Name of the file format that the bytes start like, or None for one that serving cannot decode."""
    return next((name for magic, name in _SIGNATURES if content.startswith(magic)), None)


def _measure(contents: Sequence[bytes]) -> list[Facts | Unusable]:
    columns = [column.numpy().tolist() for column in _measuring_graph()(tf.constant(contents, tf.string))]
    measured = {place: (shape, moments) for place, shape, moments in zip(*columns, strict=True)}
    return [
        _facts(content, *measured[place]) if place in measured else Unusable("undecodable", _why_undecodable(content))
        for place, content in enumerate(contents)
    ]


def _facts(content: bytes, shape: Sequence[int], moments: Sequence[float]) -> Facts | Unusable:
    height, width, channels = shape
    if not height or not width:
        return Unusable("undecodable", "decodes to no pixels")
    mean, stddev = moments
    return Facts(str(format_of(content)), height, width, channels, mean, stddev)


@functools.cache
def _measuring_graph() -> tf.types.experimental.GenericFunction:
    """Of files their places, shapes and moments, each decoded once; those that cannot be decoded are left out."""

    def measure(place: tf.Tensor, content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        pixels = decode_file(content)
        values = tf.reshape(tf.cast(without_alpha(pixels), tf.float32), [-1])
        mean, variance = tf.nn.moments(values, axes=[0])
        return place, tf.shape(pixels), tf.stack([mean, tf.sqrt(variance)])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def measure_all(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        count = tf.size(contents, tf.int64)
        files = tf.data.Dataset.from_tensor_slices((tf.range(count), contents))
        measured = files.map(measure, num_parallel_calls=_PARALLEL_DECODES).ignore_errors()
        # Of no file there would be no batch to be had.
        none = tf.data.Dataset.from_tensors((tf.constant(-1, tf.int64), tf.zeros(3, tf.int32), tf.zeros(2)))
        return measured.concatenate(none).batch(count + 1).get_single_element()

    return measure_all


def _why_undecodable(content: bytes) -> str:
    try:
        decode_file(tf.constant(content))
    except tf.errors.OpError as error:
        # TensorFlow's own words, without the names of its nodes around them.
        return (
            re.sub(r"\{\{.*?\}\}|\[Op:.*?\]|\[\[.*?\]\]", "", str(error.message))
            .strip()
            .splitlines()[0]
            .removesuffix("name:")
            .strip()
        )
    return "decodes to no pixels"
