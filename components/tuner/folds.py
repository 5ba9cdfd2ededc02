"""Deals examples out to folds, class by class, and writes a file for each."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from components.durability import sync, sync_tree
from components.errors import DataError
from schemas import features

_COUNTS = "counts.json"


@dataclass(frozen=True)
class Fold:
    """A part of the examples, held out once."""

    file: str
    """TFRecords."""
    class_counts: tuple[int, ...]

    @property
    def num_examples(self) -> int:
        """In all classes."""
        return sum(self.class_counts)


def write_folds(patterns: Sequence[str], num_folds: int, num_classes: int, seed: int, directory: Path) -> list[Fold]:
    """Writes examples as folds, or finds those that an earlier process has written.

    Each class is dealt out evenly, in an order drawn from the seed; copies of an image stay together, so that none is
    both learned and asked for.

    Args:
      patterns: of TFRecord files.
      num_folds: at least 2.
      num_classes: labels run from 0 to one less.
      seed: of the order.
      directory: where the files go; it appears whole.

    Raises:
      DataError: there are fewer images than folds.
    """
    if not directory.exists():
        files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
        growing = directory.with_name(f".{directory.name}")
        shutil.rmtree(growing, ignore_errors=True)
        growing.mkdir(parents=True)
        _write(files, num_folds, num_classes, seed, growing)
        sync_tree(growing)
        os.replace(growing, directory)
        sync(directory.parent)
    counts = json.loads((directory / _COUNTS).read_text())
    return [Fold(str(directory / _file_name(number)), tuple(each)) for number, each in enumerate(counts)]


def deal_out(examples: Sequence[tuple[bytes, int]], num_folds: int, seed: int) -> list[int]:
    """The fold of each example.

    Args:
      examples: digest of the image, and label.
      num_folds: at least 2.
      seed: of the order.

    Returns:
      Numbers from 0. Of each class, no fold has more than one image more than another, unless images occur several
      times.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for position, (digest, _) in enumerate(examples):
        groups[digest].append(position)
    folds = [0] * len(examples)
    of_class: dict[int, Counter[int]] = defaultdict(Counter)
    in_all: Counter[int] = Counter()
    for digest in sorted(groups, key=lambda digest: hashlib.sha256(f"{seed}\0".encode() + digest).digest()):
        positions = groups[digest]
        counts = of_class[examples[positions[0]][1]]
        fold = min(range(num_folds), key=lambda number: (counts[number], in_all[number], number))
        for position in positions:
            folds[position] = fold
            of_class[examples[position][1]][fold] += 1
            in_all[fold] += 1
    return folds


def _write(files: Sequence[str], num_folds: int, num_classes: int, seed: int, directory: Path) -> None:
    examples = [_digest_and_label(record) for record in _records(files)]
    if len({digest for digest, _ in examples}) < num_folds:
        raise DataError(
            f"tuning.cross_validation.folds: got {num_folds}; the training and eval splits have only"
            f" {len({digest for digest, _ in examples})} images; give fewer folds"
        )
    folds = deal_out(examples, num_folds, seed)
    counts = [[0] * num_classes for _ in range(num_folds)]
    writers = [tf.io.TFRecordWriter(str(directory / _file_name(number))) for number in range(num_folds)]
    for record, fold, (_, label) in zip(_records(files), folds, examples, strict=True):
        writers[fold].write(record)
        counts[fold][label] += 1
    for writer in writers:
        writer.close()
    (directory / _COUNTS).write_text(json.dumps(counts))


def _records(files: Sequence[str]) -> Iterator[bytes]:
    yield from tf.data.TFRecordDataset(files).as_numpy_iterator()


def _digest_and_label(record: bytes) -> tuple[bytes, int]:
    feature = tf.train.Example.FromString(record).features.feature
    return feature[features.SHA256].bytes_list.value[0], feature[features.LABEL].int64_list.value[0]


def _file_name(number: int) -> str:
    return f"fold-{number}.tfrecord"
