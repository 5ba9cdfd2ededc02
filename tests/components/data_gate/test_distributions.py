from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList as Statistics

from components.data_gate import distributions
from components.data_gate.distributions import COMPARED, check_distances
from components.data_gate.serving import load_serving_statistics
from components.data_gate.verdict import Finding
from components.errors import DataError
from schemas import features
from schemas.gate import Gate

SCHEMA = schema_pb2.Schema()
NO_EXAMPLES = "/nowhere"


def described(
    num_cats: int = 50,
    brightness: float = 100.0,
    leave_out: Sequence[str] = (),
    heights: Sequence[int] = (28, 32) * 50,
    **other: object,
) -> Statistics:
    """Statistics of 100 images of cats, the others dogs and emus by halves, their means around a brightness."""
    columns: dict[str, Any] = {
        features.LABEL_TEXT: ([b"cat"] * num_cats + [b"dog", b"emu"] * 50)[:100],
        features.MEAN: np.linspace(brightness - 20, brightness + 20, 100).astype(np.float32),
        features.STDDEV: np.linspace(10, 20, 100).astype(np.float32),
        features.HEIGHT: heights,
        features.WIDTH: [28, 32] * 50,
        **other,
    }
    frame = pandas.DataFrame({name: values for name, values in columns.items() if name not in leave_out})
    return tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)


def parsed(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def drift(now: Statistics, before: Statistics, schema: schema_pb2.Schema = SCHEMA, **gate: object) -> list[Finding]:
    return check_distances(distributions.drift(before, Gate.model_validate(gate)), now, schema, NO_EXAMPLES)


def skew(now: Statistics, serving: Statistics, schema: schema_pb2.Schema = SCHEMA, **gate: object) -> list[Finding]:
    return check_distances(distributions.skew(serving, Gate.model_validate(gate)), now, schema, NO_EXAMPLES)


@pytest.mark.parametrize("check", [drift, skew])
def test_the_same_data_is_at_no_distance(check: Callable[..., list[Finding]]) -> None:
    """However small the limit, nothing is found."""
    assert check(described(), described(), max_drift=1e-6, max_skew=1e-6) == []


@pytest.mark.parametrize(("check", "since"), [(drift, "the last data that passed"), (skew, "what was served")])
def test_other_brightness_is_found(check: Callable[..., list[Finding]], since: str) -> None:
    """The fact, the distance, both averages and the limit are told, and no other fact."""
    [finding] = check(described(brightness=150.0), described())
    assert (finding.check, finding.fails) == (check.__name__, False)
    assert (finding.split, finding.feature) == ("train", features.MEAN)
    assert finding.message == (
        f"split train: image/mean: Jensen-Shannon divergence 1 from {since}"
        f" (100 to 150 on average); the limit is gate.max_{check.__name__} = 0.1."
    )


@pytest.mark.parametrize("check", [drift, skew])
def test_the_policy_decides_what_follows(check: Callable[..., list[Finding]]) -> None:
    """The same finding stops the run under `fail` and is told under `warn`."""
    bright, usual = described(brightness=150.0), described()
    [failing], [warning] = check(bright, usual, **{check.__name__: "fail"}), check(bright, usual)
    assert (failing.fails, warning.fails) == (True, False)
    assert failing.message == warning.message


@pytest.mark.parametrize("check", [drift, skew])
def test_a_shift_of_classes_names_the_class(check: Callable[..., list[Finding]]) -> None:
    """Where the shares of the classes differ, the one that changed the most is told with both shares."""
    [finding] = check(described(num_cats=95), described(num_cats=30))
    assert finding.feature == features.LABEL_TEXT
    assert "(share of 'cat' 0.300 to 0.950)" in finding.message


@pytest.mark.parametrize("check", [drift, skew])
def test_a_new_class_is_a_shift_too(check: Callable[..., list[Finding]]) -> None:
    """A class that was not there before has had no share."""
    [finding] = check(described(num_cats=50), described(num_cats=0))
    assert "(share of 'cat' 0.000 to 0.500)" in finding.message


@pytest.mark.parametrize("check", [drift, skew])
def test_the_schema_s_own_limit_goes_first(check: Callable[..., list[Finding]]) -> None:
    """A comparator of the schema replaces the experiment's limit for its feature, be it wider or narrower."""
    now, then = described(num_cats=60, brightness=150.0), described()
    assert [finding.feature for finding in check(now, then)] == [features.MEAN]
    stated = parsed(f"""
        feature {{ name: "image/mean" type: FLOAT
                   {check.__name__}_comparator {{ jensen_shannon_divergence {{ threshold: 1.0 }} }} }}
        feature {{ name: "image/class/text" type: BYTES domain: "names"
                   {check.__name__}_comparator {{ infinity_norm {{ threshold: 0.05 }} }} }}
        string_domain {{ name: "names" value: "cat" value: "dog" value: "emu" }}
    """)
    [finding] = check(now, then, stated)
    assert finding.message == (
        "split train: image/class/text: L-infinity distance 0.1 from"
        f" {'the last data that passed' if check is drift else 'what was served'}"
        " (share of 'cat' 0.500 to 0.600); the limit is the schema's, 0.05."
    )


def test_what_serving_does_not_know_is_left_out() -> None:
    """Served images have no label: its distribution is not missed, and the others are compared."""
    serving = described(leave_out=[features.LABEL_TEXT, features.HEIGHT])
    assert skew(described(num_cats=95), serving) == []
    assert [finding.feature for finding in skew(described(num_cats=95, brightness=150), serving)] == [features.MEAN]


@pytest.mark.parametrize("check", [drift, skew])
def test_one_odd_image_is_no_shift(check: Callable[..., list[Finding]]) -> None:
    """Where all images have one size or few, a single one of another size is no distance worth telling."""
    for sizes in ([28] * 100, [28, 32] * 50):
        usual, odd = described(heights=sizes), described(heights=[*sizes[1:], 400])
        assert check(odd, usual) == []
        assert check(usual, odd) == []
    [finding] = check(described(heights=[28] * 100), described(heights=[29] * 100))
    assert finding.feature == features.HEIGHT


def test_what_cannot_be_compared_is_told() -> None:
    """Statistics of other facts, or without any distribution, are not taken for agreement."""
    [finding] = skew(described(), described(leave_out=list(COMPARED), other=[1] * 100), skew="fail")
    assert finding.fails
    assert finding.message.startswith(
        "split train: image/class/text, image/height, image/mean, image/stddev, image/width:"
        " no distribution to compare with in the statistics of what was served; they need TFDV's histograms of"
    )
    bare = described()
    [mean] = [feature for feature in bare.datasets[0].features if feature.path.step[0] == features.MEAN]
    del mean.num_stats.histograms[:]
    [finding] = skew(described(brightness=200.0), bare)
    assert finding.message.startswith("split train: image/mean: no distribution to compare with")


def as_binary(statistics: Statistics, directory: Path) -> Path:
    path = directory / "served.pb"
    path.write_bytes(statistics.SerializeToString())
    return path


def as_text(statistics: Statistics, directory: Path) -> Path:
    path = directory / "served.pbtxt"
    tfdv.write_stats_text(statistics, str(path))
    return path


def as_record(statistics: Statistics, directory: Path) -> Path:
    path = directory / "served.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(statistics.SerializeToString())
    return path


@pytest.mark.parametrize("write", [as_binary, as_text, as_record])
def test_statistics_are_read_in_three_forms(write: Callable[[Statistics, Path], Path], tmp_path: Path) -> None:
    """Binary and text protobuf and TFRecord, as TFDV and TFX write them, hold the same."""
    assert load_serving_statistics(str(write(described(), tmp_path))) == described()


@pytest.mark.parametrize("ending", ["pb", "pbtxt", "tfrecord"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe no statistics \x00" * 9, b"these are { no statistics"])
def test_a_file_without_statistics_is_refused(content: bytes, ending: str, tmp_path: Path) -> None:
    """An empty, a binary and a text file are told by their path, in one sentence and without a library's trace."""
    path = tmp_path / f"served.{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError) as refusal:
        load_serving_statistics(str(path))
    assert str(refusal.value).startswith(f"gate.serving_statistics: {path} holds no ")
    assert "write it with TFDV, from images served and the facts image/class/text, image/mean" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_of_slices_the_whole_is_taken(tmp_path: Path) -> None:
    """Statistics with slices are compared as a whole; where only slices are there, that is refused."""
    sliced = Statistics()
    for name, statistics in (("dogs", described(0)), ("All Examples", described(50))):
        sliced.datasets.add().CopyFrom(statistics.datasets[0])
        sliced.datasets[-1].name = name
    loaded = load_serving_statistics(str(as_binary(sliced, tmp_path)))
    assert loaded.datasets == [sliced.datasets[1]]
    assert skew(described(50), loaded) == []
    sliced.datasets[1].name = "cats"
    with pytest.raises(DataError, match="holds no statistics of any feature"):
        load_serving_statistics(str(as_binary(sliced, tmp_path)))


def test_statistics_of_nothing_are_refused(tmp_path: Path) -> None:
    """Statistics that describe no feature cannot be compared with, and are not taken for agreement."""
    path = as_binary(Statistics(datasets=[statistics_pb2.DatasetFeatureStatistics(num_examples=3)]), tmp_path)
    with pytest.raises(DataError, match="holds no statistics of any feature"):
        load_serving_statistics(str(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(DataError, match=r"^gate\.serving_statistics: no such file: .*gone\.pb$"):
        load_serving_statistics(str(tmp_path / "gone.pb"))
