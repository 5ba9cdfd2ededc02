"""How many pixels an image file's header announces, read without decoding one."""

from __future__ import annotations

import contextlib
import struct

# Markers of JPEG that start a frame (ITU-T T.81, table B.1): all SOF but DHT, JPG and DAC, which lie among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_GIF_IMAGE, _GIF_EXTENSION = 0x2C, 0x21
_BMP_PALETTE_BITS = 8
_BMP_RUN_LENGTHS = (1, 2)
_BMP_MASKS = (3, 6)
# Of red, green and blue: in memory they stand as blue, green and red.
_BMP_PLAIN_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF)
# What no length follows; FF 00 is no marker at all, and passed over.
_STANDALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})


def announced_pixels(content: bytes, image_format: str) -> int | None:
    """Reads the headers of a JPEG, PNG, GIF or BMP file.

    Args:
      content: the file's bytes.
      image_format: its format's name.

    Returns:
      Height times width; of a GIF that of all its frames together, for the decoder unpacks them all.
      None where the header is cut short or states no size.
    """
    try:
        return _READERS[image_format](content)
    except (struct.error, IndexError, ValueError):
        return None


def _png(content: bytes) -> int:
    place = 8
    # The decoder passes over unknown chunks before the first that counts.
    while content[place + 4 : place + 8] != b"IHDR":
        place += 12 + int(struct.unpack_from(">I", content, place)[0])
    width, height = struct.unpack_from(">II", content, place + 8)
    return int(height * width)


def _bmp(content: bytes) -> int:
    width, height = struct.unpack_from("<ii", content, 18)
    # A negative height says that the rows go from top to bottom.
    return int(abs(height) * abs(width))


def what_is_misread(content: bytes) -> str | None:
    """What a BMP file has that TensorFlow's decoder takes for plain pixels (core/kernels/image/decode_image_op.cc).

    Args:
      content: the file's bytes.

    Returns:
      In words, or None where there is nothing of the kind, or the header is cut short.
    """
    try:
        [header_size] = struct.unpack_from("<I", content, 14)
        bits, compression = struct.unpack_from("<HI", content, 28)
        [num_colors] = struct.unpack_from("<I", content, 46)
        masks = struct.unpack_from("<III", content, 54) if compression in _BMP_MASKS else _BMP_PLAIN_MASKS
    except struct.error:
        return None
    if compression in _BMP_RUN_LENGTHS:
        return "with run-length compression"
    if masks != _BMP_PLAIN_MASKS:
        return f"with the channel masks {', '.join(f'{mask:#010x}' for mask in masks)} of red, green and blue"
    start = 14 + header_size
    palette = content[start : start + 4 * (num_colors or 256)]
    is_gray = all(palette[4 * color : 4 * color + 3] == bytes([color] * 3) for color in range(len(palette) // 4))
    return "with a palette of colours" if bits == _BMP_PALETTE_BITS and not is_gray else None


def _jpeg(content: bytes) -> int:
    place = 2
    while True:
        place = content.index(0xFF, place)
        while content[place] == 0xFF:
            place += 1
        marker = content[place]
        place += 1
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, place + 3)
            return int(height * width)
        if marker not in _STANDALONE:
            place += struct.unpack_from(">H", content, place)[0]


def _gif(content: bytes) -> int:
    """The logical screen and every frame (GIF89a specification, 1990, sections 17 to 26)."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    pixels = height * width
    place = 13 + _color_table(flags)
    # A file that is cut short may still hold its first frame.
    with contextlib.suppress(IndexError, struct.error):
        while content[place] in (_GIF_IMAGE, _GIF_EXTENSION):
            if content[place] == _GIF_IMAGE:
                width, height, flags = struct.unpack_from("<4xHHB", content, place + 1)
                pixels += height * width
                place += 11 + _color_table(flags)
            else:
                place += 2
            while content[place]:
                place += 1 + content[place]
            place += 1
    return int(pixels)


def _color_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


_READERS = {"PNG": _png, "GIF": _gif, "BMP": _bmp, "JPEG": _jpeg}
