"""Small trainings over images in memory: dark and bright ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.feeding.source import Decoded
from components.training.feeds import Feeds, feeds_in_memory
from components.training.fitting import Fitted, fit
from components.training.request import TrainingRequest
from components.transform.normalization import fixed_normalization

NUM_IMAGES, BATCH_SIZE = 64, 16
MODEL = {"filters": [2], "dense": [], "dropout": 0.0}
TRAINING = {"epochs": 2, "batch_size": BATCH_SIZE, "learning_rate": 0.05}


def images(is_wrong: bool = False, num_images: int = NUM_IMAGES) -> Decoded:
    """Noisy images of 8 x 8 pixels with their class, or with the other one."""
    random = np.random.default_rng(0)
    labels = np.arange(num_images, dtype=np.int64) % 2
    pixels = random.normal(110 + 40 * labels[:, None, None, None], 40, (num_images, 8, 8, 1))
    return Decoded(np.clip(pixels, 0, 255).astype(np.uint8), 1 - labels if is_wrong else labels)


def request(
    model: dict[str, Any] | None = None, augmentation: dict[str, Any] | None = None, **training: Any
) -> TrainingRequest:
    """A training of a tiny network; what is given differs from the usual."""
    places = {
        name: training.pop(name)
        for name in list(training)
        if name in TrainingRequest.model_fields and name != "training"
    }
    return TrainingRequest.model_validate(
        {
            "train_files": [],
            "eval_files": [],
            "transform_directory": "",
            "num_train": NUM_IMAGES,
            "num_eval": NUM_IMAGES,
            "labels": ["dark", "bright"],
            "class_counts": [NUM_IMAGES // 2] * 2,
            "preprocessing": {"height": 8, "width": 8, "channels": 1, "normalization": "rescale"},
            "model": {**MODEL, **(model or {})},
            "augmentation": augmentation or {},
            "training": {**TRAINING, **training},
            **places,
        }
    )


def feeds(training: TrainingRequest, misleads: bool = False) -> Feeds:
    """Right labels to learn from; `misleads` evaluates on wrong ones, so that every epoch makes it worse."""
    return feeds_in_memory(training, images(), images(is_wrong=misleads), fixed_normalization("rescale", 1))


def trained(misleads: bool = False, **values: Any) -> Fitted:
    """Trains as `request` says."""
    wanted = request(**values)
    return fit(wanted, feeds=feeds(wanted, misleads))
