from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.image_example_gen.dimensions import announced_pixels, what_is_misread
from components.image_example_gen.facts import Facts
from components.image_example_gen.inspection import inspect_files
from components.pixels import decode_file
from tests.components.images import encode, jpeg, noise, picture, png, smooth
from tests.components.odd_files import BROKEN, KEPT, RED_FIRST, RED_LAST, gif, masked_bmp, resized

HEIGHT, WIDTH = 13, 17
BMP = encode(picture(noise(HEIGHT, WIDTH, 3)), "BMP")
JPEG = jpeg(smooth(HEIGHT, WIDTH, 3))
FILES = {"PNG": png(noise(HEIGHT, WIDTH, 3)), "BMP": BMP, "JPEG": JPEG}


@pytest.mark.parametrize("name", FILES)
def test_a_header_announces_height_times_width(name: str) -> None:
    """Of a PNG, BMP or JPEG file."""
    assert announced_pixels(FILES[name], name) == HEIGHT * WIDTH


@pytest.mark.parametrize("name", [name for name, kept in KEPT.items() if kept.format != "GIF"])
def test_odd_headers_are_read(name: str) -> None:
    """Interlaced, progressive, upside down, with EXIF: the size is the decoded image's."""
    kept = KEPT[name]
    [facts] = inspect_files([kept.content])
    assert isinstance(facts, Facts)
    assert announced_pixels(kept.content, kept.format) == facts.height * facts.width


def test_rows_from_top_to_bottom_count_as_others() -> None:
    """A BMP's negative height says the order of its rows."""
    assert announced_pixels(resized(BMP, -HEIGHT, WIDTH), "BMP") == HEIGHT * WIDTH


@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_all_frames_of_a_gif_count(num_frames: int) -> None:
    """The decoder unpacks them all, and the canvas besides."""
    content = gif(*(noise(HEIGHT, WIDTH, 1, seed) for seed in range(num_frames)))
    assert announced_pixels(content, "GIF") == (1 + num_frames) * HEIGHT * WIDTH


def test_a_large_frame_on_a_small_canvas_counts() -> None:
    """A GIF whose frame is larger than its logical screen is as large as the frame."""
    content = gif(noise(HEIGHT, WIDTH, 1))
    place = content.index(b",", 13 + 768)
    enlarged = content[:place] + struct.pack("<BHHHH", 0x2C, 0, 0, 60_000, 50_000) + content[place + 9 :]
    assert announced_pixels(enlarged, "GIF") == 60_000 * 50_000 + HEIGHT * WIDTH


@pytest.mark.parametrize("name", [name for name, (_, reason, _) in BROKEN.items() if reason == "too_large"])
def test_a_bomb_is_known_by_its_header(name: str) -> None:
    """However it is disguised, what decodes to more than a hundred million pixels announces them."""
    content, _, detail = BROKEN[name]
    kind = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP"}[name.rpartition(".")[2]]
    assert announced_pixels(content, kind) == int(detail.partition(" ")[0])


@pytest.mark.parametrize("name", [*FILES, "GIF"])
def test_a_header_cut_short_announces_nothing(name: str) -> None:
    """Wherever a file ends, the size is right or unknown; nothing is raised."""
    content = gif(noise(HEIGHT, WIDTH, 1)) if name == "GIF" else FILES[name]
    pixels = (1 + (name == "GIF")) * HEIGHT * WIDTH
    found = [announced_pixels(content[:length], name) for length in range(len(content) + 1)]
    # A GIF that ends before its frame is its canvas.
    assert set(found) <= {None, pixels, HEIGHT * WIDTH}
    assert found[0] is None
    assert found[-1] == pixels


@pytest.mark.parametrize("masks", [(*RED_FIRST, 0xFF << 24), (*RED_LAST, 0xFF << 24)])
def test_channels_in_another_order_are_misread(masks: tuple[int, ...]) -> None:
    """Those masks are refused with which the decoder finds other colours than Pillow, which reads the masks."""
    pixels = noise(HEIGHT, WIDTH, 4)
    content = masked_bmp(pixels, masks, header_size=108)
    assert (np.asarray(Image.open(io.BytesIO(content)))[..., :3] == pixels[..., :3]).all()
    decoded = decode_file(tf.constant(content)).numpy()
    is_right = bool((decoded[..., :3] == pixels[..., :3]).all())
    assert is_right == (masks[:3] == RED_LAST)
    assert (what_is_misread(content) is None) == is_right


@pytest.mark.parametrize("name", ["red first.bmp", "alpha first.bmp", "red first, with alpha.bmp"])
def test_a_header_cut_within_its_masks_is_left_to_the_decoder(name: str) -> None:
    """Up to the last mask nothing is known of them; nothing is raised."""
    content = BROKEN[name][0]
    assert [what_is_misread(content[:length]) for length in range(66)] == [None] * 66
    assert what_is_misread(content[:66]) == what_is_misread(content) is not None


def test_megabytes_without_a_size_are_soon_read() -> None:
    """A file of nothing but fill bytes or empty segments ends in no time, with no size."""
    start = time.monotonic()
    assert announced_pixels(b"\xff\xd8" + b"\xff" * (2 << 20), "JPEG") is None
    assert announced_pixels(b"\xff\xd8" + b"\xff\xe0\x00\x02" * (1 << 19), "JPEG") is None
    assert announced_pixels(b"\x89PNG\r\n\x1a\n" + bytes(4 << 20), "PNG") is None
    assert announced_pixels(b"GIF89a" + bytes(7) + b"!\xff\x01a" * (1 << 19), "GIF") == 0
    assert time.monotonic() - start < 10
