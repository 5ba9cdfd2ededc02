from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from pipeline.paths import Paths
from pipeline.record import NodeRecord, RunRecord
from pipeline.workspace_lock import workspace_lock
from schemas.loading import load_experiment
from tests.command_line import Outcome, in_process, in_subprocess
from tests.places import touch
from tests.programs import do_without

# What --json prints of every run, also of one that could not start.
CONTRACT = {"status", "run_id", "nodes", "pushed_version", "serving_directory", "metrics", "report"}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    """Writes an experiment and gives its path."""

    def write_experiment(text: str) -> str:
        path = tmp_path / "experiment.yaml"
        path.write_text(text)
        return str(path)

    return write_experiment


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A directory on a read-only file system where mounting is allowed; else one without the right to write."""
    directory = tmp_path / "read-only"
    directory.mkdir()
    if os.geteuid() != 0:
        directory.chmod(0o555)
        yield directory
        directory.chmod(0o755)
        return
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(directory)], check=False)
    if mounted.returncode != 0:
        do_without("root may write everywhere here, and may not mount")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def assert_refused(outcome: Outcome, exit_status: int, *expected: str) -> None:
    """The command ended at once, with lines on standard error alone that start so, and no stack trace."""
    assert outcome.exit_status == exit_status
    assert outcome.output == ""
    assert not outcome.shows_a_trace
    lines = outcome.errors.splitlines()
    for start in expected:
        assert any(line.startswith(start) for line in lines), outcome.errors


def test_help_names_every_command() -> None:
    """--help lists the commands; each command's own help names its arguments, none cut short."""
    outcome = in_process("--help")
    assert outcome.exit_status == 0
    assert "..." not in outcome.output.replace("[ARGS]...", "")
    for command in ("run", "validate", "status", "predict", "rollback", "gc"):
        assert f"\n  {command} " in outcome.output
        of_command = in_process(command, "-h")
        assert of_command.exit_status == 0
        assert "EXPERIMENT" in of_command.output
        assert "--set K=V" in of_command.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["predict", "digits"],
        ["frobnicate"],
        ["run", "digits", "--worksp", "x"],
        ["rollback", "digits", "--to", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    """A missing argument, an unknown command, an unknown option: exit status 2 and how it is meant."""
    outcome = in_process(*arguments)
    assert outcome.exit_status == 2
    assert outcome.errors.startswith("Usage: local_runner.py")
    assert outcome.output == ""


@pytest.mark.parametrize("command", [["run"], ["validate"], ["status"], ["predict"], ["rollback"]], ids=" ".join)
def test_every_command_refuses_a_wrong_experiment(
    command: list[str], write: Callable[[str], str], tmp_path: Path
) -> None:
    """Exit status 2, every error at once with its place in the file, and nothing is made."""
    experiment = write("extends: digits\ntrainin: {epochs: 1}\nmodel: {dropout: much}\n")
    images = ["x.png"] if command == ["predict"] else []
    outcome = in_process(*command, experiment, *images, "--workspace", str(tmp_path / "workspace"))
    assert_refused(
        outcome,
        2,
        f"{experiment}:2: trainin: unknown key; did you mean 'training'?",
        f"{experiment}:3: model.dropout: got the text 'much'; expected a number",
    )
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize("reason", ["", "  "])
def test_data_is_not_accepted_without_a_reason(reason: str, tmp_path: Path) -> None:
    """--accept-data wants words: exit status 2 before anything runs, and the option is named."""
    outcome = in_process("run", "digits", "--workspace", str(tmp_path / "workspace"), "--accept-data", reason)
    assert outcome.exit_status == 2
    assert outcome.output == ""
    assert "--accept-data: give the reason why this data is good enough" in outcome.errors
    assert not (tmp_path / "workspace").exists()


def test_an_unknown_name_lists_the_known() -> None:
    """A misspelt experiment is answered with the nearest name and all names."""
    assert_refused(in_process("run", "digts"), 2, "no experiment is named 'digts'; did you mean 'digits'?")


def test_a_missing_data_path_is_2(write: Callable[[str], str], tmp_path: Path) -> None:
    """A source that is not there is refused before anything runs."""
    experiment = write("name: flowers\ndata: {source: flowers}\n")
    outcome = in_process("run", experiment, "--workspace", str(tmp_path / "workspace"))
    assert_refused(outcome, 2, f"{experiment}:2: data.source: no such directory: {tmp_path / 'flowers'}")
    assert not (tmp_path / "workspace").exists()


def test_a_schema_file_that_is_none_is_2(write: Callable[[str], str], tmp_path: Path) -> None:
    """A file that is no TFDV schema is refused before anything runs."""
    (tmp_path / "my.pbtxt").write_text("feature { name: 'x' ")
    experiment = write("extends: digits\nschema: {file: ./my.pbtxt}\n")
    outcome = in_process("run", experiment, "--workspace", str(tmp_path / "workspace"))
    assert_refused(outcome, 2, f"{experiment}:2: schema.file: {tmp_path / 'my.pbtxt'} is no TFDV schema")


@pytest.mark.parametrize("command", ["run", "status"])
def test_json_of_a_wrong_experiment(command: str) -> None:
    """--json gives a program the errors too, in an object with the keys of a run."""
    outcome = in_process(command, "digits", "--set", "training.epochs=many", "--json")
    assert outcome.exit_status == 2
    assert CONTRACT | {"errors"} == set(outcome.json)
    assert outcome.json["status"] == "invalid"
    [error] = outcome.json["errors"]
    assert error.startswith("--set training.epochs=many: training.epochs: got the text 'many'")
    assert error in outcome.errors


def test_a_workspace_below_a_file_is_1(tmp_path: Path) -> None:
    """A workspace that cannot be made is refused with its reason and the mend, plain and in JSON."""
    (tmp_path / "file").touch()
    workspace = str(tmp_path / "file" / "workspace")
    refusal = f"the workspace {workspace} cannot be written to: Not a directory"
    assert_refused(in_process("run", "digits", "--workspace", workspace), 1, refusal)
    outcome = in_process("run", "digits", "--workspace", workspace, "--json")
    assert outcome.exit_status == 1
    assert CONTRACT | {"errors"} == set(outcome.json)
    assert outcome.json["status"] == "failed"
    assert outcome.json["errors"][0].startswith(refusal)


def test_a_read_only_workspace_is_1(unwritable: Path) -> None:
    """A workspace on a read-only place is refused with its reason and the mend."""
    outcome = in_process("run", "digits", "--workspace", str(unwritable))
    assert_refused(outcome, 1, f"the workspace {unwritable} cannot be written to: ")
    assert "give another one with --workspace DIR" in outcome.errors
    assert list(unwritable.iterdir()) == []


def test_validate_says_what_is_valid() -> None:
    """A right experiment is confirmed in one line with its name and digest."""
    outcome = in_subprocess("validate", "digits", "--set", "training.epochs=3")
    digest = load_experiment("digits", ["training.epochs=3"]).digest()
    assert (outcome.exit_status, outcome.errors) == (0, "")
    assert outcome.output == f"digits: valid (digits, digest {digest[:12]})\n"


def test_validate_shows_every_default(write: Callable[[str], str]) -> None:
    """--show prints the whole experiment, as YAML that loads as the same experiment."""
    outcome = in_process("validate", "digits", "--show", "--set", "training.epochs=3")
    assert yaml.safe_load(outcome.output)["training"]["epochs"] == 3
    assert load_experiment(write(outcome.output)) == load_experiment("digits", ["training.epochs=3"])


def test_status_before_any_run(tmp_path: Path) -> None:
    """An experiment that has not run is no error, plain and in JSON; and nothing is made."""
    plain = in_process("status", "digits", "--workspace", str(tmp_path / "w"))
    assert (plain.exit_status, plain.errors) == (0, "")
    assert plain.output == f"digits has not run yet in {tmp_path / 'w' / 'digits'}\n"
    outcome = in_process("status", "digits", "--workspace", str(tmp_path / "w"), "--json")
    assert outcome.exit_status == 0
    serving = str(tmp_path / "w" / "digits" / "serving")
    nobody = {"is_alive": False, "process": None, "next_time": None, "under_way": None, "last": None}
    nothing: dict[str, object] = {"runs": [], "versions": [], "live": None, "rolled_back": [], "champion": None}
    assert outcome.json == {**nothing, "serving_directory": serving, "scheduler": nobody}
    assert not (tmp_path / "w").exists()


def test_status_of_a_run_whose_process_died(tmp_path: Path) -> None:
    """It is told as what it is before the next run notes it; one whose process has the workspace is under way."""
    paths = Paths(tmp_path, "digits")
    nodes = {"Trainer": NodeRecord("running", 0.0)}
    RunRecord("20260102T030405-0000", "digits", "", "", nodes=nodes, status="running").write(paths.runs)
    dead = in_process("status", "digits", "--workspace", str(tmp_path))
    assert "Trainer: cut off, for its process died" in dead.output
    assert "running" not in dead.output
    with workspace_lock(paths, "run digits"):
        alive = in_process("status", "digits", "--workspace", str(tmp_path), "--json")
    assert alive.json["runs"][0]["status"] == "running"


def test_status_needs_no_data(write: Callable[[str], str], tmp_path: Path) -> None:
    """Runs can be looked at after their data has gone."""
    experiment = write("name: flowers\ndata: {source: gone}\n")
    outcome = in_process("status", experiment, "--workspace", str(tmp_path / "w"))
    assert outcome.exit_status == 0
    assert outcome.output.startswith("flowers has not run yet")


def test_predict_before_any_push(tmp_path: Path) -> None:
    """Without a version there is nothing to predict with: exit status 1, and what to do."""
    image = tmp_path / "image.png"
    image.touch()
    serving = tmp_path / "w" / "digits" / "serving"
    refusal = f"no model has been pushed to {serving} yet; run the experiment first"
    workspace = ("--workspace", str(tmp_path / "w"))
    assert_refused(in_process("predict", "digits", str(image), *workspace), 1, refusal)
    outcome = in_process("predict", "digits", str(image), *workspace, "--json")
    assert outcome.exit_status == 1
    assert json.loads(outcome.output) == {"version": None, "predictions": [], "errors": [refusal]}


def test_predict_of_a_missing_image_in_json(tmp_path: Path) -> None:
    """A missing image is named in JSON too: exit status 2."""
    outcome = in_process("predict", "digits", str(tmp_path / "none.png"), "--json")
    assert outcome.exit_status == 2
    assert outcome.json == {"version": None, "predictions": [], "errors": [f"{tmp_path / 'none.png'}: no such file"]}


def test_rollback_and_its_exit_statuses(tmp_path: Path) -> None:
    """0 where another version is live, 1 where there is none to go back to, 2 for one that is not there."""
    serving = tmp_path / "w" / "digits" / "serving"
    workspace = ("--workspace", str(tmp_path / "w"))
    assert_refused(in_process("rollback", "digits", *workspace), 1, f"no model has been pushed to {serving} yet")
    assert not (tmp_path / "w").exists()
    for version in (1, 2, 3):
        touch(serving / str(version), "saved_model.pb")
    back = in_process("rollback", "digits", *workspace, "--reason", "dark")
    assert (back.exit_status, back.errors) == (0, "")
    assert back.output == f"{serving / '2'} is live, was 3, 3 withdrawn\n"
    assert_refused(in_process("rollback", "digits", *workspace, "--to", "7"), 2, f"{serving} has no version 7;")
    forth = in_process("rollback", "digits", *workspace, "--to", "3", "--json")
    assert (forth.exit_status, forth.json["status"], forth.json["live"]) == (0, "rolled_back", 3)
    refused = in_process("rollback", "digits", *workspace, "--to", "7", "--json")
    assert (refused.exit_status, refused.json["status"], refused.json["live"]) == (2, "invalid", None)


def test_an_object_store_that_does_not_answer_is_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that look at versions in a bucket say that it cannot be reached, without a stack trace."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    image = tmp_path / "image.png"
    image.touch()
    bucket = ("digits", "--workspace", str(tmp_path / "w"), "--set", "push.directory=s3://bucket/digits")
    for command in (["rollback", *bucket], ["status", *bucket, "--json"], ["predict", *bucket, str(image)]):
        outcome = in_process(*command)
        assert outcome.exit_status == 1
        assert not outcome.shows_a_trace
        assert outcome.errors.startswith("s3://bucket/digits cannot be used: ")
