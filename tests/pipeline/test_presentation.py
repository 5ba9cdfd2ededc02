from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from components.pusher.local_directory import LocalDirectory
from pipeline.paths import Paths
from pipeline.prediction import Prediction
from pipeline.presentation import (
    predictions_object,
    print_predictions,
    print_status,
    status_object,
    summarize,
)
from pipeline.record import NodeRecord, RunRecord, read_records

RUN_ID = "20260102T030405-abcd"
METRICS = {"cross_entropy": 0.12345, "accuracy": 0.98765, "example_count": 166.0}

FINDINGS = [
    {
        "sign": "overfitting",
        "kind": "problem",
        "message": "val_loss rises from epoch 4",
        "advice": "raise model.dropout",
    },
    {"sign": "bouncing", "kind": "warning", "message": "the loss [jumps]", "advice": "lower training.learning_rate"},
    {"sign": "big_drop", "kind": "good", "message": "the loss falls by 55 %", "advice": ""},
]
TOLD = [
    "problem: val_loss rises from epoch 4",
    "  raise model.dropout",
    "warning: the loss [jumps]",
    "  lower training.learning_rate",
]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """The default workspace of the current directory, with two versions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["local_runner.py", "run", "flowers"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    for name in ("COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    paths = Paths(Path("workspace"), "flowers")
    for version in ("9", "10"):
        (paths.serving / version).mkdir(parents=True)
    return paths


def record(status: str, run_id: str = RUN_ID, **changes: object) -> RunRecord:
    made = RunRecord(run_id=run_id, experiment="flowers", digest="", started="", status=status, seconds=61.25)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_push_says_where_and_how_good_and_what_next(paths: Paths) -> None:
    """The newest version, the metrics, and a command that can be copied."""
    pushed = record("pushed", metrics=METRICS, sample="workspace/flowers/runs/x/sample-rose.png")
    pushed.report = str(paths.reports / "x.html")
    assert summarize(pushed, LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines() == [
        "pushed workspace/flowers/serving/10",
        "accuracy 0.9877, cross_entropy 0.1235",
        "report: workspace/flowers/reports/x.html",
        "next: .venv/bin/python local_runner.py predict flowers workspace/flowers/runs/x/sample-rose.png",
    ]


def test_nothing_new_says_what_stays(paths: Paths) -> None:
    """A run that pushed nothing says which version is served."""
    lines = summarize(record("unchanged"), LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines()
    assert lines == ["nothing new to do; workspace/flowers/serving/10 stays"]


def test_a_model_that_was_rolled_back_says_so(paths: Paths) -> None:
    """What stays is followed by why the model of the run is not live."""
    unchanged = record("unchanged", message="this model is version 11, which was rolled back")
    assert summarize(unchanged, LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines() == [
        "nothing new to do; workspace/flowers/serving/10 stays",
        "this model is version 11, which was rolled back",
    ]


def test_without_a_live_version_none_is_named(tmp_path: Path) -> None:
    """Where all versions are gone, a run that pushed nothing says that, and does not fail over it."""
    text = summarize(record("unchanged"), LocalDirectory(tmp_path / "gone"), "flowers", Path("workspace"))
    assert text == "nothing new to do; no version is live, and that stays"


def test_the_next_command_survives_a_shell(paths: Paths, tmp_path: Path) -> None:
    """Another workspace is named, and names with spaces are quoted."""
    sample = tmp_path / "my images" / "sample-rose.png"
    pushed = record("pushed", sample=str(sample))
    last = summarize(pushed, LocalDirectory(paths.serving), "my flowers.yaml", Path("other place")).splitlines()[-1]
    assert shlex.split(last.removeprefix("next: ")) == [
        ".venv/bin/python",
        "local_runner.py",
        "predict",
        "--workspace",
        "other place",
        "my flowers.yaml",
        "my images/sample-rose.png",
    ]


def test_a_stop_says_why(paths: Paths) -> None:
    """Warnings, the message, the metrics as far as there are any, and the log."""
    stopped = record("not_blessed", warnings=["odd"], message="not good\nenough", metrics=METRICS)
    assert summarize(stopped, LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines() == [
        "warning: odd",
        "not good",
        "enough",
        "accuracy 0.9877, cross_entropy 0.1235",
    ]
    failed = record("failed", message="Trainer: out of memory", log=str(paths.runs / "x" / "Trainer.log"))
    failed.report = str(paths.reports / "x.html")
    assert summarize(failed, LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines() == [
        "Trainer: out of memory",
        "log: workspace/flowers/runs/x/Trainer.log",
        "report: workspace/flowers/reports/x.html",
    ]
    assert summarize(record("failed"), LocalDirectory(paths.serving), "flowers", Path("workspace")) == "failed"


def test_what_is_wrong_with_the_curves_is_told(paths: Paths) -> None:
    """Problems and warnings of the training with what to try, before the next command; good signs are not."""
    pushed = record("pushed", metrics=METRICS, diagnostics=FINDINGS, sample="workspace/flowers/runs/x/sample-rose.png")
    lines = summarize(pushed, LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines()
    assert lines[2:-1] == TOLD
    assert lines[-1].startswith("next: ")
    refused = record("not_blessed", message="not good enough", metrics=METRICS, diagnostics=FINDINGS)
    lines = summarize(refused, LocalDirectory(paths.serving), "flowers", Path("workspace")).splitlines()
    assert lines == ["not good enough", "accuracy 0.9877, cross_entropy 0.1235", *TOLD]


def test_status_fits_a_terminal(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    """In 80 columns nothing is cut or wrapped, whatever the status."""
    for number, status in enumerate(("pushed", "unchanged", "stopped_by_gate", "not_blessed", "failed")):
        version = 1795397294 if status == "pushed" else None
        record(status, f"20260102T03040{number}-abcd", metrics=METRICS, pushed_version=version).write(paths.runs)
    print_status(paths, read_records(paths.runs), LocalDirectory(paths.serving))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip() == "runs of flowers"
    assert lines[1].split() == ["run", "status", "seconds", "version", "accuracy", "cross_entropy"]
    assert lines[2].split() == ["20260102T030400-abcd", "pushed", "61.2", "1795397294", "0.9877", "0.1235"]
    assert lines[4].split() == ["20260102T030402-abcd", "stopped_by_gate", "61.2", "0.9877", "0.1235"]
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert lines[-1] == "versions in workspace/flowers/serving: 9, 10 (live)"


def test_status_tells_of_the_last_run(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    """Its nodes, and why it ended, in lines that no one has wrapped."""
    record("pushed", "20260101T000000-aaaa", nodes={"Pusher": NodeRecord("executed", 1.0)}).write(paths.runs)
    message = f"the data gate stopped the run:\n  [bold]{'very/long/path/' * 10}[/bold]: record 7"
    last = record(
        "stopped_by_gate",
        "20260102T000000-bbbb",
        nodes={"Trainer": NodeRecord("failed", 2.04), "Evaluator": NodeRecord("skipped", 0.0)},
        message=message,
        log="workspace/flowers/runs/x/Trainer.log",
    )
    last.write(paths.runs)
    print_status(paths, read_records(paths.runs), LocalDirectory(paths.serving))
    output = capsys.readouterr().out
    assert "nodes of 20260102T000000-bbbb" in output
    assert re.search(r"^Trainer +failed +2\.0$", output, flags=re.MULTILINE)
    assert not re.search(r"^Pusher", output, flags=re.MULTILINE)
    assert f"\n{message}\nlog: workspace/flowers/runs/x/Trainer.log\n" in output


def test_status_tells_of_the_last_training(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    """How long it was, which epoch was best, why it ended, and all signs in its curves, the good ones too."""
    training = {"epochs": 12, "best_epoch": 7, "stopped_by": "early_stopping", "seconds": 83.21}
    record("pushed", "20260101T000000-aaaa", training={**training, "best_epoch": 3}).write(paths.runs)
    record("pushed", "20260102T000000-bbbb", training=training, diagnostics=FINDINGS).write(paths.runs)
    print_status(paths, read_records(paths.runs), LocalDirectory(paths.serving))
    lines = capsys.readouterr().out.splitlines()
    first = lines.index("training: 12 epochs in 83.2 s, the best 7, ended by early_stopping")
    assert lines[first + 1 : -1] == [*TOLD, "good: the loss falls by 55 %"]
    assert not any("the best 3" in line for line in lines)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "training: 20 epochs in 9.5 s, the best 20"),
        ({"stopped_by": "accuracy"}, "training: 20 epochs in 9.5 s, the best 20, ended by accuracy"),
        ({"resumed_from_epoch": 4}, "training: 20 epochs in 9.5 s, the best 20, resumed after epoch 4"),
    ],
)
def test_status_of_other_trainings(
    changes: dict[str, object], words: str, paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training that had all its epochs has no other reason to end; one that went on after a kill says from where."""
    training = {"epochs": 20, "best_epoch": 20, "stopped_by": "epochs", "seconds": 9.5, "resumed_from_epoch": None}
    record("pushed", training={**training, **changes}).write(paths.runs)
    print_status(paths, read_records(paths.runs), LocalDirectory(paths.serving))
    assert words in capsys.readouterr().out.splitlines()


def test_status_tells_of_accepted_data(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each run that went on against the gate: who wanted it, when and why; none for the others."""
    given = {"who": "ann@here", "when": "2026-01-01T00:00:09+00:00", "why": "brighter [lamp]", "verdict": "drift: ..."}
    record("pushed", "20260101T000000-aaaa", accepted=given).write(paths.runs)
    record("pushed", "20260102T000000-bbbb").write(paths.runs)
    print_status(paths, read_records(paths.runs), LocalDirectory(paths.serving))
    told = [line for line in capsys.readouterr().out.splitlines() if "accepted" in line]
    assert told == ["20260101T000000-aaaa: data accepted by ann@here, 2026-01-01T00:00:09+00:00: brighter [lamp]"]


def test_status_shows_the_ten_newest_runs(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    """Older ones are left out of the table."""
    for number in range(12):
        record("unchanged", f"20260102T0000{number:02}-aaaa").write(paths.runs)
    print_status(paths, read_records(paths.runs), LocalDirectory(paths.serving))
    shown_runs = re.findall(r"^(20260102T\d{6})-aaaa", capsys.readouterr().out, flags=re.MULTILINE)
    assert shown_runs == [f"20260102T0000{number:02}" for number in range(2, 12)]
    assert len(status_object(read_records(paths.runs), LocalDirectory(paths.serving))["runs"]) == 12


def test_status_without_a_version(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that failed before its first node, and nothing pushed, are told as such."""
    record("failed").write(Path("workspace/roses/runs"))
    roses = Paths(Path("workspace"), "roses")
    print_status(roses, read_records(roses.runs), LocalDirectory(roses.serving))
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "versions in workspace/roses/serving: none"
    assert "nodes of" not in output


def test_predictions_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """The label, its probability and the next two; or the error."""
    top = (("rose", 0.9), ("tulip", 0.06), ("daisy", 0.03), ("lily", 0.01))
    print_predictions(
        [
            Prediction("a.png", "rose", 0.9, top),
            Prediction("b.txt", error="cannot be decoded"),
            Prediction("c.png", "x", 1.0, (("x", 1.0),)),
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        "a.png: rose 0.900  (then tulip 0.060, daisy 0.030)",
        "b.txt: cannot be decoded",
        "c.png: x 1.000",
    ]


def test_predictions_for_programs() -> None:
    """Each file with its label or its error, and the version that speaks."""
    predictions = [Prediction("a.png", "rose", 0.9, (("rose", 0.9),)), Prediction("b.txt", error="cannot be decoded")]
    assert predictions_object(17, predictions) == {
        "version": 17,
        "predictions": [
            {"image": "a.png", "label": "rose", "probability": 0.9, "top": (("rose", 0.9),)},
            {"image": "b.txt", "error": "cannot be decoded"},
        ],
    }
