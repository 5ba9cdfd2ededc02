"""How a process ends that has loaded TensorFlow and its like: without taking their libraries down."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# As Python's own, where its output is lost.
_UNWRITTEN = 120


@contextmanager
def leaving_promptly() -> Iterator[None]:
    """Ends the process, when it ends, right after Python's own exit handlers, with the status of what ran inside.

    On a loaded machine the destructors of C++ libraries now and then meet a thread of theirs that still runs, and abort
    the process (`terminate called without an active exception`): work that was done would look like work that failed.
    Enter it first: exit handlers that are registered before it do not run.
    """
    status = 0

    def leave() -> None:
        failed = False
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                failed = True
        os._exit(status or (_UNWRITTEN if failed else 0))

    atexit.register(leave)
    try:
        yield
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    except BaseException:
        status = 1
        raise
