from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from components.image_example_gen.inspection import Facts, Unusable, format_of, inspect_files, inspect_pixels
from tests.components.images import Pixels, encode, jpeg, noise, picture, png, smooth

NAN, INFINITY = float("nan"), float("inf")
GRAY, RGB, RGBA = noise(5, 7, 1), noise(6, 4, 3), noise(9, 3, 4)
# Its mean is that of the decoded pixels, and decoders differ; see the tests of pixels.
JPEG_TOLERANCE = 1.5

WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "
UNUSABLE = {
    "empty": (b"", "empty", "no bytes"),
    "text": (b"a text", "unsupported_format", "61 20 74 65 78 74"),
    "WebP": (WEBP, "unsupported_format", "JPEG, PNG, GIF and BMP can be decoded"),
    "cut PNG": (png(RGB)[:50], "undecodable", "PNG"),
    "cut JPEG": (jpeg(smooth(20, 20, 3))[:200], "undecodable", "JPEG"),
    "head of a GIF": (b"GIF89a", "undecodable", "GIF"),
    "head of a BMP": (b"BM", "undecodable", "Incomplete bmp content"),
}


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
    expected: list[tuple[str, str] | Pixels] = []
    for index, (content, reason, detail) in enumerate([*UNUSABLE.values()] * 3):
        good = noise(3 + index, 4, 3, seed=index)
        contents += [content, png(good)]
        expected += [(reason, detail), good]
    outcomes = inspect_files(contents)
    assert len(outcomes) == len(contents)
    for found, wanted in zip(outcomes, expected, strict=True):
        if isinstance(wanted, tuple):
            assert isinstance(found, Unusable)
            assert found.reason == wanted[0]
            assert wanted[1] in found.detail
        else:
            assert_equal_facts(found, facts("PNG", wanted))


@pytest.mark.parametrize("name", [name for name in UNUSABLE if "cut" in name or "head" in name])
def test_the_decoders_reason_is_one_clean_line(name: str) -> None:
    """What TensorFlow says of a file is told without the names of its nodes."""
    [found] = inspect_files([UNUSABLE[name][0]])
    assert isinstance(found, Unusable)
    assert found.detail
    assert not set("{}[]\n") & set(found.detail)


def test_a_file_cut_anywhere_never_ends_the_batch() -> None:
    """Wherever a PNG ends too early, the outcome is facts or a reason, and its neighbours are measured."""
    content = png(RGB)
    cuts = [content[:length] for length in range(len(content))]
    outcomes = inspect_files([png(GRAY), *cuts, content])
    assert len(outcomes) == len(cuts) + 2
    assert_equal_facts(outcomes[0], facts("PNG", GRAY))
    assert_equal_facts(outcomes[-1], facts("PNG", RGB))
    reasons = [outcome.reason for outcome in outcomes[1:-1] if isinstance(outcome, Unusable)]
    assert set(reasons) == {"empty", "unsupported_format", "undecodable"}
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
