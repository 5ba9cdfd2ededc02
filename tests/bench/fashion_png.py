"""Writes Fashion-MNIST as both contenders read it: PNG files in GZIP TFRecords.

python -m tests.bench.fashion_png DIRECTORY NUM_IMAGES
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from components.errors import DataError
from pipeline.datasets.labeled_images import LabeledImages

_NUM_EXTRA = 100
_NUM_ORIGINALS = 60_000


def write_fashion_png(directory: Path, num_images: int) -> None:
    """Writes `train/train.gz`, `eval/eval.gz` and `test/test.gz`, and more files where there are more images.

    Every example has `image`, a PNG file, and `label`, an int64 from 0 to 9. The last file is for
    Darkroom alone, which wants a third split that is not empty: mirrored images, as no image may be in
    two splits, and beside the others, so that they lose none.

    Args:
      directory: an existing one.
      num_images: how many to train on; a sixth of that many are evaluated on. Beyond 60,000 they are
        turned, mirrored and inverted, 60,000 in a file, up to 16 times.

    Raises:
      DataError: the images cannot be had; the message says how to mend it.
    """
    from pipeline.datasets.fashion_mnist import read

    parts = {part.name: part for part in read()}
    held_out = _first(parts["test"], num_images // 6)
    extra = _first(held_out, _NUM_EXTRA)
    for number, turn in enumerate(_turns(num_images)):
        name = f"-{number}" if number else ""
        write_images(turn(_first(parts["train"], num_images)), directory / "train" / f"train{name}.gz")
        write_images(turn(held_out), directory / "eval" / f"eval{name}.gz")
    write_images(replace(extra, pixels=extra.pixels[:, :, ::-1]), directory / "test" / "test.gz")


def _turns(num_images: int) -> Sequence[Callable[[LabeledImages], LabeledImages]]:
    """As many ways to make other images of all images as the number asks for; the first leaves them as they are."""

    def turned(images: LabeledImages, quarters: int, step: int, is_inverted: bool) -> LabeledImages:
        pixels = np.rot90(images.pixels, quarters, axes=(1, 2))[:, :, ::step]
        return replace(images, pixels=np.ascontiguousarray(255 - pixels if is_inverted else pixels))

    ways = itertools.product((0, 1, 2, 3), (1, -1), (False, True))
    turns = [functools.partial(turned, quarters=way[0], step=way[1], is_inverted=way[2]) for way in ways]
    return turns[: max(1, num_images // _NUM_ORIGINALS)]


def _first(images: LabeledImages, count: int) -> LabeledImages:
    return replace(images, pixels=images.pixels[:count], labels=images.labels[:count], num_shards=1)


def write_images(images: LabeledImages, path: Path) -> None:
    """Writes images as PNG files in one GZIP TFRecord, with `image` and `label`; makes the directory."""
    import tensorflow as tf

    from pipeline.datasets.png import encode_png

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for pixels, label in zip(images.pixels, images.labels.tolist(), strict=True):
            example = tf.train.Example()
            feature = example.features.feature
            feature["image"].bytes_list.value.append(encode_png(pixels))
            feature["label"].int64_list.value.append(label)
            writer.write(example.SerializeToString())


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.argument("num_images", type=click.IntRange(600, 16 * _NUM_ORIGINALS))
def main(directory: Path, num_images: int) -> None:
    """Writes the files into DIRECTORY."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        write_fashion_png(directory, num_images)
    except DataError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
