"""Keeps what libraries print out of a person's sight, and in a file."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

_CHATTY = ("apache_beam.typehints",)


@contextmanager
def original_streams() -> Iterator[tuple[TextIO, TextIO]]:
    """Standard output and error as they are now, whatever `captured` does to them later."""
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(os.dup(1), "w", buffering=1) as output, os.fdopen(os.dup(2), "w", buffering=1) as error:
        yield output, error


class _Lenient(io.FileIO):
    """A descriptor whose writes never fail: on a full disk what is printed is lost, and whoever prints goes on."""

    def write(self, data: Buffer) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


@contextmanager
def captured(log: Path) -> Iterator[None]:
    """Sends all that this process prints, C++ libraries included, to the end of a file; on a full disk it is lost."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    before = sys.stdout, sys.stderr
    streams = [_lenient_stream(descriptor) for descriptor in (1, 2)]
    handler = logging.StreamHandler(streams[1])
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(lambda entry: entry.levelno > logging.INFO or not entry.name.startswith(_CHATTY))
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    with _opened(log) as file:
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            sys.stdout, sys.stderr = streams
            root.handlers = [handler]
            root.setLevel(logging.INFO)
            yield
        finally:
            root.handlers = handlers
            root.setLevel(level)
            sys.stdout, sys.stderr = before
            # Libraries may have kept the originals, and written to them.
            for stream in (*streams, *before):
                with suppress(OSError):
                    stream.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])


def _lenient_stream(descriptor: int) -> TextIO:
    raw = io.BufferedWriter(_Lenient(descriptor, "w", closefd=False))
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _opened(log: Path) -> BinaryIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab")
    except OSError:
        return open(os.devnull, "ab")
