"""The experiment's thresholds in TFMA's terms."""

from __future__ import annotations

import json
from typing import Literal

from tensorflow_model_analysis.proto import config_pb2

from schemas import features
from schemas.evaluation import Evaluation, Threshold

CANDIDATE_NAME = "candidate"
BASELINE_NAME = "baseline"

# The experiment's names of the metrics, and the Keras classes that TFMA computes them with.
_METRICS: dict[Literal["accuracy", "cross_entropy"], str] = {
    "accuracy": "SparseCategoricalAccuracy",
    "cross_entropy": "SparseCategoricalCrossentropy",
}
_WHOLE_SPLIT = config_pb2.SlicingSpec()


def evaluation_config(evaluation: Evaluation) -> config_pb2.EvalConfig:
    """Metrics over the whole split and for each class, with thresholds over the whole split.

    Args:
      evaluation: the experiment's section.
    """
    metrics = [config_pb2.MetricConfig(class_name="ExampleCount")]
    for name, class_name in _METRICS.items():
        metric = config_pb2.MetricConfig(class_name=class_name, config=json.dumps({"name": name}))
        if threshold := evaluation.thresholds.get(name):
            # TFMA would hold every slice to a plain threshold.
            metric.per_slice_thresholds.append(
                config_pb2.PerSliceMetricThreshold(slicing_specs=[_WHOLE_SPLIT], threshold=_threshold(threshold))
            )
        metrics.append(metric)
    return config_pb2.EvalConfig(
        model_specs=[_model(CANDIDATE_NAME), _model(BASELINE_NAME, is_baseline=True)],
        slicing_specs=[_WHOLE_SPLIT, config_pb2.SlicingSpec(feature_keys=[features.LABEL_TEXT])],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _model(name: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name=features.EXAMPLES_SIGNATURE,
        label_key=features.LABEL,
        prediction_key=features.PROBABILITIES,
        is_baseline=is_baseline,
    )


def _threshold(threshold: Threshold) -> config_pb2.MetricThreshold:
    result = config_pb2.MetricThreshold()
    if threshold.min is not None:
        result.value_threshold.lower_bound.value = threshold.min
    if threshold.max is not None:
        result.value_threshold.upper_bound.value = threshold.max
    if threshold.max_drop is not None:
        result.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        result.change_threshold.absolute.value = -threshold.max_drop
    if threshold.max_rise is not None:
        result.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        result.change_threshold.absolute.value = threshold.max_rise
    return result
