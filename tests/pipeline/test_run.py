from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from tests.bookkeeping import assert_nothing_is_left_half_done
from tests.command_line import Outcome, in_process
from tests.pipeline.interruptions import interrupted_at, interrupted_run
from tests.pipeline.projects import EXPERIMENT, Project, make_project, with_broken, write_records
from tests.places import touch

pytestmark = pytest.mark.long

DATA_NODES = ["ImageExampleGen", "ImportSchemaGen", "StatisticsGen", "DataGate", "Transform"]
UNDECODABLE = ("image/encoded", b"\x89PNG\r\n\x1a\nand no more")


def not_a_tfrecord(project: Project, records: list[bytes]) -> None:
    (project.directory / "source" / "notes.txt").write_text("These are no images.\n" * 9)


def nothing_but_text(project: Project, records: list[bytes]) -> None:
    not_a_tfrecord(project, records)
    (project.directory / "source" / "digits.tfrecord").unlink()


def truncated(project: Project, records: list[bytes]) -> None:
    path = project.directory / "source" / "digits.tfrecord"
    os.truncate(path, path.stat().st_size - 100)


def undecodable(project: Project, records: list[bytes]) -> None:
    write_records(project.directory / "source" / "digits.tfrecord", with_broken(records, *UNDECODABLE))


def label_out_of_range(project: Project, records: list[bytes]) -> None:
    write_records(project.directory / "source" / "digits.tfrecord", with_broken(records, "image/class/label", 10))


def empty_split(project: Project, records: list[bytes]) -> None:
    write_records(project.directory / "source" / "test.tfrecord", [])
    experiment = EXPERIMENT.replace("source: source", "source: source, splits: {test: test.tfrecord}")
    (project.directory / "small.yaml").write_text(experiment)


def other_schema(project: Project, records: list[bytes]) -> None:
    (project.directory / "small.yaml").write_text(EXPERIMENT + "schema: {file: fashion_mnist}\n")


# What is done to the data, the node that finds it, and what it says.
DAMAGES = [
    (not_a_tfrecord, "DataGate", r"  notes\.txt, record 0: image/encoded: not_a_tfrecord: "),
    (nothing_but_text, "ImageExampleGen", r"  notes\.txt, record 0: image/encoded: not_a_tfrecord: "),
    (truncated, "DataGate", r"  digits\.tfrecord, record 449: image/encoded: truncated_file: "),
    (undecodable, "DataGate", r"  digits\.tfrecord, record 7: image/encoded: undecodable: .*PNG"),
    (
        label_out_of_range,
        "DataGate",
        r"  digits\.tfrecord, record 7: image/class/label: unknown_label: class 10 is not among the 10 classes",
    ),
    (empty_split, "ImageExampleGen", r"ImageExampleGen: no usable example in the split test \(.*test 0\)"),
    (other_schema, "DataGate", r"anomalies: split test: image/height: .*: 8"),
]


@pytest.mark.parametrize(("damage", "node", "reason"), DAMAGES, ids=[damage.__name__ for damage, _, _ in DAMAGES])
def test_bad_data_stops_the_run(
    damage: Callable[[Project, list[bytes]], None], node: str, reason: str, records: list[bytes], tmp_path: Path
) -> None:
    """Exit status 3 before any training, with the place and the reason; no trace, no version, nothing half-written."""
    project = make_project(tmp_path, records)
    damage(project, records)
    outcome = project.run()
    assert outcome.exit_status == 3
    assert outcome.json["status"] == "stopped_by_gate"
    assert re.search(f"^{reason}", outcome.json["message"], flags=re.MULTILINE), outcome.json["message"]
    assert not outcome.shows_a_trace
    assert outcome.states[node] == ("failed" if node == "ImageExampleGen" else "executed")
    assert {outcome.states[name] for name in ("Transform", "Trainer", "Evaluator", "Pusher")} == {"skipped"}
    assert project.versions() == []
    assert_nothing_is_left_half_done(project.root)
    # Only a node that failed has a log worth reading.
    assert (outcome.json["log"] is not None) == (outcome.states[node] == "failed")


def test_serving_statistics_that_are_none_stop_the_run(records: list[bytes], tmp_path: Path) -> None:
    """A file that holds something else is told in plain words with its key and path, as exit status 3."""
    project = make_project(tmp_path, records)
    (tmp_path / "served.pbtxt").write_text("no statistics")
    (tmp_path / "small.yaml").write_text(EXPERIMENT + "gate: {serving_statistics: served.pbtxt}\n")
    outcome = project.run()
    assert outcome.exit_status == 3
    assert not outcome.shows_a_trace
    refusal = f"DataGate: gate.serving_statistics: {tmp_path / 'served.pbtxt'} holds no TFDV statistics ("
    assert outcome.json["message"].startswith(refusal)
    assert outcome.states["Transform"] == "skipped"


@pytest.fixture(scope="module")
def project(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One of 450 images cannot be decoded; the runs of the fixtures below follow each other in its workspace."""
    project = make_project(tmp_path_factory.mktemp("project"), records)
    undecodable(project, records)
    return project


@pytest.fixture(scope="module")
def refused(project: Project) -> Outcome:
    """Stopped by the gate, for no unusable example is allowed."""
    return project.run()


@pytest.fixture(scope="module")
def interrupted(project: Project, refused: Outcome) -> Outcome:
    """Ctrl-C in the middle of the training, in a process of its own: TensorFlow does not get over it everywhere."""
    overrides = ("data.quarantine.max_fraction=0.01", "training.epochs=9999", "training.early_stopping=null")
    return interrupted_run(project, r"epoch 2/", "Trainer.log", *overrides)


@pytest.fixture(scope="module")
def good(project: Project, interrupted: Outcome) -> Outcome:
    """From the data to the push, after what went wrong before."""
    return project.run("data.quarantine.max_fraction=0.01")


def test_an_interrupted_run_ends_in_order(project: Project, interrupted: Outcome) -> None:
    """Ctrl-C is told in a sentence, as exit status 1; nothing half-written stays and no execution goes on."""
    assert interrupted.exit_status == 1
    assert not interrupted.shows_a_trace
    assert interrupted.json["status"] == "failed"
    assert (
        interrupted.json["message"]
        == "Trainer: interrupted; run again: finished stages are kept, this one goes on where it was"
    )
    ends = [interrupted.states[node] for node in ("Transform", "Trainer", "Evaluator", "Pusher")]
    assert ends == ["executed", "failed", "skipped", "skipped"]
    assert_nothing_is_left_half_done(project.root)


def test_an_interruption_before_the_first_node(refused: Outcome, tmp_path: Path) -> None:
    """Ctrl-C while the run waits for its data set to be prepared is told in the same way."""
    lock = tmp_path / "_datasets" / ".digits.lock"
    lock.parent.mkdir()
    with lock.open("ab") as file, interrupted_at("", "loading.log", tmp_path / "digits" / "runs", os.getpid()):
        fcntl.flock(file, fcntl.LOCK_EX)
        outcome = in_process("run", "digits", "--workspace", str(tmp_path), "--json")
    assert outcome.exit_status == 1
    assert not outcome.shows_a_trace
    assert (outcome.json["status"], outcome.states) == ("failed", {"RunReport": "executed"})
    assert outcome.json["message"] == "loading: interrupted; run again: finished stages are kept, this one starts anew"


def test_a_data_set_that_cannot_be_prepared_is_1(tmp_path: Path) -> None:
    """What lies in the data set's place is kept, and named."""
    own = tmp_path / "_datasets" / "digits" / "own.txt"
    own.parent.mkdir(parents=True)
    own.touch()
    outcome = in_process("run", "digits", "--workspace", str(tmp_path))
    assert outcome.exit_status == 1
    assert not outcome.shows_a_trace
    message, log, report = outcome.output.splitlines()
    assert message.startswith("loading: the data set digits cannot be prepared over 'own.txt'")
    assert "FileExistsError" in Path(log.removeprefix("log: ")).read_text()
    assert Path(report.removeprefix("report: ")).is_file()
    assert own.exists()


def test_a_good_run_follows_bad_ones(project: Project, refused: Outcome, good: Outcome) -> None:
    """After a refused and an interrupted run, the same workspace yields a pushed model from what was done already."""
    assert refused.exit_status == 3
    assert good.exit_status == 0, good.errors
    assert good.json["status"] == "pushed"
    assert good.states == {
        **dict.fromkeys(DATA_NODES, "cached"),
        "Trainer": "executed",
        "Evaluator": "executed",
        "Canary": "executed",
        "Pusher": "executed",
        "RunReport": "executed",
    }
    assert_nothing_is_left_half_done(project.root)


def test_unusable_examples_within_the_limit_are_told(good: Outcome) -> None:
    """A run that may go on without some examples says which, as a warning."""
    [warning] = good.json["warnings"]
    assert warning.startswith("quarantine: 1 of 450 examples cannot be used")
    assert "digits.tfrecord, record 7: " in warning
    assert good.json["message"] is None


def test_what_is_refused_is_kept(project: Project, records: list[bytes], refused: Outcome, good: Outcome) -> None:
    """The record itself and a line about it lie in the workspace, and the message and the warning name them."""
    [lines, originals] = sorted((project.root / "quarantine").iterdir())
    for told in (refused.json["message"], *good.json["warnings"]):
        assert f"all of them: {lines}, the originals in {originals}" in told
    [line] = map(json.loads, lines.read_text().splitlines())
    assert (line["source"], line["index"], line["reason"]) == ("digits.tfrecord", 7, "undecodable")
    [original] = tf.data.TFRecordDataset(str(originals)).as_numpy_iterator()
    assert original == with_broken(records, *UNDECODABLE)[7]


def test_metrics_and_a_sample_are_recorded(good: Outcome) -> None:
    """A run that evaluated has its metrics, and an image of the evaluated split named after its class."""
    assert {"accuracy", "cross_entropy", "macro_f1", "calibration_error"} < set(good.json["metrics"])
    assert 0 <= good.json["metrics"]["accuracy"] <= 1
    sample = Path(good.json["sample"])
    assert re.fullmatch(r"sample-\d\.png", sample.name)
    assert sample.read_bytes().startswith(b"\x89PNG")


def test_the_training_is_recorded(project: Project, good: Outcome) -> None:
    """How long it was and how good, and what its curves show: for a program, and for `status`."""
    training = good.json["training"]
    assert (training["epochs"], training["best_epoch"], training["stopped_by"]) == (1, 1, "epochs")
    assert training["seconds"] > 0
    assert 0 <= training["best"]["val_accuracy"] <= 1
    # One epoch tells nothing.
    assert good.json["diagnostics"] == []
    assert good.json["tuning"] is None
    runs = json.loads(project.command("status", "--json").output)["runs"]
    assert runs[-1]["training"] == training
    assert "training: 1 epochs in" in project.command("status").output


def test_a_lost_version_is_pushed_again(project: Project, good: Outcome) -> None:
    """Where the version directories are gone, the model is pushed anew though the cache remembers a push."""
    shutil.rmtree(project.root / "serving")
    outcome = project.run("data.quarantine.max_fraction=0.01")
    assert (outcome.exit_status, outcome.json["status"]) == (0, "pushed")
    assert outcome.states == {**dict.fromkeys(good.states, "cached"), "Pusher": "executed", "RunReport": "executed"}
    assert project.versions() == [str(outcome.json["pushed_version"])]


def test_what_was_rolled_back_is_not_pushed_again(project: Project, good: Outcome) -> None:
    """After a rollback a run with nothing new leaves it at that and says why; not once it is undone."""
    [version] = project.versions()
    touch(project.root / "serving" / "1", "saved_model.pb")
    assert project.command("rollback", "--reason", "blurs at night").exit_status == 0
    outcome = project.run("data.quarantine.max_fraction=0.01")
    assert (outcome.exit_status, outcome.json["status"], project.versions()) == (0, "unchanged", ["1"])
    assert outcome.json["message"].startswith(f"this model is version {version}, which was rolled back on 2")
    assert "blurs at night" in outcome.json["message"]
    assert project.command("rollback", "--to", version).exit_status == 0
    outcome = project.run("data.quarantine.max_fraction=0.01")
    assert (outcome.json["status"], outcome.json["message"]) == ("unchanged", None)
    assert project.versions() == ["1", version]


def test_a_loss_that_is_no_number_is_1(project: Project, good: Outcome) -> None:
    """A diverging training fails with the epoch and the mend; the version that is served stays alone."""
    before = project.versions()
    diverging = ("training.optimizer=sgd", "training.learning_rate=1.0e+38", "training.epochs=2")
    outcome = project.run("data.quarantine.max_fraction=0.01", *diverging)
    assert outcome.exit_status == 1
    assert not outcome.shows_a_trace
    message = outcome.json["message"]
    assert re.match(r"Trainer: the (val_)?loss became (nan|inf) in epoch \d; lower training\.learning_rate", message)
    assert outcome.json["log"] is not None
    assert "TrainingError" in Path(outcome.json["log"]).read_text()
    assert project.versions() == before
    assert_nothing_is_left_half_done(project.root)


def test_every_run_has_its_own_record_and_logs(project: Project, good: Outcome) -> None:
    """Each run's directory holds its record and a log per node, with what the libraries said."""
    directory = project.root / "runs" / good.json["run_id"]
    names = {path.name for path in directory.iterdir()}
    assert {"record.json", "loading.log", "Trainer.log", "RunReport.log"} <= names
    assert re.search(r"INFO darkroom\.progress: epoch 1/1, loss .*val_loss", (directory / "Trainer.log").read_text())


def test_good_data_needs_no_acceptance(project: Project, good: Outcome) -> None:
    """A reason given for data that passes is not kept, for nothing was accepted."""
    outcome = project.run("data.quarantine.max_fraction=0.01", accept="just in case")
    assert outcome.exit_status == 0
    assert outcome.json["accepted"] is None
