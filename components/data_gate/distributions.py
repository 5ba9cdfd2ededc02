"""Distances between two distributions of the same fact: over time, and between training and serving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList as Statistics

from components.data_gate.offenders import first_offenders
from components.data_gate.verdict import Finding
from components.image_example_gen.splitting import TRAIN
from schemas import features
from schemas.gate import Gate, Policy

# Label, brightness, contrast and size.
COMPARED = {
    features.LABEL_TEXT: schema_pb2.BYTES,
    features.MEAN: schema_pb2.FLOAT,
    features.STDDEV: schema_pb2.FLOAT,
    features.HEIGHT: schema_pb2.INT,
    features.WIDTH: schema_pb2.INT,
}
_Measured = anomalies_pb2.DriftSkewInfo.Measurement
_DISTANCES = {
    _Measured.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon divergence",
    _Measured.L_INFTY: "L-infinity distance",
    _Measured.NORMALIZED_ABSOLUTE_DIFFERENCE: "normalized absolute difference",
}


class Comparison(NamedTuple):
    """What the training split is compared with, and by which limits."""

    check: str
    policy: Policy
    reference: Statistics
    other: str
    """What the reference is, in words."""
    comparator: str
    """The schema's field whose limits go before the experiment's."""
    key: str
    """The experiment's key for the others."""
    limit: float


def drift(before: Statistics, gate: Gate) -> Comparison:
    """With the last other data that passed.

    Args:
      before: statistics of its training split.
      gate: the experiment's section.
    """
    words = "the last data that passed"
    return Comparison("drift", gate.drift, before, words, "drift_comparator", "max_drift", gate.max_drift)


def skew(serving: Statistics, gate: Gate) -> Comparison:
    """With what was served.

    Args:
      serving: statistics of it.
      gate: the experiment's section.
    """
    return Comparison("skew", gate.skew, serving, "what was served", "skew_comparator", "max_skew", gate.max_skew)


def check_distances(
    comparison: Comparison, now: Statistics, schema: schema_pb2.Schema, examples_uri: str
) -> list[Finding]:
    """Which facts are further from the reference than they may be; those that it does not know are left out.

    Args:
      comparison: the reference and its limits.
      now: statistics of the training split.
      schema: may state limits of its own.
      examples_uri: of the examples, whose facts name the offenders.
    """
    known = {_name(feature) for dataset in comparison.reference.datasets for feature in dataset.features}
    compared = _with_limits(schema, comparison)
    kept = [feature for feature in compared.feature if feature.name in known]
    del compared.feature[:]
    compared.feature.extend(kept)
    anomalies = tfdv.validate_statistics(
        now,
        compared,
        previous_statistics=comparison.reference if comparison.check == "drift" else None,
        serving_statistics=comparison.reference if comparison.check == "skew" else None,
    )
    measured = {
        ".".join(info.path.step): distance
        for info in anomalies.drift_skew_info
        for distance in (*info.drift_measurements, *info.skew_measurements)
    }
    own = {feature.name for feature in schema.feature if feature.HasField(comparison.comparator)}
    findings = _incomparable(comparison, {feature.name for feature in kept} or set(COMPARED), set(measured))
    for name, distance in measured.items():
        if distance.value > distance.threshold:
            limit = (
                f"the schema's, {distance.threshold:g}"
                if name in own
                else f"gate.{comparison.key} = {distance.threshold:g}"
            )
            message = (
                f"split train: {name}: {_DISTANCES.get(distance.type, 'distance')} {distance.value:.4g} from"
                f" {comparison.other} ({_change(comparison.reference, now, name)}); the limit is {limit}."
                f"{_unlike(comparison.reference, now, name, examples_uri)}"
            )
            findings.append(Finding(comparison.check, comparison.policy == "fail", message, TRAIN, name))
    return findings


def _incomparable(comparison: Comparison, names: set[str], measured: set[str]) -> list[Finding]:
    """What is not compared is not agreement."""
    if not (left := sorted(names - measured)):
        return []
    message = (
        f"split train: {', '.join(left)}: no distribution to compare with in the statistics of {comparison.other};"
        f" they need TFDV's histograms of the facts {', '.join(COMPARED)}"
    )
    return [Finding(comparison.check, comparison.policy == "fail", message, TRAIN)]


def _unlike(reference: Statistics, now: Statistics, name: str, examples_uri: str) -> str:
    """The first examples whose number is beyond all of the reference, or whose class is more frequent now."""
    old, new = _feature(reference, name), _feature(now, name)
    if new.HasField("num_stats"):
        low, high = old.num_stats.min, old.num_stats.max
        return first_offenders(examples_uri, TRAIN, name, lambda value: low <= value <= high)
    label = _most_changed(old, new)
    if _shares(new).get(label, 0) < _shares(old).get(label, 0):
        return ""
    return first_offenders(examples_uri, TRAIN, name, lambda value: value != label.encode())


def _with_limits(schema: schema_pb2.Schema, comparison: Comparison) -> schema_pb2.Schema:
    """The features that are compared, with the schema's own limit, or else the experiment's."""
    comparator = comparison.comparator
    stated = {feature.name: feature for feature in schema.feature if feature.HasField(comparator)}
    compared = schema_pb2.Schema(string_domain=schema.string_domain)
    for name, kind in COMPARED.items():
        if name not in stated:
            feature = compared.feature.add(name=name, type=kind)
            divergence = getattr(feature, comparator).jensen_shannon_divergence
            divergence.threshold = comparison.limit
            if kind == schema_pb2.INT:
                # In buckets of equal width, equal sizes but for one are at a distance of 1 from equal sizes.
                divergence.source.type = schema_pb2.HistogramSelection.QUANTILES
    compared.feature.extend(stated.values())
    return compared


def _change(before: Statistics, now: Statistics, name: str) -> str:
    """The averages of a number; the class whose share changed the most."""
    old, new = _feature(before, name), _feature(now, name)
    if old is None or new is None:
        return "not in both"
    if new.HasField("num_stats"):
        return f"{old.num_stats.mean:.4g} to {new.num_stats.mean:.4g} on average"
    label = _most_changed(old, new)
    return f"share of {label!r} {_shares(old).get(label, 0):.3f} to {_shares(new).get(label, 0):.3f}"


def _most_changed(old: Any, new: Any) -> str:
    before, after = _shares(old), _shares(new)
    return max({**before, **after}, key=lambda label: abs(before.get(label, 0) - after.get(label, 0)))


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
