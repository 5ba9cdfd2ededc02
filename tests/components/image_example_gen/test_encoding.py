from __future__ import annotations

import numpy as np
import pytest

from components.image_example_gen.encoding import reencode
from components.image_example_gen.facts import Facts
from components.image_example_gen.items import Stored
from tests.components.images import noise, png


def stored(content: bytes) -> Stored:
    return Stored("a.png", 0, content, 1, "a", None, "train")


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_alpha_is_dropped_from_pixels(channels: int) -> None:
    """Whatever a file has, pixels are gray or RGB, and their shape says so."""
    pixels = noise(3, 5, channels)
    facts = Facts("PNG", 3, 5, channels, 0.0, 0.0)
    item, found = reencode(stored(png(pixels)), facts, "raw")
    colors = 1 if channels < 3 else 3
    assert found[:4] == ("RAW", 3, 5, colors)
    np.testing.assert_array_equal(np.frombuffer(item.content, np.uint8).reshape(3, 5, colors), pixels[..., :colors])


def test_what_fits_is_left_alone() -> None:
    """A file stays the same file, byte for byte, and so does what is stored as wanted."""
    file, facts = stored(png(noise(3, 5, 4))), Facts("PNG", 3, 5, 4, 0.0, 0.0)
    assert reencode(file, facts, "compressed") == (file, facts)
    raw, facts = stored(noise(3, 5, 4).tobytes()), Facts("RAW", 3, 5, 4, 0.0, 0.0)
    assert reencode(raw, facts, "raw") == (raw, facts)
