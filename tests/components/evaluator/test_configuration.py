from __future__ import annotations

import json

from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.configuration import evaluation_config
from schemas import features
from schemas.evaluation import Evaluation


def configured(**thresholds: dict[str, float]) -> config_pb2.EvalConfig:
    return evaluation_config(Evaluation.model_validate({"thresholds": thresholds}))


def limits(config: config_pb2.EvalConfig) -> dict[str, config_pb2.MetricThreshold]:
    """By metric, its threshold over the whole split, the only one that there may be."""
    found = {}
    for metric in config.metrics_specs[0].metrics:
        assert not metric.HasField("threshold")
        if metric.per_slice_thresholds:
            [per_slice] = metric.per_slice_thresholds
            assert list(per_slice.slicing_specs) == [config_pb2.SlicingSpec()]
            found[json.loads(metric.config)["name"]] = per_slice.threshold
    return found


def test_every_metric_is_computed_whatever_is_limited() -> None:
    """The number of examples, accuracy and cross-entropy are always computed, under the experiment's names."""
    [spec] = configured(accuracy={"min": 0.5}).metrics_specs
    assert [(metric.class_name, metric.config) for metric in spec.metrics] == [
        ("ExampleCount", ""),
        ("SparseCategoricalAccuracy", '{"name": "accuracy"}'),
        ("SparseCategoricalCrossentropy", '{"name": "cross_entropy"}'),
    ]


def test_slices_are_the_whole_split_and_each_class() -> None:
    """Metrics are computed over all examples and over the examples of each class, by its name."""
    whole, classes = configured(accuracy={"min": 0.5}).slicing_specs
    assert whole == config_pb2.SlicingSpec()
    assert classes == config_pb2.SlicingSpec(feature_keys=[features.LABEL_TEXT])


def test_limits_become_thresholds_over_the_whole_split() -> None:
    """min and max bound the value; max_drop allows a fall, max_rise a rise, against the last blessed model."""
    found = limits(configured(accuracy={"min": 0.9, "max_drop": 0.01}, cross_entropy={"max": 0.3, "max_rise": 0.02}))
    assert found.keys() == {"accuracy", "cross_entropy"}
    accuracy, cross_entropy = found["accuracy"], found["cross_entropy"]
    assert accuracy.value_threshold.lower_bound.value == 0.9
    assert not accuracy.value_threshold.HasField("upper_bound")
    assert accuracy.change_threshold.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER
    assert accuracy.change_threshold.absolute.value == -0.01
    assert cross_entropy.value_threshold.upper_bound.value == 0.3
    assert not cross_entropy.value_threshold.HasField("lower_bound")
    assert cross_entropy.change_threshold.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
    assert cross_entropy.change_threshold.absolute.value == 0.02


def test_what_is_not_limited_has_no_threshold() -> None:
    """Limits of zero count; limits that are not given do not."""
    found = limits(configured(accuracy={"min": 0.0, "max_drop": 0.0}))
    assert found.keys() == {"accuracy"}
    assert found["accuracy"].value_threshold.HasField("lower_bound")
    assert found["accuracy"].change_threshold.HasField("absolute")
    assert not limits(configured(cross_entropy={"max": 1.0}))["cross_entropy"].HasField("change_threshold")


def test_candidate_and_baseline_are_asked_alike() -> None:
    """Both models answer by the signature for examples; only the second is the baseline."""
    candidate, baseline = configured(accuracy={"min": 0.5}).model_specs
    assert (candidate.name, candidate.is_baseline) == ("candidate", False)
    assert (baseline.name, baseline.is_baseline) == ("baseline", True)
    for model in (candidate, baseline):
        assert model.signature_name == features.EXAMPLES_SIGNATURE
        assert model.label_key == features.LABEL
        assert model.prediction_key == features.PROBABILITIES
