from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest

from pipeline.datasets import DATASETS
from pipeline.datasets.preparation import prepare
from schemas.data import Data

ROOT = Path(__file__).parents[3]
PREPARE = """
import sys
from pathlib import Path
from pipeline.datasets.preparation import prepare
assert prepare(sys.argv[1], Path(sys.argv[2])) == Path(sys.argv[2])
"""
HEAVY = """
print(*sorted({"tensorflow", "sklearn", "keras", "numpy", "tfx"} & set(sys.modules)))
"""


def start(name: str, directory: Path, code: str = PREPARE) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, name, str(directory)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def prepared(digits_directory: Path, tmp_path: Path) -> Path:
    """A copy of the prepared digits that a test may damage."""
    return Path(shutil.copytree(digits_directory, tmp_path / "digits"))


def test_experiments_and_the_table_name_the_same_data_sets() -> None:
    """What an experiment may ask for is what can be prepared."""
    allowed = {name for option in get_args(Data.model_fields["dataset"].annotation) for name in get_args(option)}
    assert allowed == set(DATASETS)


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    """A wrong name is refused with the names that there are, and nothing is made."""
    with pytest.raises(ValueError, match="no embedded data set 'mnist'; known: digits, fashion_mnist"):
        prepare("mnist", tmp_path / "mnist")
    assert names(tmp_path) == []


def test_the_same_bytes_every_time(digits_directory: Path, tmp_path: Path) -> None:
    """A second preparation elsewhere, below directories that do not exist yet, gives the same files to the byte."""
    directory = tmp_path / "new" / "digits"
    assert prepare("digits", directory) == directory
    assert contents(directory) == contents(digits_directory)
    assert names(tmp_path / "new") == ["digits"]


def test_a_finished_preparation_is_only_looked_at(prepared: Path) -> None:
    """The second call imports neither TensorFlow nor a data set's library, and touches no file."""
    before = {path.name: path.stat().st_mtime_ns for path in [prepared.parent, *prepared.iterdir()]}
    output, errors = start("digits", prepared, PREPARE + HEAVY).communicate()
    assert (output, errors) == ("\n", "")
    assert {path.name: path.stat().st_mtime_ns for path in [prepared.parent, *prepared.iterdir()]} == before


@pytest.mark.parametrize("damage", ["remove", "truncate", "stale"])
def test_a_damaged_preparation_is_made_anew(digits_directory: Path, prepared: Path, damage: str) -> None:
    """A file that is missing or cut off, or a format of old, does not count as complete."""
    shard = prepared / "digits-00002-of-00004.tfrecord"
    if damage == "remove":
        shard.unlink()
    elif damage == "truncate":
        os.truncate(shard, 1000)
    else:
        manifest = prepared / ".dataset.json"
        manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 0'))
    prepare("digits", prepared)
    assert contents(prepared) == contents(digits_directory)
    assert names(prepared.parent) == ["digits"]


def test_an_empty_directory_may_be_given(digits_directory: Path, tmp_path: Path) -> None:
    """A directory that exists and is empty is used, also through a symbolic link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert prepare("digits", tmp_path / "link") == tmp_path / "link"
    assert contents(tmp_path / "real") == contents(digits_directory)


@pytest.mark.parametrize(
    "manifest", [None, "not JSON", "[1]", '{"dataset": "fashion_mnist", "version": 1, "files": {}}']
)
def test_other_files_are_never_touched(tmp_path: Path, manifest: str | None) -> None:
    """A directory with anything else in it is refused by name, and stays as it was."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train-00000-of-00001.tfrecord").write_bytes(b"mine")
    if manifest is not None:
        (tmp_path / "mine" / ".dataset.json").write_text(manifest)
    before = contents(tmp_path / "mine")
    with pytest.raises(
        FileExistsError, match=r"cannot be prepared over .*; choose another directory or clear this one"
    ):
        prepare("digits", tmp_path / "mine")
    assert contents(tmp_path / "mine") == before
    assert names(tmp_path) == ["mine"]


def test_a_file_in_a_damaged_preparation_is_never_touched(prepared: Path) -> None:
    """What somebody put beside the shards keeps them from being replaced."""
    (prepared / "digits-00002-of-00004.tfrecord").unlink()
    (prepared / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"cannot be prepared over 'notes.txt'"):
        prepare("digits", prepared)
    assert (prepared / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    """The system's own error reaches the caller, with the path."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError, match=str(tmp_path / "file")):
        prepare("digits", tmp_path / "file" / "digits")


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """When a write fails in the middle, neither a directory nor a temporary one stays."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match=f"File too large: '{tmp_path}/.*.tfrecord'"):
            prepare("digits", tmp_path / "digits")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names(tmp_path) == []


def test_two_processes_at_once_do_it_once(digits_directory: Path, tmp_path: Path) -> None:
    """Both end well, but only one of them does the work, and the files are as ever."""
    processes = [start("digits", tmp_path / "digits", PREPARE + HEAVY) for _ in range(2)]
    imported = sorted(process.communicate()[0].split() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert (imported[0], "tensorflow" in imported[1]) == ([], True)
    assert contents(tmp_path / "digits") == contents(digits_directory)
    assert names(tmp_path) == ["digits"]


@pytest.mark.usefixtures("fashion_mnist_directory")
def test_a_killed_preparation_does_not_count(digits_directory: Path, tmp_path: Path) -> None:
    """Killed in the middle, it leaves no data set, and the next preparation there removes what it left."""
    directory, partial = tmp_path / "images", tmp_path / ".images.partial"
    process = start("fashion_mnist", directory)
    while process.poll() is None and not list(partial.glob("*-00001-*")):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert names(tmp_path) == [".images.lock", ".images.partial"]
    prepare("digits", directory)
    assert contents(directory) == contents(digits_directory)
    assert names(tmp_path) == ["images"]
