from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow as tf

from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import Outcome, in_process, in_subprocess

pytestmark = pytest.mark.long

NODES = [
    "ImageExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "Canary",
    "Pusher",
    "RunReport",
]
CACHED = dict.fromkeys(NODES, "cached")

# A model server knows no more than this: the directory, the signatures' names, a file's bytes.
SERVE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
contents = [open(path, "rb").read() for path in sys.argv[2:]]
outputs = model.signatures["serving_default"](image_bytes=tf.constant(contents))
print(json.dumps({
    "signatures": sorted(model.signatures),
    "labels": [label.decode() for label in outputs["label"].numpy()],
    "ours": sorted({"components", "pipeline", "schemas", "tfx", "tensorflow_transform"} & set(sys.modules)),
}))
"""


class Pushed(NamedTuple):
    """The first run of digits, and where it left its results."""

    outcome: Outcome
    root: Path

    @property
    def workspace(self) -> tuple[str, str]:
        return "--workspace", str(self.root.parent)

    def versions(self) -> set[str]:
        return {path.name for path in (self.root / "serving").glob("[0-9]*")}


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Pushed:
    """`run digits --json` as it stands, in a workspace of its own."""
    workspace = tmp_path_factory.mktemp("workspace")
    return Pushed(in_subprocess("run", "digits", "--workspace", str(workspace), "--json"), workspace / "digits")


@pytest.fixture(scope="module")
def images(digits_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """PNG files of digits, each with its class."""
    directory = tmp_path_factory.mktemp("images")
    records = tf.data.TFRecordDataset(str(digits_directory / "digits-00003-of-00004.tfrecord")).take(40)
    labeled = {}
    for number, record in enumerate(records.as_numpy_iterator()):
        feature = tf.train.Example.FromString(record).features.feature
        path = directory / f"{number:02}.png"
        path.write_bytes(feature["image/encoded"].bytes_list.value[0])
        labeled[path] = str(feature["image/class/label"].int64_list.value[0])
    return labeled


def test_the_first_run_pushes_a_good_model(pushed: Pushed) -> None:
    """Exit status 0, one version, every node executed, and at least 0.97 of the test images labelled right."""
    assert pushed.outcome.exit_status == 0, pushed.outcome.errors
    result = pushed.outcome.json
    assert result["status"] == "pushed"
    assert pushed.outcome.states == dict.fromkeys(NODES, "executed")
    assert result["metrics"]["accuracy"] >= 0.97
    assert pushed.versions() == {str(result["pushed_version"])}
    assert (pushed.root / "serving" / str(result["pushed_version"]) / "saved_model.pb").is_file()
    assert_nothing_is_left_half_done(pushed.root)


def test_json_is_all_of_standard_output_and_progress_all_of_the_other(pushed: Pushed) -> None:
    """With --json, one object with the contract's keys is the whole output; a line per node goes to standard error."""
    result = pushed.outcome.json
    assert pushed.outcome.output.count("\n") == 1
    assert result["serving_directory"] == str(pushed.root / "serving")
    assert result["report"] == str(pushed.root / "reports" / f"{result['run_id']}.html")
    assert Path(result["report"]).is_file()
    assert pushed.root.joinpath("runs", result["run_id"], "record.json").is_file()
    assert list(result["nodes"]) == NODES
    seconds = [node["seconds"] for node in result["nodes"].values()]
    assert min(seconds) > 0
    assert sum(seconds) < result["seconds"] + 0.1
    assert [line.split()[:2] for line in pushed.outcome.errors.splitlines()] == [
        ["loading", "done"],
        *([node, "executed"] for node in NODES),
    ]


def test_the_servable_needs_nothing_but_tensorflow(pushed: Pushed, images: dict[Path, str], tmp_path: Path) -> None:
    """A process elsewhere, without our code, loads the version and labels the bytes of PNG files."""
    version = pushed.root / "serving" / str(pushed.outcome.json["pushed_version"])
    result = subprocess.run(
        [sys.executable, "-I", "-c", SERVE, str(version), *map(str, images)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    served = json.loads(result.stdout.splitlines()[-1])
    assert served["signatures"] == ["serving_default", "serving_examples"]
    assert served["ours"] == []
    num_right = sum(got == expected for got, expected in zip(served["labels"], images.values(), strict=True))
    assert num_right >= 0.95 * len(images)


def test_both_signatures_give_the_contract_s_outputs(pushed: Pushed, images: dict[Path, str]) -> None:
    """From files' bytes and from serialized examples come the same outputs, ranked, with the declared types."""
    model = tf.saved_model.load(str(pushed.root / "serving" / str(pushed.outcome.json["pushed_version"])))
    contents = [path.read_bytes() for path in images]
    shard = next((pushed.root / "artifacts" / "ImageExampleGen" / "examples").glob("*/Split-test/*"))
    examples = list(tf.data.TFRecordDataset(str(shard)).take(8).as_numpy_iterator())
    outputs = model.signatures["serving_default"](image_bytes=tf.constant(contents))
    of_examples = model.signatures["serving_examples"](examples=tf.constant(examples))
    num_images, num_classes = len(images), 10
    declared = {
        "class_id": (tf.int64, [num_images]),
        "label": (tf.string, [num_images]),
        "probabilities": (tf.float32, [num_images, num_classes]),
        "top_labels": (tf.string, [num_images, 5]),
        "top_probabilities": (tf.float32, [num_images, 5]),
    }
    assert {name: (value.dtype, value.shape.as_list()) for name, value in outputs.items()} == declared
    assert {name: value.dtype for name, value in of_examples.items()} == {
        name: dtype for name, (dtype, _) in declared.items()
    }
    top = outputs["top_probabilities"].numpy()
    assert (top[:, :-1] >= top[:, 1:]).all()
    assert (outputs["top_labels"].numpy()[:, 0] == outputs["label"].numpy()).all()
    stored = [tf.train.Example.FromString(example).features.feature["image/encoded"] for example in examples]
    of_files = model.signatures["serving_default"](
        image_bytes=tf.constant([feature.bytes_list.value[0] for feature in stored])
    )
    tf.debugging.assert_near(of_files["probabilities"], of_examples["probabilities"], atol=1e-5)


def test_a_second_run_has_nothing_to_do(pushed: Pushed) -> None:
    """Another process finds every node in the cache, pushes no version, and says where the model is."""
    before = pushed.versions()
    outcome = in_subprocess("run", "digits", *pushed.workspace)
    assert outcome.exit_status == 0, outcome.errors
    assert [line.split()[:2] for line in outcome.errors.splitlines()][1:] == [[*item] for item in CACHED.items()]
    assert pushed.versions() == before
    first, metrics, report, following = outcome.output.splitlines()
    assert first == f"nothing new to do; {pushed.root / 'serving' / max(before)} stays"
    assert metrics.startswith("accuracy ")
    assert report.startswith(f"report: {pushed.root / 'reports'}/")
    assert following.startswith("next: ")
    assert " predict " in following


def test_a_changed_threshold_judges_anew_without_training(pushed: Pushed) -> None:
    """Only the Evaluator and the Pusher run where nothing but a threshold has changed; the model is live already."""
    before = pushed.versions()
    outcome = in_process(
        "run", "digits", *pushed.workspace, "--set", "evaluation.thresholds.accuracy.min=0.9", "--json"
    )
    assert outcome.exit_status == 0, outcome.errors
    executed = {node for node, state in outcome.states.items() if state == "executed"}
    assert executed == {"Evaluator", "Pusher", "RunReport"}
    assert (outcome.json["status"], pushed.versions()) == ("unchanged", before)


def test_an_impossible_threshold_keeps_the_model_back(pushed: Pushed) -> None:
    """Exit status 4 with metric, value and limit, nothing pushed; the same where the judgement comes from the cache."""
    before = pushed.versions()
    impossible = ("--set", "evaluation.thresholds.cross_entropy.max=0.0")
    for state in ("executed", "cached"):
        outcome = in_process("run", "digits", *pushed.workspace, *impossible, "--json")
        assert outcome.exit_status == 4
        result = outcome.json
        assert result["status"] == "not_blessed"
        assert (outcome.states["Evaluator"], outcome.states["Pusher"]) == (state, "skipped")
        value = result["metrics"]["cross_entropy"]
        assert result["message"].splitlines() == [
            "the model is not blessed and is not pushed:",
            f"cross_entropy is {value:.4f}; it must be at most 0 (evaluation.thresholds)",
        ]
        assert result["pushed_version"] is None
        assert pushed.versions() == before
    assert_nothing_is_left_half_done(pushed.root)


def test_a_worse_challenger_is_not_pushed(pushed: Pushed) -> None:
    """A model within its limits that falls behind the last blessed one is refused, with both figures."""
    before = pushed.versions()
    worse = ("training.epochs=1", "training.learning_rate=1.0e-7")
    lenient = ("evaluation.thresholds.accuracy={min: 0.0, max_drop: 0.0}", "evaluation.thresholds.cross_entropy.max=99")
    overrides = [argument for override in (*worse, *lenient) for argument in ("--set", override)]
    outcome = in_process("run", "digits", *pushed.workspace, *overrides)
    assert outcome.exit_status == 4
    assert "accuracy changed by -0." in outcome.output
    assert "against the last blessed model; it may fall by at most 0 (evaluation.thresholds)" in outcome.output
    assert "it must be" not in outcome.output
    assert pushed.versions() == before


def test_going_back_to_an_experiment_serves_its_model_again(pushed: Pushed) -> None:
    """After another model was pushed, the first experiment's is compared with it and pushed in its place, untrained."""
    other = (
        "training.epochs=2",
        "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}",
        "evaluation.thresholds.cross_entropy.max=9",
    )
    overrides = [argument for override in other for argument in ("--set", override)]
    assert in_process("run", "digits", *pushed.workspace, *overrides, "--json").json["status"] == "pushed"
    outcome = in_process("run", "digits", *pushed.workspace, "--json")
    assert outcome.json["status"] == "pushed"
    assert outcome.states == {**CACHED, **dict.fromkeys(("Evaluator", "Pusher", "RunReport"), "executed")}
    first, last = (
        pushed.root / "serving" / str(result["pushed_version"]) / "fingerprint.pb"
        for result in (pushed.outcome.json, outcome.json)
    )
    assert first.read_bytes() == last.read_bytes()


def test_predict_labels_files(pushed: Pushed) -> None:
    """`predict` says the label and its probability; a file that is no image gets its own error and exit status 1."""
    sample = pushed.outcome.json["sample"]
    label = Path(sample).stem.removeprefix("sample-")
    outcome = in_subprocess("predict", "digits", *pushed.workspace, sample)
    assert outcome.exit_status == 0, outcome.errors
    assert outcome.output.startswith(f"{sample}: {label} ")
    assert outcome.output.count("\n") == 1
    assert outcome.errors == ""


def test_predict_goes_on_after_a_file_that_is_no_image(pushed: Pushed, images: dict[Path, str], tmp_path: Path) -> None:
    """A text file gets its own error and the exit status is 1; the images around it are labelled all the same."""
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    [first, second, *_] = map(str, images)
    outcome = in_process("predict", "digits", *pushed.workspace, first, str(text), second, "--json")
    assert outcome.exit_status == 1
    assert not outcome.shows_a_trace
    result: dict[str, Any] = outcome.json
    assert result["version"] == int(max(pushed.versions()))
    assert [item["image"] for item in result["predictions"]] == [first, str(text), second]
    assert result["predictions"][1] == {
        "image": str(text),
        "error": "cannot be decoded; expected a JPEG, PNG, GIF or BMP file",
    }
    for item in (result["predictions"][0], result["predictions"][2]):
        assert item["label"] == images[Path(item["image"])] == item["top"][0][0]
        assert 0.5 < item["probability"] == item["top"][0][1] <= 1


def test_predict_names_every_missing_file(pushed: Pushed, images: dict[Path, str], tmp_path: Path) -> None:
    """Files that are not there are all named, and nothing is predicted: exit status 2."""
    absent = [str(tmp_path / name) for name in ("one.png", "two.png")]
    outcome = in_process("predict", "digits", *pushed.workspace, absent[0], str(next(iter(images))), absent[1])
    assert outcome.exit_status == 2
    assert outcome.errors.splitlines() == [f"{path}: no such file" for path in absent]
    assert outcome.output == ""


def test_status_shows_runs_nodes_and_versions(pushed: Pushed) -> None:
    """Plain: a line per run with status, version and metrics, one per node, the versions; --json: the same and more."""
    run_id, version = pushed.outcome.json["run_id"], str(pushed.outcome.json["pushed_version"])
    plain = in_subprocess("status", "digits", *pushed.workspace)
    assert plain.exit_status == 0
    [line] = [line for line in plain.output.splitlines() if line.startswith(run_id)]
    accuracy = f"{pushed.outcome.json['metrics']['accuracy']:.4f}"
    assert {"pushed", version, accuracy} <= set(line.split())
    assert set(NODES) <= {line.split()[0] for line in plain.output.splitlines() if line.strip()}
    assert plain.output.splitlines()[-1].endswith(f"{', '.join(sorted(pushed.versions()))} (live)")

    result = in_process("status", "digits", *pushed.workspace, "--json").json
    assert result["runs"][0] == pushed.outcome.json
    assert result["versions"] == sorted(map(int, pushed.versions()))
    assert result["live"] == max(result["versions"])
    assert result["serving_directory"] == str(pushed.root / "serving")
