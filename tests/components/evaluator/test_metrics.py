from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import tensorflow_model_analysis as tfma
from google.protobuf import text_format

from components.evaluator.metrics import Analysis, Figures, Scores, confusion_matrix

NUM_CLASSES = 4


@pytest.fixture(scope="module")
def scores() -> Scores:
    """200 predictions, about half of them right, some of them ties; of the fourth class there is no image."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 200)
    logits = random.normal(size=(200, NUM_CLASSES)) + 1.5 * np.eye(NUM_CLASSES)[labels]
    logits[::10] = 0
    exponentials = np.exp(logits)
    return Scores(labels, (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32))


def test_metrics_are_those_of_scikit_learn(scores: Scores) -> None:
    """Over all images, with means over the classes that occur."""
    found = Analysis(scores, top_k=2).overall()
    labels, probabilities = scores.labels, scores.probabilities
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(3), average="macro", zero_division=0
    )
    aucs = [sklearn.metrics.roc_auc_score(labels == label, probabilities[:, label]) for label in range(3)]
    assert found.pop("calibration_error") == pytest.approx(by_the_book(labels, probabilities))
    # Ties count for the label here: scikit-learn's own figure depends on the order of the classes.
    in_top = [(row > row[label]).sum() < 2 for row, label in zip(probabilities, labels, strict=True)]
    assert found == pytest.approx(
        {
            "example_count": 200,
            "accuracy": sklearn.metrics.accuracy_score(labels, predicted),
            "top_k_accuracy": np.mean(in_top),
            "cross_entropy": sklearn.metrics.log_loss(labels, probabilities.astype(float), labels=range(4)),
            "macro_precision": precision,
            "macro_recall": recall,
            "macro_f1": f1,
            "macro_auc": np.mean(aucs),
        },
        rel=1e-6,
    )


def by_the_book(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error, bin by bin as its paper defines it."""
    confidences, is_right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for index in range(15):
        in_bin = (confidences > index / 15) & (confidences <= (index + 1) / 15)
        if in_bin.any():
            error += in_bin.mean() * abs(is_right[in_bin].mean() - confidences[in_bin].mean())
    return error


def test_metrics_are_those_of_tfma(scores: Scores) -> None:
    """What TFMA computes through Beam, over all images and for each class, is what comes out here."""
    config = text_format.Parse(
        """
        model_specs { label_key: "label" prediction_key: "prediction" }
        slicing_specs {}
        slicing_specs { feature_keys: "name" }
        metrics_specs {
          metrics { class_name: "ExampleCount" }
          metrics { class_name: "SparseCategoricalAccuracy" config: '{"name": "accuracy"}' }
          metrics { class_name: "SparseCategoricalCrossentropy" config: '{"name": "cross_entropy"}' }
        }
        """,
        tfma.EvalConfig(),
    )
    frame = pd.DataFrame(
        {
            "label": scores.labels,
            "prediction": [row.tolist() for row in scores.probabilities],
            "name": [f"class {label}" for label in scores.labels],
        }
    )
    result = tfma.analyze_raw_data(frame, config)
    analysis = Analysis(scores, top_k=1)
    ours: dict[tuple[tuple[str, str], ...], Figures] = {(): analysis.overall()}
    ours.update({(("name", f"class {label}"),): figures for label, figures in analysis.of_classes().items()})
    assert len(result.slicing_metrics) == 4
    for key, metrics in result.slicing_metrics:
        for name, value in metrics[""][""].items():
            assert ours[key][name] == pytest.approx(value["doubleValue"], rel=1e-5)


def test_each_class_is_told_from_all_others(scores: Scores) -> None:
    """Precision, recall, F1 and AUC of a class are those against all other images; only classes that occur have any."""
    found = Analysis(scores, top_k=1).of_classes()
    assert found.keys() == {0, 1, 2}
    predicted = scores.probabilities.argmax(axis=1)
    for label, figures in found.items():
        is_of_class, is_predicted = scores.labels == label, predicted == label
        assert figures["precision"] == pytest.approx(sklearn.metrics.precision_score(is_of_class, is_predicted))
        assert figures["recall"] == pytest.approx(sklearn.metrics.recall_score(is_of_class, is_predicted))
        assert figures["recall"] == pytest.approx(figures["accuracy"])
        assert figures["f1"] == pytest.approx(sklearn.metrics.f1_score(is_of_class, is_predicted))
        area = sklearn.metrics.roc_auc_score(is_of_class, scores.probabilities[:, label])
        assert figures["auc"] == pytest.approx(area)


def test_a_part_has_the_figures_of_its_images_alone(scores: Scores) -> None:
    """As if there were no others."""
    part = np.arange(200) % 3 == 0
    alone = Analysis(Scores(scores.labels[part], scores.probabilities[part]), top_k=2).overall()
    alone.pop("macro_auc")
    assert Analysis(scores, top_k=2).within(part) == pytest.approx(alone)


def test_one_class_alone_has_no_area_under_its_curve() -> None:
    """Nothing could be told apart; all other figures are there."""
    found = Analysis(Scores(np.array([1, 1]), np.array([[0.2, 0.8], [0.9, 0.1]], np.float32)), top_k=1).overall()
    assert "macro_auc" not in found
    assert (found["accuracy"], found["macro_recall"]) == (0.5, 0.5)


def test_certain_mistakes_are_not_infinitely_bad() -> None:
    """As in Keras, a probability of zero counts as one in ten million."""
    found = Analysis(Scores(np.array([0]), np.array([[0.0, 1.0]], np.float32)), top_k=1).overall()
    assert found["cross_entropy"] == pytest.approx(-np.log(1e-7))


def test_confusions_have_the_true_class_in_the_row() -> None:
    """Counts of pairs."""
    matrix = confusion_matrix(np.array([0, 0, 2]), np.array([1, 1, 2]), 3)
    assert matrix.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]
