from __future__ import annotations

from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.configuration import evaluation_config
from schemas import features
from schemas.evaluation import Evaluation

SIZES = {"label": {"ant": 40, "bee": 3}, "size": {"0 to 31": 43}}


def configured(has_baseline: bool = True, **evaluation: Any) -> config_pb2.EvalConfig:
    return evaluation_config(Evaluation.model_validate(evaluation), SIZES, has_baseline)


def limits(config: config_pb2.EvalConfig) -> dict[tuple[str, str], config_pb2.MetricThreshold]:
    """Thresholds by metric and slice; the whole split has no name."""
    [specs] = config.metrics_specs
    found = {}
    for metric, sliced in specs.per_slice_thresholds.items():
        for threshold in sliced.thresholds:
            [spec] = threshold.slicing_specs
            name = " ".join(f"{by} {value}" for by, value in spec.feature_values.items())
            found[metric, name] = threshold.threshold
    return found


def test_slices_are_the_whole_split_and_its_parts() -> None:
    """By label, and by each fact that the experiment names."""
    assert list(configured().slicing_specs) == [
        config_pb2.SlicingSpec(),
        config_pb2.SlicingSpec(feature_keys=["label"]),
        config_pb2.SlicingSpec(feature_keys=["size"]),
    ]


def test_limits_become_thresholds_over_the_whole_split() -> None:
    """Values by bounds; changes by the greatest fall or rise, in the metric's direction."""
    thresholds = {"accuracy": {"min": 0.9, "max_drop": 0.01}, "cross_entropy": {"max": 0.3, "max_rise": 0.02}}
    found = limits(configured(thresholds=thresholds))
    assert found.keys() == {("accuracy", ""), ("cross_entropy", "")}
    accuracy, cross_entropy = found["accuracy", ""], found["cross_entropy", ""]
    assert accuracy.value_threshold.lower_bound.value == 0.9
    assert not accuracy.value_threshold.HasField("upper_bound")
    assert accuracy.change_threshold.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER
    assert accuracy.change_threshold.absolute.value == -0.01
    assert cross_entropy.value_threshold.upper_bound.value == 0.3
    assert not cross_entropy.value_threshold.HasField("lower_bound")
    assert cross_entropy.change_threshold.direction == config_pb2.MetricDirection.LOWER_IS_BETTER
    assert cross_entropy.change_threshold.absolute.value == 0.02


def test_limits_of_zero_count_and_limits_that_are_not_given_do_not() -> None:
    """Nothing is taken for nothing."""
    found = limits(configured(thresholds={"accuracy": {"min": 0.0, "max_drop": 0.0}}))
    assert found["accuracy", ""].value_threshold.HasField("lower_bound")
    assert found["accuracy", ""].change_threshold.HasField("absolute")
    only_value = limits(configured(thresholds={"cross_entropy": {"max": 1.0}}))
    assert not only_value["cross_entropy", ""].HasField("change_threshold")


def test_a_first_model_is_held_to_values_alone() -> None:
    """Without a baseline there is no change to limit, and no second model."""
    config = configured(has_baseline=False, thresholds={"accuracy": {"min": 0.9, "max_drop": 0.01}})
    assert not limits(config)["accuracy", ""].HasField("change_threshold")
    assert [model.name for model in config.model_specs] == ["candidate"]


def test_each_part_of_enough_images_has_limits_of_its_own() -> None:
    """A part that is named has them alone; one with too few images has none; one that is missing keeps them."""
    rules = [
        {"by": "label", "thresholds": {"f1": {"min": 0.7}}},
        {"by": "size", "value": "0 to 31", "thresholds": {"accuracy": {"min": 0.6}}},
        {"by": "label", "value": "cat", "thresholds": {"accuracy": {"min": 0.5}}},
    ]
    found = limits(configured(slices=["size"], slice_thresholds=rules))
    assert found.keys() == {
        ("accuracy", ""),
        ("f1", "label ant"),
        ("accuracy", "size 0 to 31"),
        ("accuracy", "label cat"),
    }


def test_candidate_and_baseline_are_asked_alike() -> None:
    """Both models answer by the signature for examples; only the second is the baseline."""
    candidate, baseline = configured().model_specs
    assert (candidate.name, candidate.is_baseline) == ("candidate", False)
    assert (baseline.name, baseline.is_baseline) == ("baseline", True)
    for model in (candidate, baseline):
        assert model.signature_name == features.EXAMPLES_SIGNATURE
        assert model.label_key == features.LABEL
        assert model.prediction_key == features.PROBABILITIES
