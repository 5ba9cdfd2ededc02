from __future__ import annotations

import contextlib
import io
import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipeline.progress import LOGGER, LiveProgress, PlainProgress, Progress, listening, progress_on
from pipeline.record import RUNNING
from tests.programs import do_without

ROOT = Path(__file__).parents[2]
ERASED_LINE = r"\x1b\[2K"

# A run on a terminal whose nodes print on every way there is.
NOISY = """
import logging, os, subprocess, sys
from pathlib import Path
from pipeline.capture import captured, original_streams
from pipeline.progress import LOGGER, listening, progress_on
with original_streams() as (output, error), progress_on(error) as progress:
    progress.plan(["Trainer"])
    progress.start("Trainer")
    with captured(Path(sys.argv[1])), listening(progress):
        logging.getLogger(LOGGER).info("epoch 3/20")
        print("noise-print")
        print("noise-error", file=sys.stderr)
        logging.warning("noise-log")
        os.write(2, b"noise-descriptor\\n")
        subprocess.run(["sh", "-c", "echo noise-child"])
    progress.end("Trainer", "executed", 1.5)
print("the end")
"""


class Clock(SimpleNamespace):
    """Stands still until it is set."""

    now: float = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that progress reads."""
    clock = Clock()
    monkeypatch.setattr("pipeline.progress.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def live_progress() -> tuple[LiveProgress, io.StringIO]:
    """A table, and what a terminal of 80 columns is sent."""
    stream = io.StringIO()
    return LiveProgress(Console(file=stream, force_terminal=True, width=80, color_system=None)), stream


def last_rows(stream: io.StringIO) -> list[list[str]]:
    """The words of each row that stands on the terminal at the end."""
    last_frame = re.split(ERASED_LINE, stream.getvalue())[-1]
    rows = [re.sub(r"\x1b\S*", "", line).split() for line in last_frame.splitlines()]
    return [row for row in rows if row]


def table_of(*steps: tuple[str, str, float]) -> list[list[str]]:
    """The rows at the end of a run whose nodes ended so."""
    progress, stream = live_progress()
    with progress:
        progress.start("loading")
        progress.end("loading", "done", 4.5)
        progress.plan(["Trainer", "Evaluator", "Pusher"])
        for node, state, seconds in steps:
            progress.start(node)
            progress.end(node, state, seconds)
    return last_rows(stream)


def test_a_terminal_gets_a_table_and_a_file_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that can redraw gets the table; a file gets lines, also where colours are forced on it."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(progress_on(terminal), LiveProgress)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(progress_on(io.StringIO()), PlainProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress_on(terminal), PlainProgress)


def test_plain_lines() -> None:
    """One line for each node, when it ends, with its name, state and seconds."""
    stream = io.StringIO()
    with PlainProgress(stream) as progress:
        progress.plan(["ImageExampleGen", "Trainer"])
        progress.start("ImageExampleGen")
        assert stream.getvalue() == ""
        progress.end("ImageExampleGen", "cached", 0.04)
        progress.end("Trainer", "executed", 1234.56)
    assert stream.getvalue().splitlines() == [
        "ImageExampleGen      cached        0.0 s",
        "Trainer              executed   1234.6 s",
    ]


def test_a_plain_log_is_never_silent_for_long(clock: Clock) -> None:
    """What a node says of itself is printed at most once a minute, and never in a node's first one."""
    stream = io.StringIO()
    with PlainProgress(stream) as progress:
        progress.start("Transform")
        clock.now = 100.0
        progress.end("Transform", "executed", 100.0)
        progress.start("Trainer")
        for epoch in range(1, 11):
            clock.now += 15.0
            progress.tell(f"epoch {epoch}/10")
        progress.end("Trainer", "executed", 150.0)
    assert stream.getvalue().splitlines() == [
        "Transform            executed    100.0 s",
        "Trainer              epoch 4/10",
        "Trainer              epoch 8/10",
        "Trainer              executed    150.0 s",
    ]


def test_the_table_shows_every_state() -> None:
    """A row for each node in the order of the plan: a mark, its name, its state and its seconds."""
    assert table_of(("Trainer", "executed", 12.34), ("Evaluator", "failed", 0.06), ("Pusher", "skipped", 0.0)) == [
        ["✓", "loading", "done", "4.5", "s"],
        ["✓", "Trainer", "executed", "12.3", "s"],
        ["✗", "Evaluator", "failed", "0.1", "s"],
        ["·", "Pusher", "skipped"],
    ]
    assert table_of(("Trainer", "cached", 1.0))[1:] == [
        ["✓", "Trainer", "cached", "1.0", "s"],
        ["·", "Evaluator", "waiting"],
        ["·", "Pusher", "waiting"],
    ]


def test_the_running_node_has_a_clock(clock: Clock) -> None:
    """The node at work shows a spinner and the seconds since it started, not since the run did."""
    progress, stream = live_progress()
    with progress:
        progress.start("loading")
        progress.end("loading", "done", 4.5)
        clock.now = 200.0
        progress.start("Trainer")
        clock.now = 207.5
    mark, *rest = last_rows(stream)[-1]
    assert mark not in "✓✗·"
    assert rest == ["Trainer", RUNNING, "7.5", "s"]


def test_the_table_shows_what_the_node_at_work_says() -> None:
    """The newest text stands below the table, on one line however long it is, until the node ends."""
    progress, stream = live_progress()
    with progress:
        progress.start("Trainer")
        progress.tell("epoch 1/20, loss 0.9")
        progress.tell("epoch 2/20, loss 0.5, " + "and so on " * 10)
    *_, row, told = last_rows(stream)
    assert row[1:3] == ["Trainer", RUNNING]
    assert told[:4] == ["epoch", "2/20,", "loss", "0.5,"]
    assert told[-1].endswith("…")
    assert len(last_rows(stream)) == 2
    progress, stream = live_progress()
    with progress:
        progress.start("Trainer")
        progress.tell("epoch 2/20")
        progress.end("Trainer", "executed", 3.0)
    assert last_rows(stream) == [["✓", "Trainer", "executed", "3.0", "s"]]


def test_what_stages_say_is_heard() -> None:
    """What is said on the logger while a progress listens is told as one line, and nothing before or after."""
    heard: list[str] = []

    class Hearing(PlainProgress):
        def tell(self, text: str) -> None:
            heard.append(text)

    logger = logging.getLogger(LOGGER)
    before = (logger.level, logger.handlers[:])
    logger.info("too early")
    with listening(Hearing(io.StringIO())):
        logger.info("epoch %d/%d,\n  loss %.2f", 3, 20, 0.31)
    logger.info("too late")
    assert heard == ["epoch 3/20, loss 0.31"]
    assert (logger.level, logger.handlers) == before


def test_a_terminal_that_is_gone_ends_no_training(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a line cannot be shown, the stage that says it does not notice."""
    stream = io.StringIO()
    progress: Progress = PlainProgress(stream)
    progress.start("Trainer")
    stream.close()
    clock.now = 61.0
    with listening(progress):
        logging.getLogger(LOGGER).info("epoch 3/20")
    assert "I/O operation on closed file" in capsys.readouterr().err


def test_nothing_that_a_node_prints_reaches_the_terminal(tmp_path: Path) -> None:
    """The table stands alone on the terminal; what libraries and children print goes to the node's log."""
    try:
        primary, secondary = pty.openpty()
    except OSError:
        do_without("there are no pseudo-terminals here")
    log = tmp_path / "Trainer.log"
    process = subprocess.Popen(
        [sys.executable, "-c", NOISY, str(log)],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm"},
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
    )
    os.close(secondary)
    shown = b""
    # A terminal whose last user is gone answers with an error, not with an end.
    with contextlib.suppress(OSError), os.fdopen(primary, "rb", buffering=0) as terminal:
        while part := terminal.read(4096):
            shown += part
    assert process.wait(timeout=60) == 0
    assert b"executed" in shown
    assert b"the end" in shown
    assert b"noise" not in shown
    logged = log.read_text()
    assert "epoch 3/20" in logged
    for source in ("print", "error", "log", "descriptor", "child"):
        assert f"noise-{source}" in logged
