"""Images of the data as small PNG pictures inside of the page."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.image_example_gen.shards import shard_path
from components.image_files import stored_pixels
from components.pixels import decode_file, without_alpha
from pipeline.report.content import Picture
from schemas import features

_LONGEST_SIDE = 96
_BLACK_TO_WHITE = (0, 255)


class Place(NamedTuple):
    """Where an example is stored."""

    split: str
    shard: str
    """The file's name, without directory and ending."""
    row: int
    """Which record it is in that file."""


def read_examples(examples_uri: str, places: Iterable[Place]) -> dict[Place, bytes]:
    """Reads some examples, each file once and no further than needed.

    Args:
      examples_uri: of the output of ImageExampleGen.
      places: of the examples.

    Returns:
      Serialized examples by their place.
    """
    wanted = defaultdict(set)
    for place in places:
        wanted[place.split, place.shard].add(place.row)
    found = {}
    for (split, shard), rows in wanted.items():
        path = shard_path(examples_uri, split, shard)
        for row, record in enumerate(tf.compat.v1.io.tf_record_iterator(path)):
            if row in rows:
                found[Place(split, shard, row)] = record
            if row >= max(rows):
                break
    return found


def pixels_of(record: bytes) -> NDArray[np.uint8]:
    """Decodes the image of an example as ingestion has written it.

    Args:
      record: a serialized example.

    Returns:
      uint8 [height, width, 1 or 3].
    """
    example = tf.train.Example.FromString(record)
    pixels = stored_pixels(example)
    if pixels is None:
        return decoded(example.features.feature[features.ENCODED].bytes_list.value[0])
    return pixels[..., : 1 if pixels.shape[-1] < 3 else 3]


def decoded(content: bytes) -> NDArray[np.uint8]:
    """Decodes an image file.

    Args:
      content: JPEG, PNG, GIF or BMP.

    Returns:
      uint8 [height, width, 1 or 3].

    Raises:
      tf.errors.OpError: the bytes are no such file.
    """
    return without_alpha(decode_file(tf.constant(content))).numpy()


def picture(pixels: NDArray, alternative: str, caption: Sequence[str] = ()) -> Picture:
    """A picture of at most 96 pixels at its longer side.

    Args:
      pixels: [height, width, 1 or 3], from 0 to 255.
      alternative: what it shows, for who cannot see it.
      caption: lines below it.
    """
    return Picture(_data_uri(pixels), alternative, caption, is_small=max(pixels.shape[:2]) <= _LONGEST_SIDE // 2)


def _data_uri(pixels: NDArray) -> str:
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest > _LONGEST_SIDE:
        scaled = [max(1, round(side * _LONGEST_SIDE / longest)) for side in (height, width)]
        pixels = tf.image.resize(pixels, scaled, method="area").numpy()
    content = tf.io.encode_png(np.clip(np.rint(pixels), *_BLACK_TO_WHITE).astype(np.uint8), compression=9).numpy()
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def spread(labels: Sequence[int], wanted: int) -> list[int]:
    """Positions of examples of as many classes as possible, the first of each class first.

    Args:
      labels: by position.
      wanted: at most so many.
    """
    by_label: Mapping[int, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        by_label[label].append(position)
    rounds = [[places[turn] for _, places in sorted(by_label.items()) if turn < len(places)] for turn in range(wanted)]
    return [position for places in rounds for position in places][:wanted]
