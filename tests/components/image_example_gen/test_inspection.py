from __future__ import annotations

import io
import threading
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.image_example_gen import inspection
from components.image_example_gen.facts import Facts
from components.image_example_gen.inspection import (
    Unusable,
    format_of,
    inspect_files,
    inspect_header,
    inspect_pixels,
)
from components.pixels import decode_file
from tests.components.images import Pixels, encode, jpeg, noise, picture, png, smooth

NAN, INFINITY = float("nan"), float("inf")
GRAY, RGB, RGBA = noise(5, 7, 1), noise(6, 4, 3), noise(9, 3, 4)
# Its mean is that of the decoded pixels, and decoders differ; see the tests of pixels.
JPEG_TOLERANCE = 1.5

UNDECODABLE = {
    "cut PNG": (png(RGB)[:50], "PNG"),
    "cut JPEG": (jpeg(smooth(20, 20, 3))[:200], "jpeg"),
    "head of a GIF": (b"GIF89a", "GIF"),
    "head of a BMP": (b"BM", "Incomplete bmp content"),
}
UNSUPPORTED = {
    "WebP": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "TIFF": b"MM\x00*\x00\x00\x00\x08",
    "AVIF": b"\x00\x00\x00\x20ftypavif",
    "HEIC": b"\x00\x00\x00\x18ftypheic",
    "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n",
    "JPEG XL": b"\xff\x0a\xfa\x1f",
    "ICO": b"\x00\x00\x01\x00\x01\x00",
    "PSD": b"8BPS\x00\x01",
    "PDF": b"%PDF-1.4",
    "ZIP": b"PK\x03\x04",
    "gzip": b"\x1f\x8b\x08",
    "HTML, SVG or XML": b"\n <html>",
}
SHAPE, LIMIT = (0, 0, 0), 1_000


def facts(name: str, pixels: Pixels) -> Facts:
    """What numpy says of an image's pixels, alpha left aside."""
    height, width, channels = pixels.shape
    colors = pixels[..., : {1: 1, 2: 1, 3: 3, 4: 3}[channels]].astype(np.float64)
    return Facts(name, height, width, channels, colors.mean(), colors.std())


def assert_equal_facts(found: Facts | Unusable, expected: Facts, tolerance: float = 1e-3) -> None:
    assert isinstance(found, Facts), found
    assert found[:4] == expected[:4]
    np.testing.assert_allclose(found[4:], expected[4:], atol=tolerance)


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def test_facts_are_those_of_the_pixels() -> None:
    """Format, height, width, channels, mean and deviation equal numpy's over Pillow's pixels; alpha counts not."""
    jpeg_file = jpeg(smooth(30, 20, 3))
    gif_file = encode(picture(RGB).quantize(8), "GIF")
    files = {
        png(GRAY): facts("PNG", GRAY),
        png(noise(5, 7, 2)): facts("PNG", noise(5, 7, 2)),
        png(RGB): facts("PNG", RGB),
        png(RGBA): facts("PNG", RGBA),
        encode(picture(RGB), "BMP"): facts("BMP", RGB),
        gif_file: facts("GIF", np.asarray(Image.open(io.BytesIO(gif_file)).convert("RGB"))),
    }
    for found, expected in zip(inspect_files(list(files)), files.values(), strict=True):
        assert_equal_facts(found, expected)
    [found] = inspect_files([jpeg_file])
    assert_equal_facts(found, facts("JPEG", np.asarray(Image.open(io.BytesIO(jpeg_file)))), JPEG_TOLERANCE)


def test_large_images_are_measured_as_exactly() -> None:
    """Over a million bright pixels, mean and deviation are still right to a thousandth."""
    pixels = (200 + noise(1000, 1200, 1) % 50).astype(np.uint8)
    [found] = inspect_files([png(pixels)])
    assert_equal_facts(found, facts("PNG", pixels))


def test_broken_files_among_good_ones_cost_no_others() -> None:
    """In one batch every unusable file has its reason, in its place, and every good one is measured."""
    contents: list[bytes] = []
    expected: list[str | Pixels] = []
    for index, (content, detail) in enumerate([*UNDECODABLE.values()] * 3):
        good = noise(3 + index, 4, 3, seed=index)
        contents += [content, png(good)]
        expected += [detail, good]
    outcomes = inspect_files(contents)
    assert len(outcomes) == len(contents)
    for found, wanted in zip(outcomes, expected, strict=True):
        if isinstance(wanted, str):
            assert isinstance(found, Unusable)
            assert found.reason == "undecodable"
            assert wanted in found.detail
        else:
            assert_equal_facts(found, facts("PNG", wanted))


@pytest.mark.parametrize("num_broken", [0, 1, 5, 64])
def test_no_file_is_decoded_twice_for_another(num_broken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside broken files, however many, a good one is decoded once; a broken one a second time, for its reason."""
    decoded: Counter[bytes] = Counter()

    def decode(content: tf.Tensor) -> tf.Tensor:
        def count(value: tf.Tensor) -> tf.Tensor:
            with lock:
                decoded[value.numpy()] += 1
            return value

        return decode_file(tf.ensure_shape(tf.py_function(count, [content], tf.string), []))

    lock = threading.Lock()
    contents = [png(noise(3, 4, 3, seed)) for seed in range(64)]
    # Broken ones are spread among the good ones.
    broken = set(range(0, 64, 64 // num_broken) if num_broken else ())
    contents = [content[:50] if place in broken else content for place, content in enumerate(contents)]
    contents = [content + bytes([place]) for place, content in enumerate(contents)]
    monkeypatch.setattr(inspection, "decode_file", decode)
    inspection._measuring_graph.cache_clear()
    outcomes = inspect_files(contents)
    inspection._measuring_graph.cache_clear()
    assert [isinstance(outcome, Unusable) for outcome in outcomes] == [place in broken for place in range(64)]
    assert [decoded[content] for content in contents] == [1 + (place in broken) for place in range(64)]


@pytest.mark.parametrize("name", UNDECODABLE)
def test_the_decoders_reason_is_one_clean_line(name: str) -> None:
    """What TensorFlow says of a file is told without the names of its nodes."""
    [found] = inspect_files([UNDECODABLE[name][0]])
    assert isinstance(found, Unusable)
    assert found.detail
    assert not set("{}[]\n") & set(found.detail)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_format_that_cannot_be_decoded_is_named(name: str) -> None:
    """By the first bytes alone, with the formats that can be decoded."""
    found = inspect_header(UNSUPPORTED[name], SHAPE, "compressed", LIMIT)
    assert found == ("unsupported_format", f"looks like {name}; JPEG, PNG, GIF and BMP can be decoded")


def test_what_is_unknown_is_told_by_its_first_bytes() -> None:
    """A file of no known format is described by what it starts with, an empty one as empty."""
    found = inspect_header(b"a text about", SHAPE, "compressed", LIMIT)
    assert found == (
        "unsupported_format",
        "starts with 61 20 74 65 78 74 20 61; JPEG, PNG, GIF and BMP can be decoded",
    )
    for encoding in ("compressed", "raw", "float32"):
        assert inspect_header(b"", (1, 1, 1), encoding, LIMIT) == ("empty", "the image has no bytes")


@pytest.mark.parametrize("encoding", ["compressed", "raw"])
def test_an_image_of_the_limit_passes(encoding: str) -> None:
    """As many pixels as data.quarantine.max_pixels are taken, and one more is refused, with both numbers."""
    content = png(noise(20, 50, 1))
    assert inspect_header(content, (20, 50, 1), encoding, LIMIT) == LIMIT
    assert inspect_header(content, (20, 50, 1), encoding, LIMIT - 1) == (
        "too_large",
        "1000 pixels; the limit is data.quarantine.max_pixels = 999",
    )


def test_a_file_without_a_size_is_left_to_the_decoder() -> None:
    """A known format whose header is cut short counts no pixels; the decoder will say what is wrong."""
    assert inspect_header(png(RGB)[:20], SHAPE, "compressed", LIMIT) == 0


def test_a_file_cut_anywhere_never_ends_the_batch() -> None:
    """Wherever a PNG ends too early, the outcome is facts or a reason, and its neighbours are measured."""
    content = png(RGB)
    cuts = [content[:length] for length in range(8, len(content))]
    outcomes = inspect_files([png(GRAY), *cuts, content])
    assert len(outcomes) == len(cuts) + 2
    assert_equal_facts(outcomes[0], facts("PNG", GRAY))
    assert_equal_facts(outcomes[-1], facts("PNG", RGB))
    reasons = [outcome.reason for outcome in outcomes[1:-1] if isinstance(outcome, Unusable)]
    assert set(reasons) == {"undecodable"}
    assert len(reasons) > len(cuts) / 2


def test_nothing_to_inspect_is_nothing() -> None:
    """An empty batch has no outcomes."""
    assert inspect_files([]) == []


def test_formats_are_told_by_their_first_bytes() -> None:
    """The four formats that serving decodes are known, and nothing else."""
    files = {name: encode(picture(RGB), name) for name in ("JPEG", "PNG", "GIF", "BMP")}
    assert {name: format_of(content) for name, content in files.items()} == {name: name for name in files}
    assert format_of(encode(picture(RGB), "TIFF")) is None
    assert format_of(b"") is None


@pytest.mark.parametrize("pixels", [GRAY, RGB, RGBA], ids=["gray", "RGB", "RGBA"])
def test_stored_pixels_have_the_facts_of_their_png(pixels: Pixels) -> None:
    """Raw and float32 pixels are measured as the PNG of the same image is."""
    [from_png] = inspect_files([png(pixels)])
    assert isinstance(from_png, Facts)
    shape = (pixels.shape[0], pixels.shape[1], pixels.shape[2])
    assert_equal_facts(inspect_pixels(pixels.tobytes(), shape, "raw"), from_png._replace(format="RAW"))
    fractions = (pixels / 255).astype("<f4").tobytes()
    assert_equal_facts(inspect_pixels(fractions, shape, "float32"), from_png._replace(format="FLOAT32"))


@pytest.mark.parametrize(
    ("content", "shape", "encoding", "reason", "detail"),
    [
        (bytes(11), (2, 2, 3), "raw", "wrong_shape", "11 bytes of raw pixels do not make 2 x 2 pixels of 3 channels"),
        (bytes(13), (2, 2, 3), "raw", "wrong_shape", "(12 bytes)"),
        (bytes(12), (2, 2, 3), "float32", "wrong_shape", "(48 bytes)"),
        (bytes(8), (2, 2, 2), "raw", "wrong_shape", "2 channels"),
        (bytes(20), (2, 2, 5), "raw", "wrong_shape", "5 channels"),
        (b"", (0, 2, 3), "raw", "wrong_shape", "0 x 2"),
        (bytes(4), (-2, -2, 1), "raw", "wrong_shape", "-2 x -2"),
        (b"", (1 << 40, 1 << 40, 3), "raw", "wrong_shape", "0 bytes"),
        (floats(0, NAN), (1, 2, 1), "float32", "not_finite", "NaN"),
        (floats(INFINITY, 0), (1, 2, 1), "float32", "not_finite", "infinite"),
        (floats(0, 1.5), (1, 2, 1), "float32", "out_of_range", "from 0 to 1.5"),
        (floats(-0.25, 1), (1, 2, 1), "float32", "out_of_range", "from -0.25 to 1"),
    ],
)
def test_wrong_pixels_have_their_reason(
    content: bytes, shape: tuple[int, int, int], encoding: str, reason: str, detail: str
) -> None:
    """A shape that the bytes do not fill, a number that is none, a value beyond 0 to 1: each is told."""
    found = inspect_pixels(content, shape, encoding)
    assert isinstance(found, Unusable)
    assert found.reason == reason
    assert detail in found.detail


def test_the_limits_are_in_range() -> None:
    """Pixels of exactly 0 and 1 are good."""
    assert_equal_facts(inspect_pixels(floats(0, 1), (1, 2, 1), "float32"), Facts("FLOAT32", 1, 2, 1, 127.5, 127.5))
