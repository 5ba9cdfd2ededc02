"""Distances between two distributions of the same fact: over time, and between training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow_data_validation import constants
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList as Statistics
from tfx.dsl.io import fileio

from components.data_gate.verdict import Finding
from components.errors import DataError
from schemas import features
from schemas.experiment import Gate

# Label, brightness, contrast and size.
COMPARED = {
    features.LABEL_TEXT: schema_pb2.BYTES,
    features.MEAN: schema_pb2.FLOAT,
    features.STDDEV: schema_pb2.FLOAT,
    features.HEIGHT: schema_pb2.INT,
    features.WIDTH: schema_pb2.INT,
}
_TEXT_ENDINGS = (".pbtxt", ".textproto", ".txt")
_RECORD_ENDINGS = (".tfrecord", ".tfrecords")
_MEND = f"write it with TFDV, from images served and the facts {', '.join(COMPARED)}"


def check_drift(now: Statistics, before: Statistics, schema: schema_pb2.Schema, gate: Gate) -> list[Finding]:
    """Compares with the last other data that passed.

    Args:
      now: statistics of the training split.
      before: those of the other data.
      schema: its own drift_comparators go before `gate.max_drift`.
      gate: the experiment's section.
    """
    compared = _with_limits(schema, "drift_comparator", gate.max_drift)
    anomalies = tfdv.validate_statistics(now, compared, previous_statistics=before)
    own = _stated(schema, "drift_comparator")
    return [
        Finding(
            "drift",
            gate.drift == "fail",
            f"split train: {name}: {_described(kind)} {value:.4g} from the last data that passed"
            f" ({_change(before, now, name)}); the limit is {_limit(name, own, 'max_drift', limit)}",
            "train",
            name,
        )
        for name, kind, value, limit in _measured(anomalies, "drift_measurements")
        if value > limit
    ]


def check_skew(training: Statistics, serving: Statistics, schema: schema_pb2.Schema, gate: Gate) -> list[Finding]:
    """Compares the training split with what was served; facts that serving does not know are left out.

    Args:
      training: statistics of the training split.
      serving: as `load_serving_statistics` gives them.
      schema: its own skew_comparators go before `gate.max_skew`.
      gate: the experiment's section.
    """
    known = {_name(feature) for dataset in serving.datasets for feature in dataset.features}
    compared = _with_limits(schema, "skew_comparator", gate.max_skew)
    kept = [feature for feature in compared.feature if feature.name in known]
    del compared.feature[:]
    compared.feature.extend(kept)
    anomalies = tfdv.validate_statistics(training, compared, serving_statistics=serving)
    measured = _measured(anomalies, "skew_measurements")
    own = _stated(schema, "skew_comparator")
    return _incomparable([feature.name for feature in kept], measured, gate) + [
        Finding(
            "skew",
            gate.skew == "fail",
            f"split train: {name}: {_described(kind)} {value:.4g} from what was served"
            f" ({_change(serving, training, name)}); the limit is {_limit(name, own, 'max_skew', limit)}",
            "train",
            name,
        )
        for name, kind, value, limit in measured
        if value > limit
    ]


def _incomparable(names: Sequence[str], measured: Sequence[tuple[str, int, float, float]], gate: Gate) -> list[Finding]:
    """What is not compared is not agreement."""
    left = sorted(set(names or COMPARED) - {name for name, *_ in measured})
    if not left:
        return []
    message = f"{', '.join(left)}: gate.serving_statistics has no distribution to compare with; {_MEND}"
    return [Finding("skew", gate.skew == "fail", f"split train: {message}", "train")]


def load_serving_statistics(path: str) -> Statistics:
    """Reads TFDV statistics: text (`.pbtxt`), TFRecord (`.tfrecord`), or else a binary protobuf.

    Of statistics by slices the one over all examples is kept.

    Raises:
      DataError: the file is not there, or holds no statistics.
    """
    if not fileio.exists(path):
        raise DataError(f"gate.serving_statistics: no such file: {path}")
    try:
        if path.endswith(_TEXT_ENDINGS):
            statistics = tfdv.load_stats_text(path)
        elif path.endswith(_RECORD_ENDINGS):
            statistics = tfdv.load_statistics(path)
        else:
            statistics = tfdv.load_stats_binary(path)
    except (DecodeError, text_format.ParseError, ValueError, OSError) as error:
        raise DataError(f"gate.serving_statistics: {path} holds no TFDV statistics ({error}); {_MEND}") from error
    if len(statistics.datasets) > 1:
        whole = [dataset for dataset in statistics.datasets if dataset.name == constants.DEFAULT_SLICE_KEY]
        statistics = Statistics(datasets=whole[:1])
    if not any(dataset.features for dataset in statistics.datasets):
        raise DataError(f"gate.serving_statistics: {path} holds no statistics of any feature; {_MEND}")
    return statistics


def _with_limits(schema: schema_pb2.Schema, comparator: str, limit: float) -> schema_pb2.Schema:
    """The features that are compared, with the schema's own limit, or else the experiment's."""
    stated = {feature.name: feature for feature in schema.feature if feature.HasField(comparator)}
    compared = schema_pb2.Schema(string_domain=schema.string_domain)
    for name, kind in COMPARED.items():
        if name not in stated:
            feature = compared.feature.add(name=name, type=kind)
            divergence = getattr(feature, comparator).jensen_shannon_divergence
            divergence.threshold = limit
            if kind == schema_pb2.INT:
                # In buckets of equal width, equal sizes but for one are at a distance of 1 from equal sizes.
                divergence.source.type = schema_pb2.HistogramSelection.QUANTILES
    compared.feature.extend(stated.values())
    return compared


def _stated(schema: schema_pb2.Schema, comparator: str) -> frozenset[str]:
    return frozenset(feature.name for feature in schema.feature if feature.HasField(comparator))


def _measured(anomalies: Any, which: str) -> list[tuple[str, int, float, float]]:
    return [
        (".".join(info.path.step), measured.type, measured.value, measured.threshold)
        for info in anomalies.drift_skew_info
        for measured in getattr(info, which)
    ]


def _described(kind: int) -> str:
    name = anomalies_pb2.DriftSkewInfo.Measurement.Type.Name(kind)
    return f"a distance ({name.replace('_', ' ').lower()}) of"


def _limit(name: str, own: frozenset[str], key: str, limit: float) -> str:
    return f"the schema's, {limit:g}" if name in own else f"gate.{key} = {limit:g}"


def _change(before: Statistics, now: Statistics, name: str) -> str:
    """The averages of a number; the class whose share changed the most."""
    old, new = _feature(before, name), _feature(now, name)
    if old is None or new is None:
        return "not in both"
    if new.HasField("num_stats"):
        return f"{old.num_stats.mean:.4g} to {new.num_stats.mean:.4g} on average"
    shares = [_shares(feature) for feature in (old, new)]
    label = max({**shares[0], **shares[1]}, key=lambda key: abs(shares[0].get(key, 0) - shares[1].get(key, 0)))
    return f"share of {label!r} {shares[0].get(label, 0):.3f} to {shares[1].get(label, 0):.3f}"


def _shares(feature: Any) -> dict[str, float]:
    buckets = feature.string_stats.rank_histogram.buckets
    total = sum(bucket.sample_count for bucket in buckets) or 1.0
    return {bucket.label: bucket.sample_count / total for bucket in buckets}


def _feature(statistics: Statistics, name: str) -> Any:
    found: Sequence[Any] = [
        feature for dataset in statistics.datasets for feature in dataset.features if _name(feature) == name
    ]
    return found[0] if found else None


def _name(feature: Any) -> str:
    return feature.name or ".".join(feature.path.step)
