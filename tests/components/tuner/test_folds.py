from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest
import tensorflow as tf

from components.errors import DataError
from components.tuner.folds import deal_out, write_folds
from schemas import features
from tests.components.images import serialized, write_tfrecord

LABELS = [0] * 11 + [1] * 5 + [2]


def digests(count: int) -> list[bytes]:
    return [hashlib.sha256(bytes([number])).digest() for number in range(count)]


def write_examples(file: Path, examples: list[tuple[bytes, int]]) -> str:
    write_tfrecord(file, [serialized({features.SHA256: digest, features.LABEL: label}) for digest, label in examples])
    return str(file)


@pytest.mark.parametrize("num_folds", [2, 3, 5])
def test_every_class_is_dealt_out_evenly(num_folds: int) -> None:
    """Of each class, and of all, no fold has more than one example more than another."""
    folds = deal_out(list(zip(digests(len(LABELS)), LABELS, strict=True)), num_folds, seed=0)
    for wanted in ({0}, {1}, {2}, {0, 1, 2}):
        counts = Counter(fold for fold, label in zip(folds, LABELS, strict=True) if label in wanted)
        assert max(counts.values()) - min(counts[number] for number in range(num_folds)) <= (
            1 if len(wanted) == 1 else 2
        )
    assert set(folds) == set(range(num_folds))


def test_copies_of_an_image_stay_together() -> None:
    """Also under different labels: what is asked for was never learned."""
    images = digests(6)
    examples = [(images[number % 6], number % 2) for number in range(24)] + [(images[0], 2)]
    folds = deal_out(examples, 3, seed=0)
    for image in images:
        assert len({fold for fold, (digest, _) in zip(folds, examples, strict=True) if digest == image}) == 1


def test_the_seed_decides() -> None:
    """The same seed deals alike, in whatever order the examples come; another one does not."""
    examples = list(zip(digests(len(LABELS)), LABELS, strict=True))
    dealt = dict(zip(examples, deal_out(examples, 3, seed=0), strict=True))
    backwards = dict(zip(examples[::-1], deal_out(examples[::-1], 3, seed=0), strict=True))
    assert dealt == backwards
    assert dealt != dict(zip(examples, deal_out(examples, 3, seed=1), strict=True))


def test_each_example_is_in_one_file(tmp_path: Path) -> None:
    """Byte for byte, from all files; the counts are those of the files."""
    examples = list(zip(digests(len(LABELS)), LABELS, strict=True))
    first = write_examples(tmp_path / "in" / "train-0", examples[:9])
    write_examples(tmp_path / "in" / "eval-0", examples[9:])
    folds = write_folds([first, str(tmp_path / "in" / "eval-*")], 3, 3, 0, tmp_path / "folds")
    found = []
    for fold in folds:
        records = list(tf.data.TFRecordDataset(fold.file).as_numpy_iterator())
        labels = [
            tf.train.Example.FromString(record).features.feature[features.LABEL].int64_list.value[0]
            for record in records
        ]
        assert fold.class_counts == tuple(labels.count(label) for label in range(3))
        assert fold.num_examples == len(records)
        found += records
    assert sorted(found) == sorted(
        serialized({features.SHA256: digest, features.LABEL: label}) for digest, label in examples
    )


def test_folds_that_are_there_are_not_written_again(tmp_path: Path) -> None:
    """A process that goes on finds those of the killed one; half-written ones count for nothing."""
    examples = list(zip(digests(6), [0, 1] * 3, strict=True))
    source = write_examples(tmp_path / "source", examples)
    (tmp_path / ".folds").mkdir()
    (tmp_path / ".folds" / "fold-7.tfrecord").write_bytes(b"cut off")
    written = write_folds([source], 2, 2, 0, tmp_path / "folds")
    Path(source).unlink()
    assert write_folds([source], 2, 2, 0, tmp_path / "folds") == written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folds"]
    assert len(list((tmp_path / "folds").iterdir())) == 3


def test_fewer_images_than_folds_are_refused(tmp_path: Path) -> None:
    """With the key to change."""
    source = write_examples(tmp_path / "source", [(digests(1)[0], 0)] * 4)
    with pytest.raises(DataError, match=r"tuning\.cross_validation\.folds: got 2; .* only 1 images; give fewer"):
        write_folds([source], 2, 1, 0, tmp_path / "folds")
