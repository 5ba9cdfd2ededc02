"""What the Evaluator wrote, in the experiment's names."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2
from tfx import types
from tfx.components.evaluator import constants

from components.evaluator.configuration import BASELINE_NAME, BY_LABEL, CANDIDATE_NAME, is_champions
from components.evaluator.metrics import Figures

_PLACE = "evaluation.thresholds"
_PLACE_OF_SLICES = "evaluation.slice_thresholds"
_PLACE_OF_CHAMPION = "evaluation.champion"


def read_metrics(evaluation_uri: str) -> Figures:
    """The candidate's metrics over the whole split, by name."""
    return _overall(evaluation_uri, CANDIDATE_NAME)


def read_baseline_metrics(evaluation_uri: str) -> Figures:
    """The metrics of the model that it was compared with; empty where there was none."""
    return _overall(evaluation_uri, BASELINE_NAME)


def baseline_of(blessing: types.Artifact) -> str:
    """Where the model is that the candidate was compared with; empty where there was none."""
    return str(blessing.get_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY))


def read_class_metrics(evaluation_uri: str) -> dict[str, Figures]:
    """The candidate's metrics for each class, by the class's name and the metric's."""
    return read_slices(evaluation_uri).get(BY_LABEL, {})


def read_slices(evaluation_uri: str) -> dict[str, dict[str, Figures]]:
    """The candidate's metrics for each part of the split, by what it is parted by, the part's name and the metric's."""
    found: dict[str, dict[str, Figures]] = {}
    for record in tfma.load_metrics(evaluation_uri):
        for by, name in _parts(record.slice_key):
            found.setdefault(by, {})[name] = _figures(record, CANDIDATE_NAME)
    return found


def describe_failures(evaluation_uri: str) -> list[str]:
    """The thresholds that the candidate misses, a sentence each; none for a blessed one."""
    result = tfma.load_validation_result(evaluation_uri)
    failures = [
        _describe_champion(failure, evaluation_uri)
        if is_champions(failure.metric_threshold)
        else _describe(failure, "".join(f" of {by} {name}" for by, name in _parts(validated.slice_key)))
        for validated in result.metric_validations_per_slice
        for failure in validated.failures
    ]
    missing = {(by, name) for spec in result.missing_slices for by, name in spec.feature_values.items()}
    failures += [
        f"no image of {by} {name}, which has limits of its own ({_PLACE_OF_SLICES})" for by, name in sorted(missing)
    ]
    if not failures and not result.validation_ok:
        failures = [f"missing slice or thresholds: {result}".strip()]
    return failures


def champion_stays(evaluation_uri: str) -> bool:
    """Whether nothing speaks against the candidate but that it is not better enough than the last blessed model."""
    result = tfma.load_validation_result(evaluation_uri)
    failures = [failure for validated in result.metric_validations_per_slice for failure in validated.failures]
    are_all = all(is_champions(failure.metric_threshold) for failure in failures)
    return bool(failures) and are_all and not result.missing_slices


def _overall(evaluation_uri: str, model: str) -> Figures:
    for record in tfma.load_metrics(evaluation_uri):
        if not record.slice_key.single_slice_keys:
            return _figures(record, model)
    return {}


def _figures(record: metrics_for_slice_pb2.MetricsForSlice, model: str) -> Figures:
    return {
        item.key.name: item.value.double_value.value
        for item in record.metric_keys_and_values
        if item.key.model_name == model and not item.key.is_diff and item.value.HasField("double_value")
    }


def _parts(key: metrics_for_slice_pb2.SliceKey) -> Iterator[tuple[str, str]]:
    for part in key.single_slice_keys:
        yield part.column, part.bytes_value.decode("utf-8", "replace")


def _describe_champion(failure: validation_result_pb2.ValidationFailure, evaluation_uri: str) -> str:
    metric, margin = failure.metric_key.name, abs(failure.metric_threshold.change_threshold.absolute.value)
    ours, its = (
        figures.get(metric) for figures in (read_metrics(evaluation_uri), read_baseline_metrics(evaluation_uri))
    )
    if ours is None or its is None:
        return f"{metric} cannot be compared with the last blessed model's ({_PLACE_OF_CHAMPION})"
    compared = f"{metric} is {ours:.4f}, that of the last blessed model {its:.4f} on the same images"
    return f"{compared}; it must be better by at least {margin:g} ({_PLACE_OF_CHAMPION})"


def _describe(failure: validation_result_pb2.ValidationFailure, of_slice: str) -> str:
    name, value = f"{failure.metric_key.name}{of_slice}", failure.metric_value.double_value.value
    place = _PLACE_OF_SLICES if of_slice else _PLACE
    if failure.message.startswith("Metric not found"):
        return f"{name} cannot be computed: one class alone has no such figure ({place})"
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        limit = threshold.change_threshold.absolute.value
        may = "fall" if threshold.change_threshold.direction == config_pb2.MetricDirection.HIGHER_IS_BETTER else "rise"
        change = f"{name} changed by {value:+.4f} against the last blessed model"
        return f"{change}; it may {may} by at most {abs(limit):g} ({place})"
    bounds = threshold.value_threshold
    limits = []
    if bounds.HasField("lower_bound"):
        limits.append(f"at least {bounds.lower_bound.value:g}")
    if bounds.HasField("upper_bound"):
        limits.append(f"at most {bounds.upper_bound.value:g}")
    return f"{name} is {value:.4f}; it must be {' and '.join(limits)} ({place})"
