from __future__ import annotations

import gzip
import io
import zlib

import numpy as np
import pytest

from components.image_example_gen.gunzip import Gunzip

RANDOM = np.random.default_rng(0)
CONTENTS = {
    "a byte": b"a",
    "random": RANDOM.bytes(200_001),
    "text": RANDOM.integers(97, 101, 300_000, np.uint8).tobytes(),
    "zeros": bytes(5_000_000),
}


def opened(content: bytes) -> tuple[Gunzip, io.BufferedReader]:
    packed = Gunzip(io.BytesIO(content))
    return packed, io.BufferedReader(packed, 1 << 16)


def what_can_be_read(stream: io.BufferedReader) -> tuple[bytes, Exception | None]:
    parts = []
    try:
        while part := stream.read1(1_000):
            parts.append(part)
    except (EOFError, zlib.error) as error:
        return b"".join(parts), error
    return b"".join(parts), None


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("size", [1_000, 65_536, 1_000_000, -1])
def test_what_gzip_packed_is_unpacked(name: str, size: int) -> None:
    """In pieces of any size, or all at once, with the numbers of bytes on both sides."""
    content = gzip.compress(CONTENTS[name])
    packed, stream = opened(content)
    parts = []
    while part := stream.read(size):
        parts.append(part)
    assert b"".join(parts) == CONTENTS[name]
    assert (packed.num_packed, packed.num_unpacked) == (len(content), len(CONTENTS[name]))
    assert packed.num_left == 0


@pytest.mark.parametrize("num_zeros", [0, 1, 511, 100_000])
def test_members_follow_one_another(num_zeros: int) -> None:
    """Several members are one stream, empty ones too, and zeros between or behind them are passed over."""
    members = [*CONTENTS.values(), b"", b"the end"]
    packed, stream = opened(b"".join(gzip.compress(member) + bytes(num_zeros) for member in members))
    assert stream.read() == b"".join(members)
    assert packed.num_left == 0


def test_a_name_in_the_header_is_passed_over() -> None:
    """What gzip keeps of the file itself is not part of the content."""
    file = io.BytesIO()
    with gzip.GzipFile("shard.tfrecord", "wb", fileobj=file) as writer:
        writer.write(b"content")
    assert opened(file.getvalue())[1].read() == b"content"


@pytest.mark.parametrize("name", ["random", "text"])
def test_a_file_that_is_cut_off_is_told_after_what_there_is(name: str) -> None:
    """All that the bytes hold is given out, then EOFError is raised, again and again; nothing is left to unpack."""
    content = gzip.compress(CONTENTS[name])
    for length in (1, 5, 10, 30_000, len(content) - 8, len(content) - 1):
        packed, stream = opened(content[:length])
        found, error = what_can_be_read(stream)
        assert found == zlib.decompressobj(31).decompress(content[:length])
        assert isinstance(error, EOFError)
        assert packed.num_left == 0
        with pytest.raises(EOFError):
            stream.read(1)


@pytest.mark.parametrize("place", [300, 30_000, 60_000])
def test_damage_is_told_after_what_comes_before_it(place: int) -> None:
    """All bytes before it are given out, then zlib.error is raised; what is left is about as much as there was."""
    content = gzip.compress(CONTENTS["text"])
    packed, stream = opened(content[:place] + np.random.default_rng(1).bytes(len(content) - place))
    found, error = what_can_be_read(stream)
    before = zlib.decompressobj(31).decompress(content[:place])
    assert found.startswith(before)
    assert isinstance(error, zlib.error)
    assert place <= packed.num_packed < len(content)
    assert packed.num_unpacked == len(found)
    assert len(found) + packed.num_left == pytest.approx(len(CONTENTS["text"]), rel=0.6 if place == 300 else 0.05)


def test_a_wrong_checksum_is_told_after_all_bytes() -> None:
    """Of a member whose checksum is wrong every byte is given out first."""
    content = gzip.compress(CONTENTS["text"])
    _, stream = opened(content[:-8] + bytes(4) + content[-4:])
    found, error = what_can_be_read(stream)
    assert found == CONTENTS["text"]
    assert isinstance(error, zlib.error)


def test_of_damage_at_the_start_each_byte_counts() -> None:
    """Where nothing was unpacked, what is left is taken to be as large as it is packed."""
    packed, stream = opened(b"\x1f\x8b\xff" + bytes(997))
    assert isinstance(what_can_be_read(stream)[1], zlib.error)
    assert packed.num_left == pytest.approx(1_000, abs=5)
