from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.fashion_mnist import DEBIAN_DIRECTORY, DEBIAN_PACKAGE
from pipeline.datasets.idx import read_idx

VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
CONTENT = b"\0\0\x08\x03" + struct.pack(">3I", *VALUES.shape) + VALUES.tobytes()


def write_gzip(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


def test_shape_and_order_are_kept(tmp_path: Path) -> None:
    """The array has the shape that the header states, the last dimension fastest."""
    values = read_idx(write_gzip(tmp_path / "images.gz", CONTENT))
    np.testing.assert_array_equal(values, VALUES)
    assert values.dtype == np.uint8


@pytest.mark.skipif(not DEBIAN_DIRECTORY.is_dir(), reason=f"the package {DEBIAN_PACKAGE} is not installed")
def test_real_files_are_read() -> None:
    """Debian's files have 60,000 and 10,000 images of 28 x 28 pixels and as many labels."""
    assert read_idx(DEBIAN_DIRECTORY / "train-labels-idx1-ubyte.gz").shape == (60_000,)
    assert read_idx(DEBIAN_DIRECTORY / "t10k-images-idx3-ubyte.gz").shape == (10_000, 28, 28)
    assert read_idx(DEBIAN_DIRECTORY / "t10k-labels-idx1-ubyte.gz").shape == (10_000,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file of unsigned bytes: it starts with nothing, expected 00 00 08"),
        (b"\x89PNG\r\n\x1a\n", "is not an IDX file of unsigned bytes: it starts with 89 50 4e, expected 00 00 08"),
        (b"\0\0\x0d" + CONTENT[3:], "is not an IDX file of unsigned bytes: it starts with 00 00 0d"),
        (CONTENT[:10], "is truncated: it ends within its header of 16 bytes"),
        (CONTENT[:-1], r"is truncated: it holds 23 values, its header \[2, 3, 4\] announces 24"),
        (CONTENT + b"\0", r"is too long: it holds 25 values, its header \[2, 3, 4\] announces 24"),
    ],
    ids=["empty", "wrong magic", "wrong type", "header cut off", "values cut off", "values left over"],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no whole IDX file is refused with its path, what came and what was expected."""
    path = write_gzip(tmp_path / "broken.gz", content)
    with pytest.raises(ValueError, match=f"{path} {message}"):
        read_idx(path)


@pytest.mark.parametrize(
    "content",
    [CONTENT, gzip.compress(CONTENT)[:-12], gzip.compress(CONTENT)[:20] + b"\xff" * 40],
    ids=["not compressed", "cut off", "overwritten"],
)
def test_a_broken_gzip_file_is_named(tmp_path: Path, content: bytes) -> None:
    """What is no whole gzip file is refused with its path."""
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} is not a whole gzip file"):
        read_idx(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """A file that is not there is told apart from one that is broken."""
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "missing.gz")
