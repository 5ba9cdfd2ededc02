from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
import tensorflow_data_validation as tfdv

from components.data_gate.verdict import Finding, Verdict
from components.errors import DataError
from components.image_example_gen.facts import INDEX, SOURCE, SPLIT, read_all_facts
from schemas import features
from schemas.gate import Gate
from tests.components.gated import Gated, example, found
from tests.components.images import noise

SCHEMA = """
feature { name: "image/class/label" type: INT int_domain { min: 0 max: 2 } }
feature { name: "image/class/text" type: BYTES string_domain { value: "cat" value: "dog" } }
feature { name: "image/format" type: BYTES string_domain { value: "PNG" } }
feature { name: "image/height" type: INT int_domain { min: 4 max: 5 } }
feature { name: "image/width" type: INT }
feature { name: "image/channels" type: INT }
feature { name: "image/bytes" type: INT }
feature { name: "image/mean" type: FLOAT }
feature { name: "image/stddev" type: FLOAT }
feature { name: "image/colour_space" type: BYTES presence { min_fraction: 1.0 min_count: 1 } }
"""
GIVEN: dict[str, Any] = {"splits": {"train": "train", "eval": 0.3, "test": "test"}}
# With a label far beyond the others there are as many classes without any image.
ALONE = {"too_few": "off"}


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """The source `wrong`: in the split test a label, a name and a height that do not belong there."""
    gated = Gated(tmp_path_factory.mktemp("gated"))
    test = [
        *(example(100 + index) for index in range(8)),
        example(200, label=97, text="cat"),
        example(201, label=1, text="dog", pixels=noise(6, 4, 1, 201)),
        example(202, label=2, text="emu"),
    ]
    gated.write("wrong", train=map(example, range(20)), test=test)
    return gated


def judge(gated: Gated, anomalies: str) -> Verdict:
    """The verdict on what is wrong, under a policy."""
    gate = Gate.model_validate({"anomalies": anomalies, **ALONE})
    return gated.judge("wrong", gate, SCHEMA, **GIVEN)[0]


def only(verdict: Verdict, split: str, feature: str) -> Finding:
    [finding] = [item for item in verdict.findings if (item.split, item.feature) == (split, feature)]
    return finding


def test_deviations_stop_the_run(gated: Gated) -> None:
    """Labels, names, sizes beyond their domain, a missing feature: each with split, feature, value, file and record."""
    verdict = judge(gated, "fail")
    assert not verdict.passed
    assert all(item.fails and item.check == "anomalies" for item in verdict.findings)
    for feature, shown in (
        (features.LABEL, "97 in test, record 8"),
        (features.LABEL_TEXT, "emu in test, record 10"),
        (features.HEIGHT, "6 in test, record 9"),
    ):
        message = only(verdict, "test", feature).message
        assert message.startswith(f"split test: {feature}: ")
        assert message.endswith(f" First: {shown}.")
    assert only(verdict, "train", "image/colour_space").message.startswith("split train: image/colour_space: ")
    assert {(item.split, item.feature) for item in verdict.findings} == {
        *(("test", feature) for feature in (features.LABEL, features.LABEL_TEXT, features.HEIGHT)),
        *((split, "image/colour_space") for split in ("train", "eval", "test")),
    }


def test_deviations_may_be_warnings_or_let_be(gated: Gated) -> None:
    """With `warn` the same is found and told, and the run goes on; with `off` nothing is compared."""
    strict, lenient = judge(gated, "fail"), judge(gated, "warn")
    assert lenient.passed
    assert [item.message for item in lenient.findings] == [item.message for item in strict.findings]
    assert "97 in test, record 8" in lenient.describe()
    assert judge(gated, "off") == Verdict(())


@pytest.mark.parametrize("anomalies", ["fail", "warn", "off"])
def test_labels_beyond_the_declared_classes_are_in_quarantine(anomalies: str, gated: Gated) -> None:
    """A network has an output for each of data.labels: a label beyond them is told once, as an unusable example."""
    gate = Gate.model_validate({"anomalies": anomalies, **ALONE})
    labels = ("cat", "dog", "emu")
    stopped, _ = gated.judge("wrong", gate, SCHEMA, labels=labels, quarantine={"max_fraction": 0}, **GIVEN)
    assert not [item for item in stopped.findings if item.feature == features.LABEL]
    [finding] = found(stopped, "quarantine")
    assert finding.fails
    assert finding.message.startswith("1 of 31 examples cannot be used")
    assert "unusable examples: unknown_label 1\n  test, record 8: image/class/label: unknown_label:" in finding.message
    passed, _ = gated.judge("wrong", gate, SCHEMA, labels=labels, quarantine={"max_fraction": 0.1}, **GIVEN)
    assert [item.fails for item in found(passed, "quarantine")] == [False]


def test_an_inferred_schema_finds_what_training_does_not_know(gated: Gated) -> None:
    """Without a schema of one's own the training split is the measure of the others."""
    verdict, _ = gated.judge("wrong", Gate.model_validate(ALONE), **GIVEN)
    assert "emu in test, record 10" in only(verdict, "test", features.LABEL_TEXT).message
    assert {item.split for item in verdict.findings} == {"test"}


def test_a_verdict_is_cached(gated: Gated) -> None:
    """The same data under the same limits are not judged again."""
    gate = Gate(anomalies="warn", too_few="warn")
    first, _ = gated.judge("wrong", gate, SCHEMA, **GIVEN)
    again, states = gated.judge("wrong", gate, SCHEMA, **GIVEN)
    assert again == first
    assert {state for node, state in states.items() if node != "LastData"} == {"cached"}


@pytest.fixture(scope="module")
def spotless(tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """The source `clean`, of 60 images; tests add others."""
    gated = Gated(tmp_path_factory.mktemp("spotless"))
    gated.write("clean", file=map(example, range(60)))
    return gated


def test_good_data_passes_without_a_word(spotless: Gated) -> None:
    """Under the experiment's defaults nothing is found in it."""
    assert spotless.judge("clean")[0] == Verdict(())


@pytest.mark.parametrize(("limit", "fails"), [(0.0499, True), (0.05, False)])
def test_too_much_in_quarantine_stops_the_run(limit: float, fails: bool, spotless: Gated) -> None:
    """3 unusable of 60 pass a limit of exactly that share and none below; each is named, and where all of them are."""
    broken = [b"\xff" if index in (2, 5, 9) else example(index) for index in range(60)]
    spotless.write("broken", file=broken)
    verdict, _ = spotless.judge("broken", quarantine={"max_fraction": limit})
    assert verdict.passed is not fails
    [finding] = found(verdict, "quarantine")
    head, counts, *places, where = finding.message.splitlines()
    assert head == (
        f"3 of 60 examples cannot be used, a fraction of 0.05; the limit is data.quarantine.max_fraction = {limit:g}"
    )
    assert counts == "unusable examples: not_an_example 3"
    assert [place.split(": ")[0] for place in places] == [f"  file, record {index}" for index in (2, 5, 9)]
    path = where.removeprefix("all of them: ").partition(".jsonl, the originals in ")[0]
    assert Path(path).parent == spotless.root / "quarantine"
    assert len(Path(f"{path}.jsonl").read_text().splitlines()) == 3


def test_what_is_lost_behind_a_damaged_length_counts(spotless: Gated) -> None:
    """A file whose second half cannot be found has half of its examples lost, not one."""
    source = spotless.write("damaged", file=map(example, range(60)))
    content = bytearray((source / "file").read_bytes())
    start = 0
    for _ in range(30):
        start += 16 + struct.unpack_from("<Q", content, start)[0]
    content[start] ^= 0xFF
    (source / "file").write_bytes(content)
    verdict, _ = spotless.judge("damaged")
    [finding] = found(verdict, "quarantine")
    assert finding.fails
    # The bytes between the records count too, which is much where the images are as small as these.
    assert 30 <= int(finding.message.partition(" of ")[0]) <= 35
    assert "more are lost in" in finding.message


@pytest.mark.parametrize(
    ("labels", "check", "shown"),
    [
        ((1, 2, 3), "too_few", "class 0 (0): 0"),
        ((0, 1, 3), "too_few", "class 2 (2): 0"),
        ((0,), "classes", "all training examples are of one class, 'cat'"),
    ],
    ids=["counted from 1", "a gap", "one class"],
)
def test_classes_without_images_stop_the_run(labels: tuple[int, ...], check: str, shown: str, spotless: Gated) -> None:
    """Labels counted from 1, a gap between labels, one class alone: a network would learn what is not there."""
    examples = (example(index, label=labels[index % len(labels)]) for index in range(60))
    name = "labels" + "".join(map(str, labels))
    spotless.write(name, file=examples)
    [finding] = found(spotless.judge(name)[0], check)
    assert finding.fails
    assert shown in finding.message


def test_copies_with_other_labels_and_in_other_splits_are_told(spotless: Gated) -> None:
    """The same image, byte for byte, in two given splits and with two labels: both places, splits and classes."""
    spotless.write("copied", train=map(example, range(40)), test=[*map(example, range(50, 60)), example(7, label=0)])
    for policy in ("warn", "fail"):
        verdict, _ = spotless.judge("copied", Gate.model_validate({"leakage": policy, "conflicts": policy}), **GIVEN)
        [leak], [conflict] = found(verdict, "leakage"), found(verdict, "conflicts")
        for finding in (leak, conflict):
            assert finding.fails is (policy == "fail")
            assert finding.message.splitlines()[0].endswith("; the limit is 0")
            assert {place.strip() for place in finding.message.splitlines()[1].split(" = ")} == {
                f"train, record 7 (split {split_of(spotless, 7)}, class 1)",
                "test, record 10 (split test, class 0)",
            }


def split_of(gated: Gated, index: int) -> str:
    """Where a record of the training file was drawn to."""
    rows = read_all_facts(gated.stages.outputs["ImageExampleGen"]["examples"].uri, (SPLIT, SOURCE, INDEX)).to_pylist()
    [split] = [row[SPLIT] for row in rows if (row[SOURCE], row[INDEX]) == ("train", index)]
    return str(split)


def test_skew_against_served_images(spotless: Gated, tmp_path: Path) -> None:
    """Statistics of other images are skew, of the training images themselves none; a changed file is judged anew."""
    spotless.judge("clean")
    own = spotless.stages.path("StatisticsGen", "statistics") / "Split-train" / "FeatureStats.pb"
    served = tmp_path / "served.pb"
    served.write_bytes(own.read_bytes())
    gate = Gate(skew="fail", serving_statistics=str(served))
    assert found(spotless.judge("clean", gate)[0], "skew") == []
    statistics = tfdv.load_stats_binary(str(own))
    [mean] = [item for item in statistics.datasets[0].features if item.path.step[0] == features.MEAN]
    for histogram in mean.num_stats.histograms:
        for bucket in histogram.buckets:
            bucket.low_value, bucket.high_value = bucket.low_value / 4, bucket.high_value / 4
    for field in ("min", "max", "mean", "median"):
        setattr(mean.num_stats, field, getattr(mean.num_stats, field) / 4)
    served.write_bytes(statistics.SerializeToString())
    verdict, states = spotless.judge("clean", gate)
    assert (states["StatisticsGen"], states["DataGate"]) == ("cached", "executed")
    [finding] = found(verdict, "skew")
    assert finding.fails
    assert finding.feature == features.MEAN
    served.write_bytes(b"")
    with pytest.raises(DataError, match="holds no statistics of any feature"):
        spotless.judge("clean", gate)
