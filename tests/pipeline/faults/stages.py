"""Does something to a run when one of its stages begins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.01


@contextmanager
def when_begins(stage: str, runs: Path, action: Callable[[], None], again: bool = False) -> Iterator[threading.Event]:
    """Acts once a stage of a new run begins.

    Args:
      stage: whose log appears then.
      runs: the directory of the runs.
      action: what to do.
      again: do it again and again until the end.

    Yields:
      An event that is set once the action was done.
    """
    known = set(runs.glob("*"))
    is_over, is_done = threading.Event(), threading.Event()

    def watch() -> None:
        while not is_over.wait(_PAUSE):
            if is_done.is_set() or any((run / f"{stage}.log").exists() for run in set(runs.glob("*")) - known):
                action()
                is_done.set()
                if not again:
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield is_done
    finally:
        is_over.set()
        thread.join()
