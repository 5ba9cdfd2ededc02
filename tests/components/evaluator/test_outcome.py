from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from tensorflow_model_analysis.proto import validation_result_pb2
from tfx import types
from tfx.types import standard_artifacts

from components.errors import StageError
from components.evaluator.executor import Executor
from components.evaluator.outcome import (
    champion_stays,
    describe_failures,
    read_baseline_metrics,
    read_class_metrics,
    read_metrics,
    read_slices,
)
from components.evaluator.predictions import read_predictions
from components.image_example_gen.facts import Facts, FactsTable, write_facts
from components.image_example_gen.items import Stored
from schemas.evaluation import Evaluation
from schemas.preprocessing import Preprocessing
from tests.components.images import noise, png, serialized, write_tfrecord
from tests.components.servables import export_constant
from tests.components.transforms import stored, transform_of

if TYPE_CHECKING:
    from tests.components.conftest import Sample

PREPROCESSING = Preprocessing(height=2, width=2, channels=1, normalization="rescale")
# Of ten examples eight are ants: a model that always says ant is right on those and wrong on all others.
LABELS = [0] * 8 + [1, 2]
CLASSES = ("ant", "bée", "cat")
CANDIDATE = {"ant": 0.5, "bée": 0.3, "cat": 0.2}
BETTER = {"ant": 0.8, "bée": 0.1, "cat": 0.1}
WORSE = {"ant": 0.1, "bée": 0.8, "cat": 0.1}


def cross_entropy(probabilities: dict[str, float]) -> float:
    return float(-np.mean([np.log(list(probabilities.values())[label]) for label in LABELS]))


class Judge:
    """Evaluates models that always answer the same, by the stage's executor."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._num_evaluations = 0
        self._examples = standard_artifacts.Examples()
        self._examples.uri = str(root / "examples")
        self._examples.split_names = '["train", "test"]'
        images = [png(noise(2, 2, 1, index)) for index in range(len(LABELS))]
        rows = [stored(image, label) for image, label in zip(images, LABELS, strict=True)]
        write_tfrecord(root / "examples" / "Split-test" / "examples-0.tfrecord", map(serialized, rows))
        facts = FactsTable()
        for index, (image, label) in enumerate(zip(images, LABELS, strict=True)):
            item = Stored(f"{CLASSES[label]}/{index}.png", 0, image, label, None, None, "test")
            facts.add("test", item, bytes(32), b"", Facts("PNG", 2, 2, 1, 25.0 * index, 10.0))
        (root / "examples" / "facts").mkdir()
        with (root / "examples" / "facts" / "examples-0.parquet").open("wb") as file:
            write_facts(facts.to_arrow(), file)
        self._transform: tft.TFTransformOutput = transform_of(root / "transform", rows[:1], PREPROCESSING)

    def judge(
        self,
        limits: dict[str, dict[str, float]],
        baseline: Mapping[str, float] | None = None,
        **evaluation: Any,
    ) -> str:
        """Where the stage writes what it says of the candidate."""
        rules = Evaluation.model_validate({"thresholds": limits, **evaluation})
        self._num_evaluations += 1
        outputs = {"evaluation": standard_artifacts.ModelEvaluation(), "blessing": standard_artifacts.ModelBlessing()}
        for name, artifact in outputs.items():
            artifact.uri = str(self._root / f"{name}-{self._num_evaluations}")
            Path(artifact.uri).mkdir()
        inputs = {"examples": [self._examples], "model": [self._model(CANDIDATE)]}
        if baseline is not None:
            inputs["baseline_model"] = [self._model(baseline)]
        Executor().Do(
            inputs,
            {name: [artifact] for name, artifact in outputs.items()},
            {"rules": rules.model_dump_json(), "code_digest": ""},
        )
        is_blessed = tfma.load_validation_result(outputs["evaluation"].uri).validation_ok
        assert outputs["blessing"].get_int_custom_property("blessed") == int(is_blessed)
        assert [path.name for path in Path(outputs["blessing"].uri).iterdir()] == [
            "BLESSED" if is_blessed else "NOT_BLESSED"
        ]
        return str(outputs["evaluation"].uri)

    def _model(self, probabilities: Mapping[str, float]) -> types.Artifact:
        directory = self._root / "-".join(["model", *map(str, probabilities), *map(str, probabilities.values())])
        if not directory.exists():
            export_constant(directory / "Format-Serving", self._transform, (2, 2, 1), dict(probabilities))
        model = standard_artifacts.Model()
        model.uri, model.id = str(directory), 7
        return model


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Evaluations of models whose figures are known beforehand."""
    return Judge(tmp_path_factory.mktemp("evaluations"))


@pytest.fixture(scope="module")
def compared(judge: Judge) -> str:
    """A candidate that falls behind in both metrics, by more than is allowed in one of them."""
    rise = cross_entropy(CANDIDATE) - cross_entropy(BETTER)
    limits = {
        "accuracy": {"min": 0.75, "max_drop": 0.0},
        "cross_entropy": {"max": 2.0, "max_rise": rise - 0.01},
    }
    return judge.judge(limits, baseline=BETTER)


def test_metrics_are_the_candidates_over_the_whole_split(compared: str) -> None:
    """Accuracy, cross-entropy and count equal numpy's, and are neither the baseline's nor the difference."""
    found = read_metrics(compared)
    assert {name: found[name] for name in ("example_count", "accuracy", "cross_entropy")} == pytest.approx(
        {"example_count": 10, "accuracy": 0.8, "cross_entropy": cross_entropy(CANDIDATE)}, rel=1e-5
    )
    assert read_baseline_metrics(compared)["cross_entropy"] == pytest.approx(cross_entropy(BETTER), rel=1e-5)


def test_every_image_keeps_its_prediction(compared: str) -> None:
    """In the order of the examples, with its place, both classes and their probabilities."""
    table = read_predictions(compared)
    assert table["label"].to_pylist() == LABELS
    assert table["predicted"].to_pylist() == [0] * 10
    assert table["row"].to_pylist() == list(range(10))
    assert set(table["shard"].to_pylist()) == {"examples-0"}
    assert table["source"].to_pylist()[8:] == ["bée/8.png", "cat/9.png"]
    assert table["probability"].to_pylist() == pytest.approx([0.5] * 10)
    assert table["label_probability"].to_pylist() == pytest.approx([0.5] * 8 + [0.3, 0.2])


def test_tfma_reads_what_is_written(compared: str) -> None:
    """Its own loader finds models, slices and metrics, as a notebook would."""
    result = tfma.load_eval_result(compared, model_name="candidate")
    assert result.get_metrics_for_slice()["accuracy"] == {"doubleValue": pytest.approx(0.8)}
    assert "ant" in {key[0][1] for key in result.get_slice_names() if key}


def test_parts_by_what_is_known_of_the_images(compared: str) -> None:
    """Brightness is 25 times the image's number here, so the first three are the darkest, and all of them ants."""
    brightness = read_slices(compared)["brightness"]
    assert {name: figures["example_count"] for name, figures in brightness.items()} == {
        "0 to 63": 3,
        "64 to 127": 3,
        "128 to 191": 2,
        "192 or more": 2,
    }
    assert (brightness["0 to 63"]["accuracy"], brightness["192 or more"]["accuracy"]) == (1.0, 0.0)


def test_limits_within_parts_are_told_with_the_part(judge: Judge) -> None:
    """Parts with too few images are left alone; a part that is asked for by name must be there."""
    rules = [
        {"by": "label", "min_images": 1, "thresholds": {"f1": {"min": 0.5}}},
        {"by": "brightness", "min_images": 3, "thresholds": {"accuracy": {"min": 0.9}}},
        {"by": "size", "value": "64 to 127", "thresholds": {"accuracy": {"min": 0.1}}},
    ]
    output = judge.judge({"macro_auc": {"min": 0.1}}, slice_thresholds=rules)
    assert sorted(describe_failures(output)) == [
        "f1 of label bée is 0.0000; it must be at least 0.5 (evaluation.slice_thresholds)",
        "f1 of label cat is 0.0000; it must be at least 0.5 (evaluation.slice_thresholds)",
        "no image of size 64 to 127, which has limits of its own (evaluation.slice_thresholds)",
    ]


def test_a_change_within_a_part_is_limited(judge: Judge) -> None:
    """Against the same part's figure of the baseline."""
    rules = [{"by": "label", "value": "ant", "min_images": 1, "thresholds": {"recall": {"min": 0.0, "max_drop": 0.1}}}]
    assert describe_failures(judge.judge({"accuracy": {"min": 0.0}}, WORSE, slice_thresholds=rules)) == []
    rules[0]["value"] = "bée"
    assert describe_failures(judge.judge({"accuracy": {"min": 0.0}}, WORSE, slice_thresholds=rules)) == [
        "recall of label bée changed by -1.0000 against the last blessed model;"
        " it may fall by at most 0.1 (evaluation.slice_thresholds)"
    ]


def test_a_baseline_with_other_classes_is_compared_by_their_names(judge: Judge) -> None:
    """Its classes in another order, one more and one less: its answers count for the classes of the same names."""
    output = judge.judge({"accuracy": {"min": 0.0}}, {"dog": 0.05, "cat": 0.15, "ant": 0.8})
    assert read_baseline_metrics(output)["accuracy"] == pytest.approx(0.8)
    output = judge.judge({"accuracy": {"min": 0.0}}, {"dog": 0.7, "cat": 0.1, "ant": 0.2})
    assert read_baseline_metrics(output)["accuracy"] == 0


def test_a_split_without_images_is_told(judge: Judge) -> None:
    """With the key that chooses another."""
    with pytest.raises(StageError, match=r"the split eval holds no image; choose another one in evaluation\.split"):
        judge.judge({"accuracy": {"min": 0.0}}, split="eval")


def test_metrics_of_each_class_go_by_its_name(compared: str) -> None:
    """Each class has its own figures, under the name that the data gives it."""
    found = read_class_metrics(compared)
    assert found.keys() == set(CLASSES)
    assert {name: metrics["accuracy"] for name, metrics in found.items()} == {"ant": 1, "bée": 0, "cat": 0}
    assert {name: metrics["example_count"] for name, metrics in found.items()} == {"ant": 8, "bée": 1, "cat": 1}
    for name, metrics in found.items():
        assert metrics["cross_entropy"] == pytest.approx(-np.log(CANDIDATE[name]), rel=1e-5)


def test_a_metric_that_fell_behind_is_told_with_what_is_allowed(compared: str) -> None:
    """Only the change beyond its limit is told; no change at all meets a limit of zero."""
    rise = cross_entropy(CANDIDATE) - cross_entropy(BETTER)
    assert describe_failures(compared) == [
        f"cross_entropy changed by {rise:+.4f} against the last blessed model;"
        f" it may rise by at most {rise - 0.01:g} (evaluation.thresholds)"
    ]


def test_limits_hold_for_the_whole_split_and_not_for_its_classes(judge: Judge) -> None:
    """A model that is right on none of some class is blessed all the same, as long as the whole split is right."""
    limits = {"accuracy": {"min": 0.8, "max_drop": 0.01}, "cross_entropy": {"max": cross_entropy(CANDIDATE) + 1e-3}}
    output = judge.judge(limits)
    assert tfma.load_validation_result(output).validation_ok
    assert describe_failures(output) == []


def test_values_beyond_their_limits_are_told(judge: Judge) -> None:
    """Each limit that is missed has its sentence: metric, value, limits, and where they are set."""
    output = judge.judge({"accuracy": {"min": 0.9, "max": 0.95}, "cross_entropy": {"max": 0.25}})
    assert not tfma.load_validation_result(output).validation_ok
    assert sorted(describe_failures(output)) == [
        "accuracy is 0.8000; it must be at least 0.9 and at most 0.95 (evaluation.thresholds)",
        f"cross_entropy is {cross_entropy(CANDIDATE):.4f}; it must be at most 0.25 (evaluation.thresholds)",
    ]


def test_a_challenger_must_be_better_by_the_margin(judge: Judge) -> None:
    """An equal one leaves the champion where it is, with both figures; a better one passes, in either direction."""
    limits = {"accuracy": {"min": 0.5, "max_drop": 0.0}}
    equal = judge.judge(limits, baseline=BETTER, champion={"margin": 0.002})
    assert describe_failures(equal) == [
        "accuracy is 0.8000, that of the last blessed model 0.8000 on the same images; it must be better by at least"
        " 0.002 (evaluation.champion)"
    ]
    assert champion_stays(equal)
    gain = cross_entropy(WORSE) - cross_entropy(CANDIDATE)
    for margin, stays in ((gain - 0.01, False), (gain + 0.01, True)):
        by_loss = judge.judge(limits, baseline=WORSE, champion={"metric": "cross_entropy", "margin": margin})
        assert champion_stays(by_loss) == stays
        assert tfma.load_validation_result(by_loss).validation_ok != stays
    assert judge.judge(limits, champion={"margin": 0.5}) is not None
    also_bad = judge.judge({"accuracy": {"min": 0.9}}, baseline=BETTER, champion={})
    assert (champion_stays(also_bad), len(describe_failures(also_bad))) == (False, 2)


def test_a_model_far_better_than_the_baseline_is_blessed(judge: Judge) -> None:
    """A limit of change holds in one direction alone: any improvement passes."""
    limits = {"accuracy": {"min": 0.5, "max_drop": 0.0}, "cross_entropy": {"max": 2.0, "max_rise": 0.0}}
    assert describe_failures(judge.judge(limits, baseline=WORSE)) == []


def test_a_refusal_without_a_failure_is_told_all_the_same(tmp_path: Path) -> None:
    """Where TFMA refuses for another reason, such as a slice without examples, that is what is told."""
    result = validation_result_pb2.ValidationResult(validation_ok=False)
    result.missing_slices.add(feature_keys=["image/class/text"])
    with tf.io.TFRecordWriter(str(tmp_path / "validations.tfrecord")) as writer:
        writer.write(result.SerializeToString())
    [sentence] = describe_failures(str(tmp_path))
    assert sentence.startswith("missing slice or thresholds: ")
    assert "missing_slices" in sentence


def test_the_stage_blesses_a_good_model(trained: Sample) -> None:
    """The real Evaluator judged the sample's model over the test split and blessed it."""
    blessing = trained.stages.outputs["Evaluator"]["blessing"]
    assert blessing.get_int_custom_property("blessed") == 1
    evaluation = str(trained.stages.path("Evaluator", "evaluation"))
    assert describe_failures(evaluation) == []
    examples = trained.stages.path("ImageExampleGen", "examples") / "Split-test"
    num_examples = sum(1 for _ in tf.data.TFRecordDataset([str(path) for path in examples.iterdir()]))
    assert read_metrics(evaluation)["example_count"] == num_examples
    assert read_class_metrics(evaluation).keys() == {"dark", "medium", "bright"}
