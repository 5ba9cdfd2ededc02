"""Does something to a run when one of its stages begins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.capture import captured

_PAUSE = 0.01


@contextmanager
def when_begins(stage: str, runs: Path, action: Callable[[], None]) -> Iterator[threading.Event]:
    """Acts soon after a stage of a new run, of whatever process, has begun; a short stage may have ended by then.

    Args:
      stage: whose log appears then.
      runs: the directory of the runs.
      action: what to do.

    Yields:
      An event that is set once the action was done.
    """
    known = set(runs.glob("*"))
    is_over, is_done = threading.Event(), threading.Event()

    def watch() -> None:
        while not is_over.wait(_PAUSE):
            if any((run / f"{stage}.log").exists() for run in set(runs.glob("*")) - known):
                action()
                is_done.set()
                return

    with _beside(watch, is_over):
        yield is_done


@contextmanager
def from_beginning(stage: str, action: Callable[[], None]) -> Iterator[threading.Event]:
    """Acts before a stage of this process does anything, and from then on again and again until the end.

    Args:
      stage: which waits for the first action.
      action: what to do.

    Yields:
      An event that is set once the action was done.
    """
    is_over, is_done = threading.Event(), threading.Event()

    @contextmanager
    def acting(log: Path) -> Iterator[None]:
        with captured(log):
            if log.stem == stage:
                action()
                is_done.set()
            yield

    def repeat() -> None:
        while not is_over.wait(_PAUSE):
            if is_done.is_set():
                action()

    with pytest.MonkeyPatch.context() as monkeypatch, _beside(repeat, is_over):
        for module in ("pipeline.run", "pipeline.report.attempt"):
            monkeypatch.setattr(f"{module}.captured", acting)
        yield is_done


@contextmanager
def _beside(work: Callable[[], None], is_over: threading.Event) -> Iterator[None]:
    """Works in a thread until the block ends, which the event then tells it."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
