from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.datasets.labeled_images import LabeledImages

FITTING: dict[str, Any] = {
    "name": "train",
    "folder": "ants/train",
    "pixels": np.zeros((3, 4, 4, 1), np.uint8),
    "labels": np.array([0, 1, 0]),
    "class_names": ("ant", "bee"),
    "num_shards": 2,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": np.zeros((3, 4, 4, 1), np.float32)}, r"pixels are float32 \[3, 4, 4, 1\]; expected uint8"),
        ({"pixels": np.zeros((3, 4, 4), np.uint8)}, r"pixels are uint8 \[3, 4, 4\]; expected uint8 \[images, height"),
        ({"pixels": np.zeros((3, 4, 4, 2), np.uint8)}, "expected uint8"),
        ({"labels": np.array([0, 1])}, r"3 images, but labels of shape \[2\]; expected one each"),
        ({"labels": np.array([0, 1, 2])}, "labels from 0 to 2; expected 0 to 1"),
        ({"labels": np.array([0, 1, -1])}, "labels from -1 to 1; expected 0 to 1"),
        ({"num_shards": 4}, "3 images cannot be spread over 4 files"),
        ({"num_shards": 0}, "3 images cannot be spread over 0 files"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], message: str) -> None:
    """A data set's module that makes a mistake learns which, before anything is written."""
    LabeledImages(**FITTING)
    with pytest.raises(ValueError, match=f"ants/train: .*{message}"):
        LabeledImages(**FITTING | change)
