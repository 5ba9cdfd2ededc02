"""Parts of the images: by label, and by what ingestion found out about each."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from components.image_example_gen.facts import SOURCE
from schemas import features
from schemas.evaluation import Fact

# More parts than these say nothing to a person: the largest are kept.
_MOST = 100
_BRIGHTNESS = (64, 128, 192)
_CONTRAST = (16, 32, 64)
_SIDES = (32, 64, 128, 256, 512, 1024, 2048)

COLUMNS: dict[Fact, tuple[str, ...]] = {
    "size": (features.HEIGHT, features.WIDTH),
    "brightness": (features.MEAN,),
    "contrast": (features.STDDEV,),
    "format": (features.FORMAT,),
    "channels": (features.CHANNELS,),
    "source": (SOURCE,),
}


def parts_by(fact: Fact, facts: pa.Table) -> dict[str, NDArray[np.bool_]]:
    """Which images belong to which part.

    Sizes go by the side of a square of the same area, in pixels; brightness and contrast by mean and standard
    deviation of the pixels, 0 to 255; sources by the directory that an image is in, or else by its file of records.

    Args:
      fact: what they are parted by.
      facts: a row for each image, with the columns of `COLUMNS[fact]`.

    Returns:
      A mask [images] for each of the largest hundred parts, by its name, in the order of their names.
    """
    names = np.array(_NAMES[fact](*(facts[column] for column in COLUMNS[fact])))
    found, counts = np.unique(names, return_counts=True)
    kept = found[np.sort(np.argsort(-counts, kind="stable")[:_MOST])]
    return {str(name): names == name for name in sorted(kept, key=_numbers_first)}


def _numbers_first(name: str) -> tuple[int, str]:
    first = name.split(" ", maxsplit=1)[0]
    return (int(first), name) if first.isdigit() else (-1, name)


def _sizes(heights: pa.ChunkedArray, widths: pa.ChunkedArray) -> Sequence[str]:
    sides = np.sqrt(heights.to_numpy().astype(np.float64) * widths.to_numpy())
    return _buckets(sides, _SIDES)


def _buckets(values: NDArray, bounds: Sequence[int]) -> Sequence[str]:
    """Names such as `64 to 127`; the last is open."""
    starts = (0, *bounds)
    names = [f"{start} to {end - 1}" for start, end in zip(starts, bounds, strict=False)] + [f"{bounds[-1]} or more"]
    return [names[index] for index in np.searchsorted(bounds, values, side="right")]


def _sources(paths: pa.ChunkedArray) -> Sequence[str]:
    return [posixpath.dirname(path) or path for path in paths.to_pylist()]


_NAMES: dict[Fact, Callable[..., Sequence[str]]] = {
    "size": _sizes,
    "brightness": lambda means: _buckets(means.to_numpy(), _BRIGHTNESS),
    "contrast": lambda deviations: _buckets(deviations.to_numpy(), _CONTRAST),
    "format": lambda formats: [name.decode("utf-8", "replace") for name in formats.to_pylist()],
    "channels": lambda channels: [str(count) for count in channels.to_pylist()],
    "source": _sources,
}
