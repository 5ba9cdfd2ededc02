"""Declares TFX's StatisticsGen over what is known of each image."""

from __future__ import annotations

import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen.component import StatisticsGen

from schemas import features

# A digest or a file's name says nothing as a statistic, and the bytes of an image less than nothing.
STATISTICS_OF = (
    features.LABEL,
    features.LABEL_TEXT,
    features.FORMAT,
    features.HEIGHT,
    features.WIDTH,
    features.CHANNELS,
    features.NUM_BYTES,
    features.MEAN,
    features.STDDEV,
)


def image_statistics(examples: types.BaseChannel) -> StatisticsGen:
    """A StatisticsGen over labels and facts.

    Args:
      examples: output of ImageExampleGen.
    """
    return StatisticsGen(examples=examples, stats_options=tfdv.StatsOptions(feature_allowlist=list(STATISTICS_OF)))
