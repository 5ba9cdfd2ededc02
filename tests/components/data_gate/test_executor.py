from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from tfx import types
from tfx.types import standard_artifacts

from components.data_gate.artifact import DataVerdict
from components.data_gate.component import DataGate
from components.data_gate.executor import Executor
from components.data_gate.verdict import Finding, Verdict
from components.image_example_gen.component import ImageExampleGen
from components.image_example_gen.report import IngestionReport
from components.schema_gen.component import image_schema
from components.statistics_gen.component import image_statistics
from schemas import features
from schemas.experiment import Data, Gate, Schema
from tests.components.images import Values, noise, png, serialized, write_tfrecord
from tests.components.stages import Stages

CLASSES = (b"cat", b"dog")
SCHEMA = """
feature { name: "image/class/label" type: INT int_domain { min: 0 max: 2 } }
feature { name: "image/class/text" type: BYTES string_domain { value: "cat" value: "dog" } }
feature { name: "image/format" type: BYTES }
feature { name: "image/height" type: INT }
feature { name: "image/width" type: INT }
feature { name: "image/channels" type: INT }
feature { name: "image/bytes" type: INT }
feature { name: "image/mean" type: FLOAT }
feature { name: "image/stddev" type: FLOAT }
feature { name: "image/colour_space" type: BYTES presence { min_fraction: 1.0 min_count: 1 } }
"""


def example(index: int, **changes: bytes | int) -> bytes:
    values: Values = {
        features.ENCODED: png(noise(4, 4, 1, index)),
        features.LABEL: changes.get("label", index % 2),
        features.LABEL_TEXT: changes.get("text", CLASSES[index % 2]),
        features.FILENAME: f"{index}.png".encode(),
    }
    return serialized(values)


class Gated:
    """A source with one wrong label and one wrong name, and the stages up to the gate."""

    def __init__(self, root: Path) -> None:
        train = [example(index) for index in range(20)]
        test = [
            *(example(100 + index) for index in range(8)),
            example(200, label=97),
            example(201, label=2, text=b"emu"),
        ]
        write_tfrecord(root / "source" / "train", train)
        write_tfrecord(root / "source" / "test", test)
        self._schema = root / "schema.pbtxt"
        self._schema.write_text(SCHEMA)
        self._data = Data.model_validate({"source": str(root / "source"), "splits": {"eval": 0.3, "test": "test"}})
        self.stages = Stages(root / "stages")

    def judge(self, gate: Gate, labels: tuple[str, ...] | None = None) -> Verdict:
        """The verdict, from the real stages; all before the gate come from the cache after the first time."""
        ingestion = ImageExampleGen(self._data, str(self._data.source))
        examples = ingestion.outputs["examples"]
        statistics = image_statistics(examples)
        schema = image_schema(Schema(file=str(self._schema)), statistics.outputs["statistics"])
        data = self._data.model_copy(update={"labels": labels})
        stage = DataGate(data, gate, examples, statistics.outputs["statistics"], schema.outputs["schema"])
        self.stages.run([ingestion, statistics, schema, stage])
        artifact = self.stages.outputs["DataGate"]["verdict"]
        verdict = Verdict.from_json((Path(artifact.uri) / "verdict.json").read_text())
        assert artifact.passed == int(verdict.passed)
        return verdict


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Gated:
    """Stages up to the gate over wrong data."""
    return Gated(tmp_path_factory.mktemp("gated"))


def judged(examples: types.Artifact, data: Data, directory: Path) -> Verdict:
    """The verdict on examples alone, without statistics and schema."""
    artifact = DataVerdict()
    artifact.uri = str(directory)
    properties = {"data": data.model_dump_json(), "gate": Gate(anomalies="off").model_dump_json()}
    Executor().Do({"examples": [examples]}, {"verdict": [artifact]}, properties)
    verdict = Verdict.from_json((directory / "verdict.json").read_text())
    assert artifact.passed == int(verdict.passed)
    return verdict


def finding(verdict: Verdict, split: str, feature: str) -> Finding:
    [found] = [item for item in verdict.findings if (item.split, item.feature) == (split, feature)]
    return found


def test_deviations_stop_the_run(gated: Gated) -> None:
    """A label beyond its domain, an unknown name, a missing feature: each with split, feature, value and first file."""
    verdict = gated.judge(Gate(anomalies="fail"))
    assert not verdict.passed
    assert all(item.fails and item.check == "anomalies" for item in verdict.findings)
    label = finding(verdict, "test", features.LABEL).message
    assert label.startswith("split test: image/class/label: ")
    assert "97 in 200.png" in label
    text = finding(verdict, "test", features.LABEL_TEXT).message
    assert "emu in 201.png" in text
    missing = finding(verdict, "train", "image/colour_space").message
    assert missing.startswith("split train: image/colour_space: ")
    assert {(item.split, item.feature) for item in verdict.findings} == {
        ("test", features.LABEL),
        ("test", features.LABEL_TEXT),
        *((split, "image/colour_space") for split in ("train", "eval", "test")),
    }


def test_deviations_may_be_warnings(gated: Gated) -> None:
    """With `warn` the same is found and told, and the run goes on."""
    strict = gated.judge(Gate(anomalies="fail"))
    lenient = gated.judge(Gate(anomalies="warn"))
    assert lenient.passed
    assert lenient.findings
    assert [item.message for item in lenient.findings] == [item.message for item in strict.findings]
    assert "97 in 200.png" in lenient.describe()


def test_labels_beyond_the_declared_classes_always_stop_the_run(gated: Gated) -> None:
    """A network has an output for each of data.labels: a label beyond them is never a mere warning, and told once."""
    labels = ("cat", "dog", "emu")
    [strict] = [item for item in gated.judge(Gate(anomalies="fail"), labels).findings if item.feature == features.LABEL]
    assert (strict.check, strict.split) == ("anomalies", "test")
    for mode in ("warn", "off"):
        verdict = gated.judge(Gate.model_validate({"anomalies": mode}), labels)
        assert not verdict.passed
        [failing] = [item for item in verdict.findings if item.fails]
        assert (failing.check, failing.feature) == ("labels", features.LABEL)
        assert failing.message.endswith("the data has classes up to 97, data.labels names 0 to 2")


@pytest.mark.parametrize(
    ("declared", "contradictions"),
    [
        (None, []),
        (("cat", "dog", "emu"), []),
        (("cat", "wolf", "emu"), ["class 1 is called 'dog' in the data and 'wolf' in data.labels"]),
        (
            ("dog", "cat", "emu"),
            [
                "class 0 is called 'cat' in the data and 'dog' in data.labels",
                "class 1 is called 'dog' in the data and 'cat' in data.labels",
            ],
        ),
    ],
)
def test_names_that_contradict_the_data_stop_the_run(
    declared: tuple[str, ...] | None, contradictions: list[str], tmp_path: Path
) -> None:
    """A class that the data and data.labels call by different names is told with both; unnamed ones are free."""
    report = IngestionReport(Counter(train=8, eval=1, test=1), max_label=2)
    report.name_label(0, "cat")
    report.name_label(1, "dog")
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path)
    (tmp_path / "ingestion.json").write_text(report.to_json())
    verdict = judged(examples, Data(source="here", labels=declared), tmp_path)
    assert verdict.passed is not bool(contradictions)
    told = [item.message.removeprefix("image/class/label: ") for item in verdict.findings if item.check == "labels"]
    assert told == (["; ".join(contradictions)] if contradictions else [])


def test_deviations_may_be_let_be(gated: Gated) -> None:
    """With `off` nothing is compared and nothing found."""
    assert gated.judge(Gate(anomalies="off")) == Verdict(())


def test_a_verdict_is_cached(gated: Gated) -> None:
    """The same data under the same limits are not judged again."""
    first = gated.judge(Gate(anomalies="warn"))
    assert gated.judge(Gate(anomalies="warn")) == first
    assert set(gated.stages.states.values()) == {"cached"}


@pytest.fixture(scope="module")
def quarantined(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Examples:
    """Examples of which 3 in 20 were refused."""
    root = tmp_path_factory.mktemp("quarantined")
    payloads = [b"\xff" if index in (2, 5, 9) else example(index) for index in range(20)]
    write_tfrecord(root / "source" / "file", payloads)
    data = Data.model_validate({"source": str(root / "source"), "splits": {"eval": 0.3, "test": 0.3}})
    stages = Stages(root / "stages")
    stages.run([ImageExampleGen(data, str(data.source))])
    return stages.outputs["ImageExampleGen"]["examples"]


@pytest.mark.parametrize(
    ("limit", "passes"), [(0.0, False), (0.1499, False), (0.15, True), (0.1501, True), (1.0, True)]
)
def test_the_quarantine_has_a_limit(
    limit: float, passes: bool, quarantined: standard_artifacts.Examples, tmp_path: Path
) -> None:
    """3 unusable of 20 pass a limit of exactly that fraction and none below, and are told in either case."""
    data = Data.model_validate({"source": "here", "quarantine": {"max_fraction": limit}})
    verdict = judged(quarantined, data, tmp_path)
    assert verdict.passed is passes
    [found] = verdict.findings
    assert (found.check, found.fails) == ("quarantine", not passes)
    first, counts, *places = found.message.splitlines()
    assert first == (
        f"3 of 20 examples cannot be used, a fraction of 0.15; the limit is data.quarantine.max_fraction = {limit:g}"
    )
    assert counts == "unusable examples: not_an_example 3"
    assert [place.split(" (")[0] for place in places] == [f"  file, record {index}" for index in (2, 5, 9)]
    assert json.loads((tmp_path / "verdict.json").read_text())["passed"] is passes
