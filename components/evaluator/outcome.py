"""What the Evaluator wrote, in the experiment's names."""

from __future__ import annotations

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2

from components.evaluator.configuration import CANDIDATE_NAME


def read_metrics(evaluation_uri: str) -> dict[str, float]:
    """The candidate's metrics over the whole split, by name."""
    return _by_slice(evaluation_uri).get("", {})


def read_class_metrics(evaluation_uri: str) -> dict[str, dict[str, float]]:
    """The candidate's metrics for each class, by the class's name and the metric's."""
    return {name: metrics for name, metrics in _by_slice(evaluation_uri).items() if name}


def describe_failures(evaluation_uri: str) -> list[str]:
    """The thresholds that the candidate misses, a sentence each; none for a blessed one."""
    result = tfma.load_validation_result(evaluation_uri)
    failures = [
        _describe(failure) for validated in result.metric_validations_per_slice for failure in validated.failures
    ]
    if not failures and not result.validation_ok:
        failures = [f"missing slice or thresholds: {result}".strip()]
    return failures


def _by_slice(evaluation_uri: str) -> dict[str, dict[str, float]]:
    slices: dict[str, dict[str, float]] = {}
    for record in tfma.load_metrics(evaluation_uri):
        name = "".join(key.bytes_value.decode("utf-8", "replace") for key in record.slice_key.single_slice_keys)
        metrics = slices.setdefault(name, {})
        for item in record.metric_keys_and_values:
            if (
                item.key.model_name in ("", CANDIDATE_NAME)
                and not item.key.is_diff
                and item.value.HasField("double_value")
            ):
                metrics[item.key.name] = item.value.double_value.value
    return slices


def _describe(failure: validation_result_pb2.ValidationFailure) -> str:
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        limit = threshold.change_threshold.absolute.value
        may = "fall" if threshold.change_threshold.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER else "rise"
        change = f"{failure.metric_key.name} changed by {value:+.4f} against the last blessed model"
        return f"{change}; it may {may} by at most {abs(limit):g} (evaluation.thresholds)"
    bounds = threshold.value_threshold
    limits = []
    if bounds.HasField("lower_bound"):
        limits.append(f"at least {bounds.lower_bound.value:g}")
    if bounds.HasField("upper_bound"):
        limits.append(f"at most {bounds.upper_bound.value:g}")
    return f"{failure.metric_key.name} is {value:.4f}; it must be {' and '.join(limits)} (evaluation.thresholds)"
