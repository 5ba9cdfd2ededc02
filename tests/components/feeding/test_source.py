from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.errors import DataError
from components.feeding.source import Reader, Source
from schemas.preprocessing import Preprocessing
from tests.components.feeding.split import DECODED
from tests.components.images import noise, png, serialized, write_tfrecord
from tests.components.transforms import stored, transform_of, transformed


def by_gray(source: Source, chosen: np.ndarray | None = None) -> tuple[list[int], list[int]]:
    decoded = Reader(source).decode(chosen)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.labels.dtype == np.int64
    assert decoded.pixels.shape == (len(decoded.labels), *source.shape)
    return decoded.pixels[:, 0, 0, 0].tolist(), decoded.labels.tolist()


def test_all_examples_are_decoded(source: Source) -> None:
    """Each once, with its label."""
    grays, labels = by_gray(source)
    assert sorted(grays) == list(range(48))
    assert labels == DECODED.labels[grays].tolist()


def test_chosen_examples_are_decoded(source: Source) -> None:
    """By their positions, of which labels are known without decoding."""
    grays, labels = by_gray(source)
    assert Reader(source).labels().tolist() == labels
    chosen = np.arange(48) % 5 == 1
    assert by_gray(source, chosen)[0] == np.array(grays)[chosen].tolist()


def test_cached_pixels_are_the_graphs_own(tmp_path: Path) -> None:
    """What resizing gives is kept without loss: as uint8 it equals the graph's float32, to the bit."""
    examples = [stored(png(noise(9 + size, 7, 3, size)), size) for size in range(20)]
    transform = transform_of(tmp_path / "transform", examples, Preprocessing(height=6, width=5, normalization="none"))
    write_tfrecord(tmp_path / "files" / "a", map(serialized, examples))
    decoded = Reader(Source([str(tmp_path / "files" / "*")], transform, (6, 5, 3), 20)).decode()
    np.testing.assert_array_equal(decoded.pixels.astype(np.float32), transformed(transform, examples)["pixels"])


@pytest.mark.parametrize("num_examples", [47, 49])
def test_another_number_of_examples_is_told(source: Source, num_examples: int) -> None:
    """Fewer or more than ingestion wrote: both numbers are in the error, and what to do."""
    reader = Reader(source._replace(num_examples=num_examples))
    for read in (reader.decode, reader.labels):
        with pytest.raises(DataError, match=f"are 48 examples where ingestion wrote {num_examples}; remove"):
            read()
