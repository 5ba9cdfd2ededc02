"""Writes Fashion-MNIST as both contenders read it: PNG files in GZIP TFRecords.

python -m tests.bench.fashion_png DIRECTORY NUM_IMAGES
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from components.errors import DataError
from pipeline.datasets.labeled_images import LabeledImages

_NUM_EXTRA = 100


def write_fashion_png(directory: Path, num_images: int) -> None:
    """Writes `train/train.gz`, `eval/eval.gz` and `test/test.gz`.

    Every example has `image`, a PNG file, and `label`, an int64 from 0 to 9. The last file is for
    Darkroom alone, which wants a third split that is not empty: mirrored images, as no image may be in
    two splits, and beside the others, so that they lose none.

    Args:
      directory: an existing one.
      num_images: how many to train on, at most 60,000; a sixth of that many are evaluated on.

    Raises:
      DataError: the images cannot be had; the message says how to mend it.
    """
    from pipeline.datasets.fashion_mnist import read

    parts = {part.name: part for part in read()}
    held_out = _first(parts["test"], num_images // 6)
    extra = _first(held_out, _NUM_EXTRA)
    _write(_first(parts["train"], num_images), directory / "train" / "train.gz")
    _write(held_out, directory / "eval" / "eval.gz")
    _write(replace(extra, pixels=extra.pixels[:, :, ::-1]), directory / "test" / "test.gz")


def _first(images: LabeledImages, count: int) -> LabeledImages:
    return replace(images, pixels=images.pixels[:count], labels=images.labels[:count], num_shards=1)


def _write(images: LabeledImages, path: Path) -> None:
    import tensorflow as tf

    from pipeline.datasets.png import encode_png

    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for pixels, label in zip(images.pixels, images.labels.tolist(), strict=True):
            example = tf.train.Example()
            feature = example.features.feature
            feature["image"].bytes_list.value.append(encode_png(pixels))
            feature["label"].int64_list.value.append(label)
            writer.write(example.SerializeToString())


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.argument("num_images", type=click.IntRange(600, 60_000))
def main(directory: Path, num_images: int) -> None:
    """Writes the files into DIRECTORY."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        write_fashion_png(directory, num_images)
    except DataError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
