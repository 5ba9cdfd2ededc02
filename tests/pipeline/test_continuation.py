"""Trainings that begin with what an earlier one has left, by the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from tests.command_line import ROOT, Outcome, in_process
from tests.pipeline.projects import Project, make_project, write_records
from tests.s3 import s3_server

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def records(digits_directory: Path) -> list[bytes]:
    file = str(digits_directory / "digits-00000-of-00004.tfrecord")
    return list(tf.data.TFRecordDataset(file).as_numpy_iterator())


@pytest.fixture(scope="module")
def project(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has run once."""
    project = make_project(tmp_path_factory.mktemp("project"), records[:300])
    assert project.run().exit_status == 0
    return project


def told(outcome: Outcome) -> str:
    """Where the first weights of a run were from."""
    assert outcome.exit_status == 0, outcome.output + outcome.errors
    weights: str = outcome.json["training"]["initial_weights"]
    return weights


def test_another_experiment_gives_its_base(project: Project) -> None:
    """`model.weights.experiment` is the base of that experiment's last blessed model in the same workspace."""
    (project.directory / "other.yaml").write_text(
        "extends: small.yaml\nname: other\nmodel: {weights: {experiment: small}}\n"
        "training: {transfer: {kind: similar}}\n"
    )
    outcome = _run(project, "other.yaml")
    [model] = (project.root / "artifacts" / "Trainer" / "model").iterdir()
    assert told(outcome) == f"the base of {model / 'native' / 'base.weights.h5'}"


def test_an_experiment_that_never_ran_is_named(project: Project) -> None:
    """Where it has no blessed model, what has run in the workspace is told."""
    (project.directory / "wrong.yaml").write_text(
        "extends: small.yaml\nname: wrong\nmodel: {weights: {experiment: smal}}\n"
    )
    outcome = _run(project, "wrong.yaml")
    assert outcome.exit_status != 0
    assert "smal has no blessed model" in outcome.json["message"]
    assert "did you mean 'small'?" in outcome.json["message"]
    assert not outcome.shows_a_trace


def test_a_warm_start_waits_for_other_data(records: list[bytes], tmp_path: Path) -> None:
    """The first run starts at random, one with nothing new trains nothing, new data goes on from the last model."""
    project = make_project(tmp_path, records[:200])
    first = project.run("training.warm_start=true")
    assert told(first) == "random"
    again = project.run("training.warm_start=true")
    assert again.states["Trainer"] == "cached"
    write_records(project.directory / "source" / "more.tfrecord", records[200:350])
    warm = project.run("training.warm_start=true")
    assert told(warm).startswith("all of ")
    assert project.run("training.warm_start=true").states["Trainer"] == "cached"


def test_nothing_is_built_on_what_was_rolled_back(records: list[bytes], tmp_path: Path) -> None:
    """After a rollback new data goes on from the model that is served, and is compared with it, also after gc.

    So does another experiment; a run with nothing new trains nothing.
    """
    settings = ("training.warm_start=true", "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}")
    project = make_project(tmp_path, records[:200])
    models = []
    for start in (200, 350):
        outcome = project.run(*settings)
        assert outcome.json["status"] == "pushed", outcome.output
        models += [path for path in (project.root / "artifacts/Trainer/model").iterdir() if path not in models]
        write_records(project.directory / "source" / f"{start}.tfrecord", records[start : start + 150])
    first, _ = models
    (project.directory / "source" / "350.tfrecord").rename(project.directory / "later.tfrecord")
    assert project.command("rollback", "--reason", "blurs at night").exit_status == 0
    # With another setting, or its record alone would tell.
    again = project.run(*settings, "canary.enabled=false")
    assert again.json["status"] == "unchanged", again.output
    assert again.states["Trainer"] == "cached"
    assert project.command("gc", "--keep", "1", "--delete").exit_status == 0
    (project.directory / "other.yaml").write_text(
        "extends: small.yaml\nname: other\nmodel: {weights: {experiment: small}}\n"
        "training: {transfer: {kind: similar}}\ncanary: {enabled: false}\n"
    )
    assert told(_run(project, "other.yaml")) == f"the base of {first / 'native' / 'base.weights.h5'}"
    (project.directory / "later.tfrecord").rename(project.directory / "source" / "350.tfrecord")
    outcome = project.run(*settings)
    assert outcome.json["status"] == "pushed", outcome.output
    assert told(outcome) == f"all of {first / 'native' / 'model.keras'}"
    assert outcome.json["champion"]["model"] == str(first)


def test_where_versions_are_cannot_be_read(
    records: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that cannot know what was rolled back says so, rather than to begin at random and compare with nothing."""
    settings = ("push.directory=s3://bucket/small", "training.warm_start=true", "canary.enabled=false")
    project = make_project(tmp_path, records[:200])
    with s3_server(tmp_path / "s3", monkeypatch):
        assert project.run(*settings).json["status"] == "pushed"
        write_records(project.directory / "source" / "more.tfrecord", records[200:300])
        password = os.environ["AWS_SECRET_ACCESS_KEY"]
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        refused = project.run(*settings)
        assert refused.exit_status == 1
        assert "WarmStart: s3://bucket/small cannot be used" in refused.json["message"]
        assert refused.states["Trainer"] == "skipped"
        assert not refused.shows_a_trace
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", password)
        assert told(project.run(*settings)).startswith("all of ")


def test_a_killed_run_goes_on(records: list[bytes], tmp_path: Path) -> None:
    """SIGKILL in the middle of a training costs the epoch that was under way, and no more."""
    project = make_project(tmp_path, records[:300])
    arguments = ["run", str(project.directory / "small.yaml"), "--workspace", str(project.directory / "workspace")]
    settings = ["--set", "training.epochs=12", "--set", "training.early_stopping=null"]
    process = subprocess.Popen(
        [sys.executable, "local_runner.py", *arguments, *settings],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300
        while not list((project.root / "checkpoints").glob("*/epoch-00003")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    reached = max(int(path.name[-5:]) for path in (project.root / "checkpoints").glob("*/epoch-*"))
    outcome = project.run("training.epochs=12", "training.early_stopping=null")
    assert outcome.exit_status == 0, outcome.output
    assert outcome.json["training"]["resumed_from_epoch"] == reached
    assert outcome.json["training"]["epochs"] == 12


def _run(project: Project, file: str) -> Outcome:
    workspace = ("--workspace", str(project.directory / "workspace"))
    return in_process("run", str(project.directory / file), *workspace, "--json")
