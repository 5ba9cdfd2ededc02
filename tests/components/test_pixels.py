from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from components.image_example_gen.facts import Facts
from components.image_example_gen.inspection import inspect_files
from components.pixels import decode_file, load_file, load_stored, with_channels, without_alpha
from schemas import features
from tests.components.images import Pixels, encode, jpeg, noise, picture, png, smooth
from tests.components.odd_files import BROKEN, KEPT, SIXTEEN_BIT_RGB

HEIGHT, WIDTH = 11, 14
RGB = noise(HEIGHT, WIDTH, 3)
SIXTEEN_BITS = np.random.default_rng(1).integers(0, 1 << 16, (HEIGHT, WIDTH), np.uint16)
# TensorFlow computes JPEG's cosine transform by libjpeg's fast integers, Pillow by its accurate ones.
JPEG_TOLERANCE, JPEG_MEAN_TOLERANCE = 6.0, 1.5
# Pillow rounds luma to whole numbers.
LUMA_TOLERANCE = 0.51
ROUNDING = 1e-4

FILES = {
    "gray PNG": png(noise(HEIGHT, WIDTH, 1)),
    "gray and alpha PNG": png(noise(HEIGHT, WIDTH, 2)),
    "RGB PNG": png(RGB),
    "RGBA PNG": png(noise(HEIGHT, WIDTH, 4)),
    "palette PNG": encode(picture(RGB).quantize(16), "PNG"),
    "palette and alpha PNG": encode(picture(RGB).quantize(16), "PNG", transparency=3),
    "black and white PNG": encode(picture(noise(HEIGHT, WIDTH, 1)).convert("1"), "PNG"),
    "gray JPEG": jpeg(smooth(HEIGHT, WIDTH, 1)),
    "RGB JPEG": jpeg(smooth(HEIGHT, WIDTH, 3)),
    "progressive JPEG": encode(picture(smooth(HEIGHT, WIDTH, 3)), "JPEG", quality=90, progressive=True),
    "CMYK JPEG": encode(picture(smooth(HEIGHT, WIDTH, 3)).convert("CMYK"), "JPEG", quality=90),
    "gray GIF": encode(picture(noise(HEIGHT, WIDTH, 1)), "GIF"),
    "palette GIF": encode(picture(RGB).quantize(16), "GIF"),
    "gray BMP": encode(picture(noise(HEIGHT, WIDTH, 1)), "BMP"),
    "RGB BMP": encode(picture(RGB), "BMP"),
    "RGBA BMP": encode(picture(noise(HEIGHT, WIDTH, 4)), "BMP"),
}

Load = Callable[[Sequence[bytes], int], list[NDArray]]


class Loader(tf.Module):
    """Exports `load_file`."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def gray(self, contents: tf.Tensor) -> tf.Tensor:
        return load_file(contents, 1)

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def rgb(self, contents: tf.Tensor) -> tf.Tensor:
        return load_file(contents, 3)


@pytest.fixture(scope="module", params=["alone", "in tf.data", "exported"])
def load(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Files to pixels by `load_file`, called alone, in a tf.data pipeline, and in an exported graph."""
    if request.param == "alone":
        return lambda contents, channels: [load_file(tf.constant(item), channels).numpy() for item in contents]
    if request.param == "in tf.data":

        def mapped(contents: Sequence[bytes], channels: int) -> list[NDArray]:
            files = tf.data.Dataset.from_tensor_slices(list(contents))
            return list(files.map(lambda item: load_file(item, channels)).as_numpy_iterator())

        return mapped
    directory = str(tmp_path_factory.mktemp("loader"))
    tf.saved_model.save(Loader(), directory)
    restored = tf.saved_model.load(directory)
    functions = {1: restored.gray, 3: restored.rgb}
    return lambda contents, channels: [functions[channels](tf.constant(item)).numpy() for item in contents]


def pillow(content: bytes, mode: str) -> Pixels:
    """A file's first frame as Pillow decodes it, without alpha, [height, width, channels]."""
    image = Image.open(io.BytesIO(content))
    opaque = image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    pixels = np.asarray(opaque.convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_file_has_pillows_pixels(channels: int, load: Load) -> None:
    """Each format and kind of pixel becomes gray or RGB as by Pillow: exactly, but for JPEG's and luma's rounding."""
    for (name, content), pixels in zip(FILES.items(), load(list(FILES.values()), channels), strict=True):
        expected = pillow(content, "L" if channels == 1 else "RGB")
        assert pixels.dtype == np.float32
        assert pixels.shape == (HEIGHT, WIDTH, channels), name
        tolerance = JPEG_TOLERANCE if "JPEG" in name else ROUNDING
        if channels == 1 and not name.startswith(("gray", "black")):
            tolerance += LUMA_TOLERANCE
        differences = np.abs(pixels - expected)
        assert differences.max() <= tolerance, name
        assert differences.mean() <= JPEG_MEAN_TOLERANCE, name


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_lose_their_lower_byte(channels: int, load: Load) -> None:
    """A 16-bit PNG gives the upper byte of each sample."""
    [pixels] = load([encode(Image.fromarray(SIXTEEN_BITS), "PNG")], channels)
    upper = (SIXTEEN_BITS >> 8)[..., None]
    np.testing.assert_array_equal(pixels, np.broadcast_to(upper, (HEIGHT, WIDTH, channels)))


def test_sixteen_bits_of_color_lose_their_lower_byte(load: Load) -> None:
    """A 16-bit RGB PNG gives the upper byte of each sample."""
    [pixels] = load([KEPT["16 bits, RGB.png"].content], 3)
    np.testing.assert_array_equal(pixels, SIXTEEN_BIT_RGB >> 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_ingestion_kept_can_be_served(channels: int, load: Load) -> None:
    """Every odd file that ingestion keeps loads to the pixels whose mean it measured, alpha dropped."""
    contents = [kept.content for kept in KEPT.values()]
    for name, pixels, facts in zip(KEPT, load(contents, channels), inspect_files(contents), strict=True):
        assert isinstance(facts, Facts), name
        assert pixels.shape == (facts.height, facts.width, channels), name
        if facts.channels < 3 or channels == 3:
            np.testing.assert_allclose(pixels.mean(), facts.mean, atol=1e-2, err_msg=name)


def test_what_ingestion_refused_cannot_be_served(load: Load) -> None:
    """Every file that ingestion calls undecodable is an error wherever it is met, and never a wrong image."""
    for content, reason, _ in BROKEN.values():
        if reason == "undecodable":
            with pytest.raises(tf.errors.InvalidArgumentError):
                load([content], 3)


def test_an_animation_is_its_first_frame(load: Load) -> None:
    """Of a GIF with several frames only the first counts, and it is one image, not a stack."""
    frames = [picture(smooth(HEIGHT, WIDTH, 1)), picture(noise(HEIGHT, WIDTH, 1))]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert len(list(ImageSequence.Iterator(Image.open(io.BytesIO(content))))) == 2
    [pixels] = load([content], 3)
    np.testing.assert_array_equal(pixels, np.repeat(smooth(HEIGHT, WIDTH, 1), 3, axis=-1))


def test_a_file_is_decoded_with_its_own_channels() -> None:
    """`decode_file` keeps what the file has, alpha included, as uint8."""
    for channels in (1, 2, 3, 4):
        pixels = noise(HEIGHT, WIDTH, channels)
        decoded = decode_file(tf.constant(png(pixels))).numpy()
        assert decoded.dtype == np.uint8
        np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("content", [b"", b"no image", png(RGB)[:40]], ids=["empty", "text", "cut"])
def test_what_is_no_image_is_an_error(content: bytes, load: Load) -> None:
    """Bytes that cannot be decoded raise InvalidArgumentError, wherever they are met."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        load([content], 3)


@pytest.mark.parametrize(("channels", "left"), [(1, 1), (2, 1), (3, 3), (4, 3)])
def test_alpha_is_left_out(channels: int, left: int) -> None:
    """The last of two or four channels is alpha, and goes."""
    pixels = noise(HEIGHT, WIDTH, channels)
    np.testing.assert_array_equal(without_alpha(tf.constant(pixels)).numpy(), pixels[..., :left])


def test_color_is_weighed_as_luma() -> None:
    """Gray of pure red, green, blue and white is 0.299, 0.587, 0.114 and 1 of 255, whatever the alpha."""
    colors = np.array([[[255, 0, 0, 9], [0, 255, 0, 9], [0, 0, 255, 9], [255, 255, 255, 9]]], np.float32)
    gray = with_channels(tf.constant(colors), 1).numpy()
    np.testing.assert_allclose(gray[0, :, 0], np.array([0.299, 0.587, 0.114, 1]) * 255, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stored_channels", [1, 3, 4])
def test_every_encoding_gives_the_same_pixels(stored_channels: int, channels: int) -> None:
    """Raw and float32 pixels load as the PNG of the same image does, side by side in one tf.data pipeline."""
    pixels = noise(HEIGHT, WIDTH, stored_channels)
    rows = (
        (png(pixels), b"PNG", 0, 0, 0),
        (pixels.tobytes(), features.RAW_FORMAT.encode(), HEIGHT, WIDTH, stored_channels),
        ((pixels / 255).astype("<f4").tobytes(), features.FLOAT32_FORMAT.encode(), HEIGHT, WIDTH, stored_channels),
    )
    columns = tuple(tf.constant(column) for column in zip(*rows, strict=True))
    stored = tf.data.Dataset.from_tensor_slices(columns)

    def load_row(*row: tf.Tensor) -> tf.Tensor:
        contents, image_format, height, width, depth = row
        return load_stored(contents, image_format, height, width, depth, channels)

    from_png, from_raw, from_float32 = stored.map(load_row).as_numpy_iterator()
    assert from_png.shape == (HEIGHT, WIDTH, channels)
    np.testing.assert_array_equal(from_raw, from_png)
    np.testing.assert_allclose(from_float32, from_png, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_number_of_channels_is_known_beforehand(channels: int) -> None:
    """Graphs are built on the static shape: height and width open, channels as wanted."""
    files = tf.data.Dataset.from_tensors(png(RGB)).map(lambda item: load_file(item, channels))
    assert files.element_spec == tf.TensorSpec([None, None, channels], tf.float32)
