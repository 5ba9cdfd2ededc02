from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubeflow.node import main
from pipeline.record import RunRecord, read_record

TEXT = json.dumps({"name": "small", "data": {"dataset": "digits"}})


def work(tmp_path: Path, *options: str, text: str = TEXT) -> Result:
    arguments = ["--experiment", text, "--root", str(tmp_path), "--run-id", "run-1", "--nodes", "Trainer", *options]
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ("options", "last_line"),
    [
        (
            ["--settings", "training.epochs=3"],
            "invalid: settings: got 'training.epochs=3'; expected a JSON list of texts",
        ),
        (["--settings", '["training.epohcs=3"]'], "invalid: --set training.epohcs=3: training.epohcs: unknown key"),
        (["--last-span", "newest"], "invalid: --set data.spans.last=newest: data.spans.last: got the text 'newest'"),
    ],
)
def test_what_is_wrong_is_the_last_line(options: list[str], last_line: str, tmp_path: Path) -> None:
    """With exit status 2 and no stack trace."""
    result = work(tmp_path, *options)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(last_line)


@pytest.mark.parametrize("url", ["", "mysql://ann:hush@/metadata"])
def test_a_database_must_be_named(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment, which the message names; nothing of a wrong URL is shown."""
    monkeypatch.setenv("DARKROOM_METADATA", url)
    result = work(tmp_path)
    assert result.exit_code == 2
    assert result.stderr.startswith("DARKROOM_METADATA ")
    assert "hush" not in result.output


def test_a_volume_must_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the experiment that names it is told."""
    monkeypatch.setenv("DARKROOM_METADATA", "mysql://ann:hush@db/metadata")
    (tmp_path / "small").touch()
    result = work(tmp_path)
    assert result.exit_code == 1
    assert "kubeflow.root" in result.stderr


def test_a_full_volume_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a stack trace, though nothing more can be written there."""
    monkeypatch.setenv("DARKROOM_METADATA", "mysql://ann:hush@127.0.0.1:9/metadata")

    def full(record: RunRecord, runs: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(runs))

    monkeypatch.setattr(RunRecord, "write", full)
    result = work(tmp_path)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "No space left on device" in result.stderr.splitlines()[-1]


def test_missing_data_is_what_the_run_ended_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report's task finds why nothing began, in the record; the reason is the last line here, with status 2."""
    monkeypatch.setenv("DARKROOM_METADATA", "mysql://ann:hush@127.0.0.1:9/metadata")
    text = json.dumps({"name": "small", "data": {"source": str(tmp_path / "no" / "images")}})
    result = work(tmp_path, "--nodes", "ImageExampleGen,DataGate", text=text)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("invalid: data.source: ")
    record = read_record(tmp_path / "small" / "runs", "run-1")
    assert record is not None
    assert record.status == "invalid"
    assert str(tmp_path / "no") in str(record.message)
