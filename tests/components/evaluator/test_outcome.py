from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from tensorflow_model_analysis.proto import validation_result_pb2

from components.evaluator.configuration import evaluation_config
from components.evaluator.outcome import describe_failures, read_class_metrics, read_metrics
from schemas import features
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
    """Evaluates models that always answer the same, by TFMA itself."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._num_evaluations = 0
        self._examples = [stored(png(noise(2, 2, 1, index)), label) for index, label in enumerate(LABELS)]
        named = [{**row, features.LABEL_TEXT: CLASSES[int(row[features.LABEL])].encode()} for row in self._examples]
        self._data = str(write_tfrecord(root / "examples", map(serialized, named)))
        self._transform: tft.TFTransformOutput = transform_of(root / "transform", self._examples[:1], PREPROCESSING)

    def judge(self, limits: dict[str, dict[str, float]], baseline: dict[str, float] | None = None) -> str:
        """Where TFMA writes what it says of the candidate."""
        # As TFX does it: where there is no baseline, what is compared with it falls away.
        config = tfma.utils.update_eval_config_with_defaults(
            evaluation_config(Evaluation.model_validate({"thresholds": limits})),
            has_baseline=baseline is not None,
            rubber_stamp=True,
        )
        shared = [
            tfma.default_eval_shared_model(
                self._model(baseline if baseline and spec.is_baseline else CANDIDATE),
                model_name=spec.name,
                eval_config=config,
            )
            for spec in config.model_specs
        ]
        self._num_evaluations += 1
        output = str(self._root / f"evaluation-{self._num_evaluations}")
        tfma.run_model_analysis(shared if baseline else shared[0], config, data_location=self._data, output_path=output)
        return output

    def _model(self, probabilities: dict[str, float]) -> str:
        directory = self._root / "-".join(["model", *map(str, probabilities.values())])
        if not directory.exists():
            export_constant(directory, self._transform, (2, 2, 1), probabilities)
        return str(directory)


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
    assert read_metrics(compared) == pytest.approx(
        {"example_count": 10, "accuracy": 0.8, "cross_entropy": cross_entropy(CANDIDATE)}, rel=1e-5
    )


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
