"""Keeps what libraries print out of a person's sight, and in a file."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_CHATTY = ("apache_beam.typehints",)


@contextmanager
def original_streams() -> Iterator[tuple[TextIO, TextIO]]:
    """Standard output and error as they are now, whatever `captured` does to them later."""
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(os.dup(1), "w", buffering=1) as output, os.fdopen(os.dup(2), "w", buffering=1) as error:
        yield output, error


@contextmanager
def captured(log: Path) -> Iterator[None]:
    """Sends all that this process prints, C++ libraries included, to the end of a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda entry: entry.levelno > logging.INFO or not entry.name.startswith(_CHATTY))
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    with log.open("ab") as file:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            root.handlers = [handler]
            root.setLevel(logging.INFO)
            yield
        finally:
            root.handlers = handlers
            root.setLevel(level)
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])
