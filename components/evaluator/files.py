"""TFMA's files, written as its Evaluator writes them, and read by its own loaders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import tensorflow as tf
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_model_analysis import version
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics.metric_types import MetricKey
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as writer

from components.evaluator.configuration import BASELINE_NAME, CANDIDATE_NAME
from components.evaluator.metrics import Figures

# As TFMA has it: pairs of feature and value; the whole split has none.
SliceKey = tuple[tuple[str, str], ...]
SlicedMetrics = Mapping[SliceKey, dict[MetricKey, float]]


def keyed(candidate: Figures, baseline: Figures | None) -> dict[MetricKey, float]:
    """The metrics of one slice under TFMA's keys: the candidate's, the baseline's, and the differences."""
    found = {_key(name, CANDIDATE_NAME): value for name, value in candidate.items()}
    for name, value in (baseline or {}).items():
        found[_key(name, BASELINE_NAME)] = value
        if name in candidate:
            found[_key(name, CANDIDATE_NAME, is_diff=True)] = candidate[name] - value
    return found


def _key(metric: str, model: str, is_diff: bool = False) -> MetricKey:
    # Without weights, as the keys are that TFMA makes of thresholds.
    return MetricKey(metric, model_name=model, example_weighted=None, is_diff=is_diff)


def validate(sliced: SlicedMetrics, config: config_pb2.EvalConfig) -> validation_result_pb2.ValidationResult:
    """Holds the metrics to the thresholds, by TFMA's rules."""
    combination = writer.CombineValidations(config)
    result = combination.create_accumulator()
    for key, metrics in sliced.items():
        # TFMA would find fault with a slice that lacks a metric which is limited elsewhere.
        validated = metrics_validator.validate_metrics((key, metrics), _limits_of(key, config))
        result = combination.add_input(result, validated)
    return combination.extract_output(result)


def _limits_of(key: SliceKey, config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """The configuration with the thresholds that hold for one slice."""
    limits = config_pb2.EvalConfig()
    limits.CopyFrom(config)
    for specs in limits.metrics_specs:
        for metric, sliced in list(specs.per_slice_thresholds.items()):
            applicable = [threshold for threshold in sliced.thresholds if _applies(threshold, key)]
            del specs.per_slice_thresholds[metric]
            if applicable:
                specs.per_slice_thresholds[metric].thresholds.extend(applicable)
    return limits


def _applies(threshold: config_pb2.PerSliceMetricThreshold, key: SliceKey) -> bool:
    return any(tuple(spec.feature_values.items()) == key for spec in threshold.slicing_specs)


def write(
    evaluation_uri: str,
    sliced: SlicedMetrics,
    validation: validation_result_pb2.ValidationResult,
    config: config_pb2.EvalConfig,
    data: str,
    models: Mapping[str, str],
) -> None:
    """Writes metrics, validation and configuration.

    Args:
      evaluation_uri: directory of the evaluation.
      sliced: metrics by slice.
      validation: what came of the thresholds.
      config: slices and thresholds.
      data: where the examples are.
      models: places of the models by name.
    """
    slices = [writer.convert_slice_metrics_to_proto((key, metrics), None) for key, metrics in sliced.items()]
    _write_records(evaluation_uri, "metrics", slices)
    _write_records(evaluation_uri, "plots", [])
    _write_records(evaluation_uri, "validations", [validation])
    run = config_pb2.EvalRun(
        eval_config=config,
        version=version.VERSION,
        data_location=data,
        file_format="tfrecords",
        model_locations=models,
    )
    with tf.io.gfile.GFile(os.path.join(evaluation_uri, "eval_config.json"), "w") as file:
        file.write(json_format.MessageToJson(run))


def _write_records(evaluation_uri: str, kind: str, messages: Iterable[Message]) -> None:
    with tf.io.TFRecordWriter(os.path.join(evaluation_uri, f"{kind}-00000-of-00001.tfrecord")) as file:
        for message in messages:
            file.write(message.SerializeToString())
