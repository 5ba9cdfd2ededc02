"""Values of every kind that an experiment may not hold, one at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Complaints = Callable[..., list[str]]
HEAD = "name: x\ndata: {dataset: digits}\n"


@pytest.mark.parametrize(
    ("text", "start", "parts"),
    [
        # Unknown keys.
        ("training:\n  epohcs: 3\n", "4: training.epohcs: unknown key; did you mean 'epochs'?", ["known here: batch_"]),
        (
            "Training: {}\n",
            "3: Training: unknown key; did you mean 'training'?",
            ["known here: augmentation, beam, canary, data, "],
        ),
        ("epochs: 3\n", "3: epochs: unknown key; did you mean 'training.epochs'?", []),
        ("height: 3\n", "3: height: unknown key; did you mean 'data.features.height' or 'preprocessing.height'?", []),
        ("zzz: 3\n", "3: zzz: unknown key\n", ["known here: augmentation, beam"]),
        ("every: 3\n", "3: every: unknown key; did you mean 'training.schedule.every' or 'training.checkpoints.e", []),
        ("schema_: {}\n", "3: schema_: unknown key; did you mean 'schema'?", []),
        ("3: x\n", "3: 3: unknown key\n", []),
        (
            "evaluation:\n  thresholds:\n    acuracy: {min: 0.5}\n",
            "5: evaluation.thresholds.acuracy: unknown key; did you mean 'accuracy'?",
            ["known here: accuracy, calibration_error, cross_entropy"],
        ),
        # Unknown choices.
        (
            "model:\n  activation: rellu\n",
            "4: model.activation: got the text 'rellu'; expected one of 'relu', 'leaky_relu',",
            ["; did you mean 'relu'?", "activation: Activation of the hidden layers of the head"],
        ),
        (
            "model: {backbone: mobilnet}\n",
            "3: model.backbone: unknown backbone 'mobilnet'; did you mean 'mobilenet'?\n",
            ["    known here: small_cnn, small_resnet, vgg16, "],
        ),
        (
            "model: {weights: imagnet}\n",
            "3: model.weights: got the text 'imagnet'; expected one of 'random', 'imagenet', or a mapping with keys",
            ["; did you mean 'imagenet'?"],
        ),
        ("model: {weights: {}}\n", "3: model.weights: give one of 'file' and 'experiment'\n", []),
        ("model: {weights: {fil: x}}\n", "3: model.weights.fil: unknown key; did you mean 'file'?", []),
        (
            "preprocessing: {channels: 4}\n",
            "3: preprocessing.channels: got the number 4; expected one of 1, 3\n",
            ["channels: Grayscale or RGB."],
        ),
        (
            'preprocessing: {channels: "3"}\n',
            "3: preprocessing.channels: got the text '3'",
            ["write 3, without quotes"],
        ),
        ("gate: {anomalies: no}\n", "3: gate.anomalies: got the text 'no'; expected one of 'fail', 'warn', 'off'", []),
        # Wrong types.
        (
            "training:\n  seed: 1\n  epochs: many\n",
            "5: training.epochs: got the text 'many'; expected a whole number of at least 1\n",
            ["epochs: Passes over the training split, at most."],
        ),
        ('training: {epochs: "3"}\n', "3: training.epochs: got the text '3'", ["; write 3, without quotes"]),
        ("training: {epochs: 1_000}\n", "3: training.epochs: got the text '1_000'", ["; write 1000, without quotes"]),
        ("training: {epochs: 3.0}\n", "3: training.epochs: got the number 3.0", ["; write 3\n"]),
        ("training: {epochs: true}\n", "3: training.epochs: got true; expected a whole number", []),
        ("training: {epochs: 0}\n", "3: training.epochs: got the number 0; expected a whole number of at least 1", []),
        (
            "training: {learning_rate: .inf}\n",
            "3: training.learning_rate: got the number inf; expected a number above 0, or null; give a finite one",
            [],
        ),
        ("training: {seed: -1}\n", "3: training.seed: got the number -1", ["at least 0 and below 2147483648"]),
        (
            "preprocessing: {antialias: yes}\n",
            "3: preprocessing.antialias: got the text 'yes'",
            ["true or false; write true"],
        ),
        ("preprocessing: {antialias: off}\n", "3: preprocessing.antialias: got the text 'off'", ["; write false"]),
        (
            "model: {filters: 32}\n",
            "3: model.filters: got the number 32; expected a list of at least 1",
            ["; write [32]"],
        ),
        ("model: {filters: []}\n", "3: model.filters: got an empty list; expected a list of at least 1", []),
        (
            "model:\n  filters:\n    - 32\n    - big\n",
            "6: model.filters[1]: got the text 'big'; expected a whole number of at least 1",
            [],
        ),
        (
            "beam: {args: --runner=x}\n",
            "3: beam.args: got the text '--runner=x'",
            ["expected a list", "write [--runner=x]"],
        ),
        ("model: small_cnn\n", "3: model: got the text 'small_cnn'; expected a mapping with keys from activation,", []),
        ("training:\n", "3: training: got null; expected a mapping", ["; leave the key out for its default"]),
        (
            "training: {early_stopping: off}\n",
            "3: training.early_stopping: got the text 'off'",
            [", or null; write null"],
        ),
        ("training: {early_stopping: false}\n", "3: training.early_stopping: got false", [", or null; write null"]),
        (
            "evaluation: {thresholds: {}}\n",
            "3: evaluation.thresholds: got an empty mapping; expected a mapping with at least one of the keys",
            [],
        ),
        (
            "training: {class_weights: [1]}\n",
            "3: training.class_weights: got a list of 1; expected 'balanced', a mapping, or null\n",
            [],
        ),
        ("training: {class_weights: {rose: 0}}\n", "3: training.class_weights.rose: got the number 0", ["above 0"]),
        # The search.
        (
            "tuning: {search: {space: {}}}\n",
            "3: tuning.search.space: got an empty mapping; expected a mapping with at least one key\n",
            [],
        ),
        (
            "tuning: {search: {space: {model.dropout: [null]}}}\n",
            "3: tuning.search.space.model.dropout[0]: got null; expected true or false, a whole number, a number, or a",
            [],
        ),
        (
            "tuning: {search: {space: {model.dropout: 0.5}}}\n",
            "3: tuning.search.space.model.dropout: got the number 0.5; expected a list, each item true or false",
            [", or a mapping with keys from max, min,", "; write [0.5]"],
        ),
        (
            "tuning: {search: {space: {model.l2: {min: 0, max: 1, scale: log}}}}\n",
            "3: tuning.search.space.model.l2: min 0 has no logarithm; give a min above 0, or scale: linear\n",
            [],
        ),
        # The gate.
        (
            "gate: {leakage: stop}\n",
            "3: gate.leakage: got the text 'stop'; expected one of 'fail', 'warn', 'off'",
            ["leakage: The same image in two splits."],
        ),
        ("gate: {imbalence: warn}\n", "3: gate.imbalence: unknown key; did you mean 'imbalance'?", []),
        ("gate: {min_per_class: 0}\n", "3: gate.min_per_class: got the number 0", ["a whole number of at least 1"]),
        ("gate: {max_imbalance: 0.5}\n", "3: gate.max_imbalance: got the number 0.5", ["a number of at least 1"]),
        ("gate: {max_drift: 0}\n", "3: gate.max_drift: got the number 0", ["a number above 0 and at most 1"]),
        ("max_pixels: 3\n", "3: max_pixels: unknown key; did you mean 'data.quarantine.max_pixels'?", []),
        # Rules between keys.
        (
            "evaluation:\n  thresholds:\n    accuracy: {}\n",
            "5: evaluation.thresholds.accuracy: give 'min' or 'max'",
            [],
        ),
    ],
)
def test_one_wrong_value(text: str, start: str, parts: list[str], complaints: Complaints) -> None:
    """Each error is one problem that says where, what came, what was expected, and how to mend it."""
    (problem,) = complaints(HEAD + text)
    assert f"{problem}\n".startswith(f"experiment.yaml:{start}")
    for part in parts:
        assert part in f"{problem}\n"


@pytest.mark.parametrize(
    ("data", "start"),
    [
        ("{}", "data: give exactly one of 'source' (a directory, or a manifest) and 'dataset' (an embedded data set)"),
        ("{dataset: digits, source: x}", "data: give exactly one of 'source'"),
        (
            "{dataset: digts}",
            "data.dataset: got the text 'digts'; expected one of 'digits', 'fashion_mnist', or null; did",
        ),
        ("{source: ''}", "data.source: got the text ''; expected a path, or null"),
        ("{source: 3}", "data.source: got the number 3; expected a path, or null; put it in quotes if it is meant as"),
        (
            "{source: x, labels: [a, 3]}",
            "data.labels[1]: got the number 3; expected a text of at least one character; put",
        ),
        ("{source: x, labels: [a]}", "data.labels: got a list of 1; expected a list of at least 2, each item a text"),
        ("{source: x, labels: [b, a, b]}", "data: more than one of the labels is 'b'"),
        (
            "{source: x, splits: {eval: 1.5}}",
            "data.splits.eval: got the number 1.5; expected 'auto', ",
        ),
        (
            "{source: x, splits: {eval: 0}}",
            "data.splits.eval: got the number 0; expected 'auto', ",
        ),
        ("{source: x, splits: {eval: 0.5, test: 0.5}}", "data.splits: eval and test together take 1 of the examples"),
        ("{source: x, splits: {eval: true}}", "data.splits.eval: got true; expected 'auto', "),
        ("{source: x, format: csv}", "data.format: got the text 'csv'; expected one of 'tfrecord', 'image_folder', "),
        ("{source: x, columns: {lable: y}}", "data.columns.lable: unknown key; did you mean 'label'?"),
        (
            "{source: x, spans: {window: 0}}",
            "data.spans.window: got the number 0; expected a whole number of at least 1",
        ),
        ("{source: x, spans: 3}", "data.spans: got the number 3; expected a mapping with keys from last, window"),
        (
            "{source: x, quarantine: {max_pixels: 0}}",
            "data.quarantine.max_pixels: got the number 0; expected a whole number of at least 1 and below 536870912",
        ),
        (
            "{source: x, quarantine: {max_fraction: 1.5}}",
            "data.quarantine.max_fraction: got the number 1.5; expected a number of at least 0 and at most 1",
        ),
        ("{source: x, images: y}", "data: 'images' belongs to the format 'manifest'; leave it out, or set format: man"),
        ("{source: x, format: image_folder, images: y}", "data: 'images' belongs to the format 'manifest'; an image_f"),
        (
            "{source: x, format: manifest, encoding: raw}",
            "data: the encoding 'raw' belongs to TFRecords; the format 'manifest' holds files, so leave encoding out",
        ),
        ("{dataset: digits, format: image_folder}", "data: the embedded data sets are TFRecords; leave out format: im"),
        (
            "{source: x, splits: {test: ../a}}",
            "data.splits.test: the pattern '../a' leaves the source; write it relative",
        ),
        ("{source: x, splits: {eval: a/../../b}}", "data.splits.eval: the pattern 'a/../../b' leaves the source"),
        ("{source: x, splits: {train: /a}}", "data.splits.train: the pattern '/a' leaves the source"),
        ("{source: x, splits: {train: gs://a/b}}", "data.splits.train: the pattern 'gs://a/b' leaves the source"),
    ],
)
def test_one_wrong_value_in_data(data: str, start: str, complaints: Complaints) -> None:
    """The origin, the labels and the splits of the data are checked, each with one problem."""
    (problem,) = complaints(f"name: x\ndata: {data}\n")
    assert problem.startswith(f"experiment.yaml:2: {start}")
