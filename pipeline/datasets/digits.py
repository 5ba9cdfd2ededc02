"""Handwritten digits: the 1,797 grayscale images that scikit-learn brings along."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from sklearn.datasets import load_digits

from pipeline.datasets.labeled_images import LabeledImages

_BRIGHTEST = 16


def read() -> Iterable[LabeledImages]:
    """Reads the digits, as one part without splits.

    Source: the test part of the UCI set "Optical Recognition of Handwritten Digits" (E. Alpaydin and
    C. Kaynak, 1998), bundled with scikit-learn as `sklearn.datasets.load_digits`; nothing is
    downloaded.

    Returns:
      1,797 images of 8 x 8 pixels and ten classes. The source's values, whole numbers from 0 to 16,
      become `round(value * 255 / 16)`, halves to even: 0, 16, 32, ..., 128 (for 8), ..., 239, 255.
    """
    digits = load_digits()
    yield LabeledImages(
        name="digits",
        folder="digits",
        pixels=np.rint(digits.images * 255 / _BRIGHTEST).astype(np.uint8)[..., np.newaxis],
        labels=digits.target,
        class_names=tuple(str(name) for name in digits.target_names),
        num_shards=4,
    )
