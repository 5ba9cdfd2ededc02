from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow_data_validation as tfdv
from tfx import types
from tfx.types import standard_artifacts

from components.code_digest import code_digest
from components.statistics_gen.component import image_statistics
from schemas import features

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def test_statistics_are_made_of_labels_and_facts_alone(prepared: Sample) -> None:
    """Of every split the labels and facts are described, and never bytes, digests or file names."""
    for split, num_examples in (("train", 90), ("eval", 30), ("test", 30)):
        path = prepared.stages.path("StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb"
        [dataset] = tfdv.load_stats_binary(str(path)).datasets
        assert abs(dataset.num_examples - num_examples) < 20
        assert {feature.path.step[0] for feature in dataset.features} == {
            features.LABEL,
            features.LABEL_TEXT,
            features.FORMAT,
            features.HEIGHT,
            features.WIDTH,
            features.CHANNELS,
            features.NUM_BYTES,
            features.MEAN,
            features.STDDEV,
        }


def test_the_stage_has_tfx_s_name_and_depends_on_its_code() -> None:
    """Logs and the cache know it as StatisticsGen; changed code describes anew."""
    stage = image_statistics(types.Channel(type=standard_artifacts.Examples))
    assert stage.id == "StatisticsGen"
    assert stage.exec_properties["code_digest"] == code_digest("statistics_gen")
    assert stage.outputs["statistics"].type is standard_artifacts.ExampleStatistics


def test_statistics_are_true(prepared: Sample) -> None:
    """Over all splits together the mean of the images' means is numpy's."""
    directory = Path(prepared.stages.path("StatisticsGen", "statistics"))
    total, count = 0.0, 0
    for path in directory.glob("Split-*/FeatureStats.pb"):
        [dataset] = tfdv.load_stats_binary(str(path)).datasets
        [mean] = [item.num_stats.mean for item in dataset.features if item.path.step[0] == features.MEAN]
        total, count = total + mean * dataset.num_examples, count + dataset.num_examples
    assert count == len(prepared.images)
    np.testing.assert_allclose(total / count, np.mean(list(prepared.images.values())), rtol=1e-5)
