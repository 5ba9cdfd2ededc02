"""The experiment's thresholds in TFMA's terms."""

from __future__ import annotations

from collections.abc import Mapping

from tensorflow_model_analysis.proto import config_pb2

from schemas import features
from schemas.evaluation import LOWER_IS_BETTER, Champion, Evaluation, Threshold

CANDIDATE_NAME = "candidate"
BASELINE_NAME = "baseline"
BY_LABEL = "label"

_WHOLE_SPLIT = config_pb2.SlicingSpec()


def evaluation_config(
    evaluation: Evaluation, sizes: Mapping[str, Mapping[str, int]], has_baseline: bool
) -> config_pb2.EvalConfig:
    """Slices and thresholds, as TFMA's own Evaluator would be told of them.

    Args:
      evaluation: the experiment's section.
      sizes: how many images are in each part, by what they are parted by and the part's name.
      has_baseline: whether there is a model to compare with; limits of change hold only then.
    """
    models = [_model(CANDIDATE_NAME)] + ([_model(BASELINE_NAME, is_baseline=True)] if has_baseline else [])
    thresholds = config_pb2.MetricsSpec(model_names=[CANDIDATE_NAME])
    for metric, threshold in evaluation.thresholds.items():
        _add(thresholds, metric, _WHOLE_SPLIT, threshold, has_baseline)
    if evaluation.champion is not None and has_baseline:
        _add_champion(thresholds, evaluation.champion)
    for limits in evaluation.slice_thresholds:
        parts = sizes[limits.by]
        # A part that is asked for by name and is not there stays: TFMA then says that it is missing.
        names = [limits.value] if limits.value is not None else list(parts)
        for name in names:
            if parts.get(name, limits.min_images) >= limits.min_images:
                spec = config_pb2.SlicingSpec(feature_values={limits.by: name})
                for name_of_metric, limit in limits.thresholds.items():
                    _add(thresholds, name_of_metric, spec, limit, has_baseline)
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=[_WHOLE_SPLIT, *(config_pb2.SlicingSpec(feature_keys=[by]) for by in sizes)],
        metrics_specs=[thresholds],
    )


def is_champions(threshold: config_pb2.MetricThreshold) -> bool:
    """Whether a threshold asks for more than not to fall behind."""
    if not threshold.HasField("change_threshold"):
        return False
    wanted = threshold.change_threshold.absolute.value
    is_higher = threshold.change_threshold.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER
    return wanted > 0 if is_higher else wanted < 0


def _add_champion(specs: config_pb2.MetricsSpec, champion: Champion) -> None:
    threshold = config_pb2.MetricThreshold()
    lower = champion.metric in LOWER_IS_BETTER
    direction = config_pb2.MetricDirection.LOWER_IS_BETTER if lower else config_pb2.MetricDirection.HIGHER_IS_BETTER
    threshold.change_threshold.direction = direction
    threshold.change_threshold.absolute.value = -champion.margin if lower else champion.margin
    sliced = config_pb2.PerSliceMetricThreshold(slicing_specs=[_WHOLE_SPLIT], threshold=threshold)
    specs.per_slice_thresholds[champion.metric].thresholds.append(sliced)


def _model(name: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        signature_name=features.EXAMPLES_SIGNATURE,
        label_key=features.LABEL,
        prediction_key=features.PROBABILITIES,
        is_baseline=is_baseline,
    )


def _add(
    specs: config_pb2.MetricsSpec,
    metric: str,
    spec: config_pb2.SlicingSpec,
    threshold: Threshold,
    has_baseline: bool,
) -> None:
    limits = _threshold(threshold, has_baseline)
    if limits.ByteSize():
        sliced = config_pb2.PerSliceMetricThreshold(slicing_specs=[spec], threshold=limits)
        specs.per_slice_thresholds[metric].thresholds.append(sliced)


def _threshold(threshold: Threshold, has_baseline: bool) -> config_pb2.MetricThreshold:
    result = config_pb2.MetricThreshold()
    if threshold.min is not None:
        result.value_threshold.lower_bound.value = threshold.min
    if threshold.max is not None:
        result.value_threshold.upper_bound.value = threshold.max
    if has_baseline and threshold.max_drop is not None:
        result.change_threshold.direction = config_pb2.MetricDirection.HIGHER_IS_BETTER
        result.change_threshold.absolute.value = -threshold.max_drop
    if has_baseline and threshold.max_rise is not None:
        result.change_threshold.direction = config_pb2.MetricDirection.LOWER_IS_BETTER
        result.change_threshold.absolute.value = threshold.max_rise
    return result
