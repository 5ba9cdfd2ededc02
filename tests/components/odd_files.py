"""Image files that are broken, or odd and yet good, with what is to be made of them."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import NamedTuple

import numpy as np
from PIL import Image

from tests.components.images import Pixels, encode, jpeg, noise, picture, png, smooth

HEIGHT, WIDTH = 16, 20
RGB, SLOPES, GRAY = noise(HEIGHT, WIDTH, 3), smooth(HEIGHT, WIDTH, 3), noise(HEIGHT, WIDTH, 1)
PALETTE = picture(RGB).quantize(16)
SIXTEEN_BITS = np.random.default_rng(1).integers(0, 1 << 16, (HEIGHT, WIDTH), np.uint16)
SIXTEEN_BIT_RGB = np.random.default_rng(2).integers(0, 1 << 16, (HEIGHT, WIDTH, 3), np.uint16)
# TensorFlow computes JPEG's cosine transform by libjpeg's fast integers, Pillow by its accurate ones.
JPEG_TOLERANCE, EXACT = 1.5, 0.01


def chunk(kind: bytes, content: bytes, flip: int = 0) -> bytes:
    """A chunk of a PNG file; `flip` damages its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content) ^ flip)


def header(width: int, height: int, depth: int, color: int, interlace: int = 0, flip: int = 0) -> bytes:
    content = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", content, flip)


def pixels_chunk(lines: bytes, flip: int = 0) -> bytes:
    return chunk(b"IDAT", zlib.compress(lines, 1), flip)


END = chunk(b"IEND", b"")


def lines_of(pixels: Pixels) -> bytes:
    """Rows of samples without a filter."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def interlaced(pixels: Pixels) -> bytes:
    """A gray PNG in the seven passes of Adam7 (PNG specification, section 8.2)."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    lines = b"".join(lines_of(pixels[y::dy, x::dx]) for x, y, dx, dy in passes)
    return header(WIDTH, HEIGHT, 8, 0, interlace=1) + pixels_chunk(lines) + END


def run_length_bmp() -> bytes:
    """Four black pixels of an 8-bit BMP file: a run, an end of line, an end of file."""
    runs = b"\x04\x00\x00\x01"
    gray = b"".join(bytes([color] * 3 + [0]) for color in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, 4, 1, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", 1078 + len(runs), 0, 0, 1078) + header + gray + runs


def masked_bmp(pixels: Pixels, masks: tuple[int, ...], compression: int = 3, header_size: int = 40) -> bytes:
    """A BMP file of 32 bits a pixel, each channel where its mask says; masks of red, green, blue, perhaps alpha."""
    shifts = [(mask & -mask).bit_length() - 1 for mask in masks]
    words = sum(pixels[..., channel].astype("<u4") << shifts[channel] for channel in range(pixels.shape[-1]))
    rows = np.asarray(words, "<u4")[::-1].tobytes()
    height, width = pixels.shape[:2]
    info = struct.pack("<IiiHHIIiiII", header_size, width, height, 1, 32, compression, len(rows), 0, 0, 0, 0)
    # Behind the 40 bytes that all headers share the masks stand, within a larger header or beside a small one.
    info = (info + struct.pack(f"<{len(masks)}I", *masks)).ljust(header_size, b"\0")
    return struct.pack("<2sIHHI", b"BM", 14 + len(info) + len(rows), 0, 0, 14 + len(info)) + info + rows


def resized(content: bytes, height: int, width: int) -> bytes:
    """A BMP or JPEG file that claims another size."""
    if content.startswith(b"BM"):
        return content[:18] + struct.pack("<ii", width, height) + content[26:]
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def without_frame(content: bytes) -> bytes:
    """A JPEG file without its SOF segment."""
    place = content.index(b"\xff\xc0")
    return content[:place] + content[place + 2 + int.from_bytes(content[place + 2 : place + 4], "big") :]


def scrambled(content: bytes) -> bytes:
    """A JPEG file with garbage in place of its scan."""
    scan = content.index(b"\xff\xda") + 14
    return content[:scan] + np.random.default_rng(0).bytes(len(content) - 2 - scan) + content[-2:]


def gif(*frames: Pixels) -> bytes:
    first, *others = (picture(frame) for frame in frames)
    return encode(first, "GIF", save_all=bool(others), append_images=others)


def frames_bomb(num_frames: int, side: int) -> bytes:
    """A GIF of frames that are large decoded, and a few bytes each encoded."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0xF0, 0, 0) + bytes(6) + frame * num_frames + b";"


def exif() -> bytes:
    values = Image.Exif()
    values[0x0112], values[0x010E] = 6, "turned by 90 degrees"
    return encode(picture(SLOPES), "JPEG", quality=90, exif=values)


def opaque(content: bytes) -> Pixels:
    """A file's first frame as Pillow decodes it, without alpha."""
    image = Image.open(io.BytesIO(content))
    pixels = np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") and image.format != "GIF" else "RGB"))
    return pixels.reshape(*pixels.shape[:2], -1)


RED_LAST, RED_FIRST = (0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000)
JPEG, PNG, BMP, GIF = jpeg(SLOPES), png(RGB), encode(picture(RGB), "BMP"), gif(GRAY, noise(HEIGHT, WIDTH, 1, 1))
ALL_ONE_COLOR = header(12_000, 12_000, 1, 0) + pixels_chunk(bytes(12_000 * 1_501)) + END

# By name of the file: its bytes, the reason, what the detail says.
BROKEN: dict[str, tuple[bytes, str, str]] = {
    "empty.jpg": (b"", "empty", "no bytes"),
    "text.jpg": (b"a text about a picture", "unsupported_format", "starts with 61 20 74 65 78 74"),
    "one byte.png": (b"\x89", "unsupported_format", "starts with 89"),
    "page.jpg": (b"<!DOCTYPE html><p>404 Not Found", "unsupported_format", "looks like HTML"),
    "drawing.svg": (b"<?xml version='1.0'?><svg/>", "unsupported_format", "looks like HTML, SVG or XML"),
    "modern.webp": (encode(picture(RGB), "WEBP"), "unsupported_format", "looks like WebP"),
    "scan.tiff": (encode(picture(RGB), "TIFF"), "unsupported_format", "looks like TIFF"),
    "favicon.ico": (encode(picture(RGB), "ICO"), "unsupported_format", "looks like ICO"),
    "paper.pdf": (encode(picture(RGB), "PDF"), "unsupported_format", "looks like PDF"),
    "plain.ppm": (encode(picture(RGB), "PPM"), "unsupported_format", "starts with 50 36 0a"),
    "film.jp2": (encode(picture(RGB), "JPEG2000"), "unsupported_format", "looks like JPEG 2000"),
    "packed.png": (b"\x1f\x8b\x08\x00" + PNG, "unsupported_format", "looks like gzip"),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "undecodable", "jpeg::Uncompress failed"),
    "without end.jpg": (JPEG[:-2], "undecodable", "jpeg::Uncompress failed"),
    "without frame.jpg": (without_frame(JPEG), "undecodable", "jpeg::Uncompress failed"),
    "zero.jpg": (resized(JPEG, 0, 0), "undecodable", "jpeg::Uncompress failed"),
    "huge.jpg": (resized(JPEG, 65_500, 65_500), "too_large", "4290250000 pixels; the limit is data.quarantine"),
    # What a reader takes for a segment that hides the frame, the decoder passes over.
    "disguised bomb.jpg": (
        b"\xff\xd8\xff\x00" + struct.pack(">H", len(JPEG)) + resized(JPEG, 30_000, 30_000)[2:] + JPEG[2:],
        "too_large",
        "900000000 pixels",
    ),
    "truncated.png": (PNG[: len(PNG) // 2], "undecodable", "Invalid PNG data"),
    "damaged header.png": (header(WIDTH, HEIGHT, 8, 0, flip=1) + PNG[33:], "undecodable", "Invalid PNG"),
    "damaged pixels.png": (
        header(WIDTH, HEIGHT, 8, 0) + pixels_chunk(lines_of(GRAY), flip=1) + END,
        "undecodable",
        "Invalid PNG",
    ),
    "without pixels.png": (header(WIDTH, HEIGHT, 8, 0) + END, "undecodable", "Invalid PNG"),
    "too few lines.png": (
        header(WIDTH, HEIGHT, 8, 0) + pixels_chunk(lines_of(GRAY[:-1])) + END,
        "undecodable",
        "Invalid PNG",
    ),
    "header.png": (PNG[:33], "undecodable", "Invalid PNG"),
    "signature.png": (PNG[:8], "undecodable", "Invalid PNG"),
    "zero width.png": (header(0, HEIGHT, 8, 0) + pixels_chunk(bytes(HEIGHT)) + END, "undecodable", "Invalid PNG"),
    "huge header.png": (header(65_000, 65_000, 8, 2) + END, "too_large", "4225000000 pixels"),
    "bomb.png": (ALL_ONE_COLOR, "too_large", "144000000 pixels; the limit is data.quarantine.max_pixels = 100000000"),
    "disguised bomb.png": (
        ALL_ONE_COLOR[:8] + chunk(b"teSt", bytes([0, 0, 0, 1] * 2)) + ALL_ONE_COLOR[8:],
        "too_large",
        "144000000 pixels",
    ),
    "truncated in its first frame.gif": (gif(GRAY)[:-30], "undecodable", "Invalid GIF data"),
    "without frames.gif": (frames_bomb(0, 9), "undecodable", "Invalid GIF data"),
    "bomb.gif": (frames_bomb(5_000, 1_000), "too_large", "5001000000 pixels"),
    "truncated.bmp": (BMP[: len(BMP) // 2], "undecodable", "they differ by"),
    "huge.bmp": (resized(BMP, 1 << 30, 1 << 30), "too_large", f"{1 << 60} pixels"),
    "huge, top down.bmp": (resized(BMP, -(1 << 31), WIDTH), "too_large", f"{WIDTH << 31} pixels"),
    "larger than its bytes.bmp": (resized(BMP, 9_000, 9_000), "undecodable", "they differ by"),
    "negative width.bmp": (resized(BMP, HEIGHT, -WIDTH), "undecodable", "Width must be positive"),
    os.fsdecode(b"caf\xe9.jpg"): (b"a text", "unsupported_format", "starts with 61 20"),
    "palette.bmp": (encode(picture(RGB).quantize(16), "BMP"), "unsupported_format", "with a palette of colours"),
    "run lengths.bmp": (run_length_bmp(), "unsupported_format", "with run-length compression"),
    "red first.bmp": (
        masked_bmp(RGB, RED_FIRST),
        "unsupported_format",
        "with the channel masks 0x000000ff, 0x0000ff00, 0x00ff0000 of red, green and blue",
    ),
    "alpha first.bmp": (
        masked_bmp(noise(HEIGHT, WIDTH, 4), (0xFF << 24, 0xFF << 16, 0xFF << 8, 0xFF), 3, 108),
        "unsupported_format",
        "with the channel masks 0xff000000, 0x00ff0000, 0x0000ff00",
    ),
    "red first, with alpha.bmp": (
        masked_bmp(noise(HEIGHT, WIDTH, 4), (*RED_FIRST, 0xFF << 24), 6),
        "unsupported_format",
        "with the channel masks 0x000000ff",
    ),
    "black and white.bmp": (encode(picture(GRAY).convert("1"), "BMP"), "undecodable", "Number of channels"),
}


class Kept(NamedTuple):
    """A file that is odd and good, and what is known of it."""

    content: bytes
    format: str
    channels: int
    pixels: Pixels | None = None
    """None where Pillow says them."""
    tolerance: float | None = EXACT


KEPT = {
    "progressive.jpg": Kept(encode(picture(SLOPES), "JPEG", progressive=True), "JPEG", 3, None, JPEG_TOLERANCE),
    "gray.jpg": Kept(jpeg(smooth(HEIGHT, WIDTH, 1)), "JPEG", 1, None, JPEG_TOLERANCE),
    "cmyk.jpg": Kept(encode(picture(SLOPES).convert("CMYK"), "JPEG"), "JPEG", 3, None, JPEG_TOLERANCE),
    "exif.jpg": Kept(exif(), "JPEG", 3, None, JPEG_TOLERANCE),
    "garbage in its scan.jpg": Kept(scrambled(JPEG), "JPEG", 3, None, None),
    "bytes behind its end.jpg": Kept(JPEG + bytes(100), "JPEG", 3, None, JPEG_TOLERANCE),
    "palette.png": Kept(encode(PALETTE, "PNG"), "PNG", 3),
    "palette with alpha.png": Kept(encode(PALETTE, "PNG", transparency=3), "PNG", 4),
    "16 bits.png": Kept(
        encode(Image.fromarray(SIXTEEN_BITS), "PNG"), "PNG", 1, (SIXTEEN_BITS >> 8)[..., None].astype(np.uint8)
    ),
    "16 bits, RGB.png": Kept(
        header(WIDTH, HEIGHT, 16, 2) + pixels_chunk(lines_of(SIXTEEN_BIT_RGB.astype(">u2"))) + END,
        "PNG",
        3,
        (SIXTEEN_BIT_RGB >> 8).astype(np.uint8),
    ),
    "alpha.png": Kept(png(noise(HEIGHT, WIDTH, 4)), "PNG", 4),
    "gray and alpha.png": Kept(png(noise(HEIGHT, WIDTH, 2)), "PNG", 2),
    "1 bit.png": Kept(encode(picture(GRAY).convert("1"), "PNG"), "PNG", 1),
    "interlaced.png": Kept(interlaced(GRAY), "PNG", 1, GRAY),
    "1 pixel.png": Kept(png(noise(1, 1, 3)), "PNG", 3),
    "1 line.png": Kept(png(noise(1, 5_000, 1)), "PNG", 1),
    "animated.gif": Kept(GIF, "GIF", 3),
    "truncated after its first frame.gif": Kept(GIF[:-30], "GIF", 3, np.repeat(GRAY, 3, axis=-1)),
    "24 bits.bmp": Kept(BMP, "BMP", 3, RGB),
    "8 bits.bmp": Kept(encode(picture(GRAY), "BMP"), "BMP", 1, GRAY),
    "top down.bmp": Kept(resized(encode(picture(RGB[::-1]), "BMP"), -HEIGHT, WIDTH), "BMP", 3, RGB),
    "32 bits.bmp": Kept(masked_bmp(RGB, RED_LAST, 0), "BMP", 4, RGB),
    "32 bits, masks as ever.bmp": Kept(masked_bmp(RGB, RED_LAST), "BMP", 4, RGB),
    "32 bits, masks as ever, with alpha.bmp": Kept(masked_bmp(RGB, (*RED_LAST, 0xFF << 24), 6), "BMP", 4, RGB),
    "32 bits, masks in a larger header.bmp": Kept(masked_bmp(RGB, (*RED_LAST, 0), 3, 124), "BMP", 4, RGB),
    "a PNG.jpg": Kept(PNG, "PNG", 3),
    "no extension": Kept(jpeg(SLOPES[::-1]), "JPEG", 3, None, JPEG_TOLERANCE),
    "ünï ☃ [a]*?{b}.png": Kept(png(noise(3, 4, 3)), "PNG", 3),
    "a line\nand another.png": Kept(png(noise(4, 3, 3)), "PNG", 3),
    os.fsdecode(b"caf\xe9.png"): Kept(png(noise(4, 4, 3)), "PNG", 3),
}
