"""A small data set, and the stages run over it once for all tests that only look at what they made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas import features
from schemas.experiment import Experiment

if TYPE_CHECKING:
    from tests.components.stages import Stages

CLASSES = ("dark", "medium", "bright")
NUM_IMAGES = 150


@dataclass(frozen=True)
class Sample:
    """An experiment over 150 noisy gray images of 8 x 8 pixels, in three classes by brightness."""

    experiment: Experiment
    source: Path
    images: dict[str, np.ndarray]
    """Pixels [8, 8, 1] by the name of the file."""
    stages: Stages
    serving: Path
    """Where the model is pushed to."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The sample, with the stages from ImageExampleGen to Transform run over it; tests only read them."""
    from tests.components.images import Values, png, serialized, write_tfrecord
    from tests.components.sample_stages import stages_of_data
    from tests.components.stages import Stages

    root = tmp_path_factory.mktemp("sample")
    random = np.random.default_rng(0)
    images, examples = {}, []
    for index in range(NUM_IMAGES):
        label = index % len(CLASSES)
        pixels = (random.integers(0, 80, (8, 8, 1)) + 80 * label).astype(np.uint8)
        images[f"{index}.png"] = pixels
        values: Values = {
            features.ENCODED: png(pixels),
            features.LABEL: label,
            features.LABEL_TEXT: CLASSES[label].encode(),
            features.FILENAME: f"{index}.png".encode(),
        }
        examples.append(serialized(values))
    for shard in range(2):
        write_tfrecord(root / "source" / f"images-{shard}", examples[shard::2])

    experiment = Experiment.model_validate(
        {
            "name": "sample",
            "data": {"source": str(root / "source"), "splits": {"eval": 0.2, "test": 0.2}},
            "preprocessing": {"height": 8, "width": 8, "channels": 1, "normalization": "standardize"},
            "model": {"filters": [4], "dense": [8]},
            "training": {"epochs": 8, "batch_size": 16, "learning_rate": 0.01},
            "evaluation": {"thresholds": {"accuracy": {"min": 0.4, "max_drop": 0.1}, "cross_entropy": {"max": 2}}},
        }
    )
    sample = Sample(experiment, root / "source", images, Stages(root / "stages"), root / "serving")
    sample.stages.run(stages_of_data(experiment))
    return sample


@pytest.fixture(scope="session")
def trained(prepared: Sample) -> Sample:
    """The sample, with all stages up to the push run over it; tests only read them."""
    from tests.components.sample_stages import all_stages

    prepared.stages.run(all_stages(prepared.experiment, prepared.serving))
    return prepared
