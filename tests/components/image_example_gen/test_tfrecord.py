from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.image_example_gen import tfrecord
from components.image_example_gen.items import Refused
from components.image_example_gen.report import IngestionReport
from components.image_example_gen.tfrecord import FRAMING, Record, masked_crc, read_records, write_record
from tests.components.images import write_tfrecord

PAYLOADS = (b"first", b"", b"the third record")
HEADER, FOOTER = 12, 4
# More than one chunk of what is read at once.
LARGE = np.random.default_rng(0).bytes((1 << 24) + 3)


def written(payloads: tuple[bytes, ...] = PAYLOADS) -> bytes:
    file = io.BytesIO()
    for payload in payloads:
        write_record(file, payload)
    return file.getvalue()


def read(content: bytes) -> list[Record]:
    return list(read_records(io.BytesIO(content)))


def edges() -> list[int]:
    """Where each record starts, and where the last one ends."""
    return [sum(HEADER + len(payload) + FOOTER for payload in PAYLOADS[:count]) for count in range(len(PAYLOADS) + 1)]


def kept_unchanged(records: list[Record]) -> bool:
    return all(record.payload == PAYLOADS[record.index] for record in records if record.reason is None)


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_what_tensorflow_wrote_is_read(compression: str, tmp_path: Path) -> None:
    """Records of TensorFlow's writer, plain and gzip, come out as they went in, numbered from 0."""
    payloads = (*PAYLOADS, LARGE)
    with write_tfrecord(tmp_path / "records", payloads, compression).open("rb") as file:
        assert list(read_records(file)) == [Record(index, payload) for index, payload in enumerate(payloads)]


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_tensorflow_reads_what_was_written(compression: str, tmp_path: Path) -> None:
    """What `write_record` wrote is byte for byte TensorFlow's, and TensorFlow reads it, plain and gzip."""
    payloads = (*PAYLOADS, LARGE)
    path = tmp_path / "records"
    path.write_bytes(gzip.compress(written(payloads), 1) if compression else written(payloads))
    assert tuple(tf.data.TFRecordDataset(str(path), compression).as_numpy_iterator()) == payloads
    if not compression:
        assert path.read_bytes() == write_tfrecord(tmp_path / "tensorflow's", payloads).read_bytes()


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["plain", "gzip"])
def test_an_empty_file_has_no_records(content: bytes) -> None:
    """A file without a byte, or a gzip file of nothing, is no damage."""
    assert read(content) == []


def test_a_file_cut_anywhere_keeps_its_whole_records() -> None:
    """Wherever a file ends too early, the records before are kept, and the cut one is reported in its place."""
    content = written()
    for length in range(len(content)):
        records = read(content[:length])
        whole = sum(edge <= length for edge in edges()) - 1
        assert [record.payload for record in records[:whole]] == list(PAYLOADS[:whole])
        if length in edges():
            assert len(records) == whole
            continue
        [damage] = records[whole:]
        reason = "not_a_tfrecord" if length < HEADER else "truncated_file"
        assert (damage.index, damage.payload, damage.reason) == (whole, None, reason), length
        assert damage.lost_bytes == length - edges()[whole]


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_any_wrong_byte_is_found(mask: int) -> None:
    """A wrong byte in a payload or its checksum costs that record, which is kept; in a length, also what follows."""
    content = written()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= mask
        records = read(bytes(damaged))
        struck = sum(edge <= place for edge in edges()) - 1
        in_header = place - edges()[struck] < HEADER
        assert kept_unchanged(records)
        assert [record.index for record in records] == list(range(struck + 1 if in_header else len(PAYLOADS)))
        assert [record.index for record in records if record.reason is not None] == [struck]
        assert records[struck].reason == ("not_a_tfrecord" if in_header and struck == 0 else "corrupt_record")
        assert records[struck].detail
        payload = bytes(damaged[edges()[struck] + HEADER : edges()[struck + 1] - FOOTER])
        assert records[struck].payload == (None if in_header else payload)
        assert records[struck].lost_bytes == (len(content) - edges()[struck] if in_header else 0)


def test_a_gzip_file_cut_anywhere_is_reported() -> None:
    """Wherever a gzip file ends too early, what is kept is unchanged, and the damage is the last word."""
    content = gzip.compress(written(), mtime=0)
    for length in range(1, len(content)):
        records = read(content[:length])
        assert kept_unchanged(records)
        assert [record.reason is None for record in records] == [True] * (len(records) - 1) + [False]
        assert records[-1].lost_bytes > 0
        assert [record.index for record in records] == list(range(len(records)))
        assert records[-1].reason == ("truncated_file" if length > 1 else "not_a_tfrecord")


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_any_wrong_byte_of_a_gzip_file_is_found_or_harmless(mask: int) -> None:
    """A wrong byte in a gzip file never changes a record unseen: where one is missing, damage is reported."""
    content = gzip.compress(written(), mtime=0)
    num_found = 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= mask
        records = read(bytes(damaged))
        assert kept_unchanged(records)
        damage = [record for record in records if record.reason is not None]
        assert len(records) == len(PAYLOADS) or damage[-1].lost_bytes > 0
        assert {record.reason for record in damage} <= {"not_a_tfrecord", "truncated_file", "corrupt_record"}
        num_found += bool(damage)
    # The gzip header's time, hints and system mean nothing to the content.
    assert num_found >= len(content) - 10


@pytest.mark.parametrize("length", [1 << 42, (1 << 64) - 1])
def test_a_length_of_terabytes_costs_no_memory(length: int) -> None:
    """A length far beyond the file's end, with the right checksum, is a truncated file and reserves nothing."""
    header = struct.pack("<Q", length)
    content = written() + header + struct.pack("<I", masked_crc(header)) + bytes(1000)
    tracemalloc.start()
    records = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [record.payload for record in records] == [*PAYLOADS, None]
    assert (records[-1].index, records[-1].reason) == (3, "truncated_file")
    assert peak < 40 << 20


def test_a_text_is_no_tfrecord() -> None:
    """A file of something else is said to be no TFRecord, once."""
    assert [(record.index, record.reason) for record in read(b"name,label\n" * 100)] == [(0, "not_a_tfrecord")]


def test_a_length_that_looks_like_gzip_is_no_gzip() -> None:
    """A plain file whose first record's length starts with gzip's magic bytes is read as the plain file it is."""
    payload = bytes(0x8B1F)
    file = io.BytesIO()
    write_record(file, payload)
    assert file.getvalue().startswith(b"\x1f\x8b")
    file.seek(0)
    assert [record.payload for record in read_records(file)] == [payload]


def random_payloads(count: int, size: int = 5_000) -> tuple[bytes, ...]:
    random = np.random.default_rng(1)
    return tuple(random.bytes(size) for _ in range(count))


def letters(count: int, size: int = 300) -> tuple[bytes, ...]:
    """Payloads that gzip makes a fourth as large."""
    random = np.random.default_rng(2)
    return tuple(random.integers(97, 101, size, np.uint8).tobytes() for _ in range(count))


@pytest.mark.parametrize("num_wrong", [64, 1_000])
@pytest.mark.parametrize("payloads", [random_payloads(400), letters(2_000), letters(30)], ids=["random", "text", "few"])
def test_damage_in_a_gzip_file_tells_how_much_is_lost(payloads: tuple[bytes, ...], num_wrong: int) -> None:
    """What lies behind the damage is counted as it would be unpacked, however well it was packed."""
    unpacked = written(payloads)
    content = bytearray(gzip.compress(unpacked, mtime=0))
    half = len(content) // 2
    content[half : half + num_wrong] = np.random.default_rng(3).bytes(num_wrong)
    records = read(bytes(content))
    assert [record.lost_bytes > 0 for record in records] == [False] * (len(records) - 1) + [True]
    kept = [record.payload for record in records if record.reason is None]
    assert kept == list(payloads[: len(kept)])
    lost = sum(HEADER + len(payload) + FOOTER for payload in payloads[len(kept) :])
    assert lost == pytest.approx(len(unpacked) / 2, rel=0.05, abs=1_000)
    # The damage itself may unpack to less than was there, or to more.
    assert records[-1].lost_bytes == pytest.approx(lost, rel=0.05, abs=2_000)


def test_the_number_of_records_behind_damage_is_estimated() -> None:
    """Of 2,000 well packed records half lie behind 64 wrong bytes that stop gzip, and so many are told as lost."""
    payloads = letters(2_000)
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(written(payloads[:1_000])) + packer.flush(zlib.Z_FULL_FLUSH)
    second = packer.compress(written(payloads[1_000:])) + packer.flush()
    content = first + b"\xff" * 64 + second[64:]
    report = IngestionReport()
    for record in read(content):
        if record.reason is None:
            report.keep(len(record.payload or b"") + FRAMING)
        else:
            report.refuse(Refused("a", record.index, record.reason, "", "", b"", record.lost_bytes))
    assert report.num_kept == 1_000
    assert report.num_refused == {"truncated_file": 1}
    assert 1 + report.num_lost == pytest.approx(1_000, abs=5)


def test_records_before_the_damage_of_a_gzip_file_are_kept() -> None:
    """Wherever a byte is wrong, every record that the bytes before it hold is given out."""
    payloads = letters(200, 40)
    content = gzip.compress(written(payloads), mtime=0)
    for place in range(10, len(content), 97):
        damaged = bytearray(content)
        damaged[place:] = b"\xff" * (len(content) - place)
        before = zlib.decompressobj(31).decompress(content[:place])
        records = read(bytes(damaged))
        kept = [record.payload for record in records if record.reason is None]
        assert kept == list(payloads[: len(kept)])
        assert len(kept) >= len(before) // (HEADER + 40 + FOOTER)
        assert records[-1].reason is not None


def test_of_a_gzip_file_that_is_cut_off_what_there_is_counts() -> None:
    """What is missing cannot be known; the part of a record that is there is lost."""
    payloads = letters(2_000)
    content = gzip.compress(written(payloads), mtime=0)
    *kept, damage = read(content[: len(content) // 2])
    assert [record.payload for record in kept] == list(payloads[: len(kept)])
    assert len(kept) == pytest.approx(1_000, abs=20)
    assert 1 <= damage.lost_bytes <= HEADER + len(payloads[0]) + FOOTER
    assert damage.detail is not None
    assert "ends before its end-of-stream marker" in damage.detail


def too_large(index: int, length: int) -> Record:
    detail = f"a record of {length} bytes; at most 1073741824 can be read, so make its image smaller"
    return Record(index, None, "too_large", detail)


@pytest.fixture(scope="module")
def gibibyte() -> bytes:
    """One record of a byte more than a gibibyte, of zeros, gzipped in many members."""
    header = struct.pack("<Q", (1 << 30) + 1)
    start, end = header + struct.pack("<I", masked_crc(header)), bytes(1) + struct.pack("<I", 0)
    return gzip.compress(start) + gzip.compress(bytes(1 << 24)) * 64 + gzip.compress(end)


def test_a_record_that_is_too_large_is_passed_over(gibibyte: bytes) -> None:
    """More than a gibibyte is not held in memory: the record is refused with its size, and the next ones are read."""
    content = gzip.compress(written()) + gibibyte + gzip.compress(written())
    tracemalloc.start()
    records = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    first = [Record(index, payload) for index, payload in enumerate(PAYLOADS)]
    others = [Record(4 + index, payload) for index, payload in enumerate(PAYLOADS)]
    assert records == [*first, too_large(3, (1 << 30) + 1), *others]
    assert peak < 10 << 20


def test_a_record_of_50_gigabytes_that_ends_early_costs_no_memory(gibibyte: bytes) -> None:
    """A length far beyond what a gzip file unpacks to is a truncated file, whose bytes are counted, not held."""
    header = struct.pack("<Q", 50 * 10**9)
    start = header + struct.pack("<I", masked_crc(header))
    tracemalloc.start()
    [record] = read(gzip.compress(start) + gibibyte)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (record.index, record.payload, record.reason) == (0, None, "truncated_file")
    assert record.lost_bytes == HEADER + HEADER + (1 << 30) + 1 + FOOTER
    assert peak < 10 << 20


def test_the_largest_record_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly the limit is taken, a byte more is not, in a plain file as in a packed one."""
    monkeypatch.setattr(tfrecord, "LARGEST_RECORD", 1_000)
    content = written((bytes(1_000), bytes(1_001), b"last"))
    for file in (content, gzip.compress(content)):
        assert [(record.index, record.payload, record.reason) for record in read(file)] == [
            (0, bytes(1_000), None),
            (1, None, "too_large"),
            (2, b"last", None),
        ]
    # Its end is missing: nothing is known of what follows.
    [_, damage] = read(content[: HEADER + 1_000 + FOOTER + HEADER + 1_001])
    assert (damage.index, damage.reason, damage.lost_bytes) == (1, "truncated_file", HEADER + 1_001)
