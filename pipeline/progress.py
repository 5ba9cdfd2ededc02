"""Shows a run while it goes on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipeline.record import RUNNING

LOGGER = "darkroom.progress"
"""A stage that works for minutes says here how far it is: `epoch 3/20, loss 0.31`."""

_SECONDS_BETWEEN_LINES = 60.0
_STYLES = {"done": "dim", "executed": "green", "cached": "cyan", "failed": "bold red", "skipped": "dim"}
_MARKS = {"done": "✓", "executed": "✓", "cached": "✓", "failed": "✗"}


class Progress(Protocol):
    """Is told of each node as it starts and ends."""

    def plan(self, nodes: Sequence[str]) -> None:
        """The nodes to come, in order."""

    def start(self, node: str) -> None:
        """A node, or the loading of the libraries, begins."""

    def tell(self, text: str) -> None:
        """What the node at work says of itself, on one line."""

    def end(self, node: str, state: str, seconds: float) -> None:
        """It ended."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def progress_on(stream: TextIO) -> Progress:
    """A live table where the stream is a terminal that can redraw, else plain lines."""
    console = Console(file=stream)
    return LiveProgress(console) if stream.isatty() and not console.is_dumb_terminal else PlainProgress(stream)


@contextmanager
def listening(progress: Progress) -> Iterator[None]:
    """Lets a progress hear what stages say on `LOGGER`, while their own log keeps it too."""
    logger, handler = logging.getLogger(LOGGER), _Telling(progress)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


class _Telling(logging.Handler):
    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._progress.tell(" ".join(record.getMessage().split()))
        except Exception:
            # A terminal that is gone must not end a training.
            self.handleError(record)


class PlainProgress:
    """A line for each node that ended, and at most one a minute of a node at work, so that no log stays silent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._node = ""
        self._spoke = time.monotonic()

    def plan(self, nodes: Sequence[str]) -> None:
        """Nothing is printed for nodes to come."""

    def start(self, node: str) -> None:
        """Nothing is printed until a node ends, or has been at work for a minute."""
        self._node = node
        self._spoke = time.monotonic()

    def tell(self, text: str) -> None:
        """Prints the text where nothing was printed for a minute."""
        if time.monotonic() - self._spoke >= _SECONDS_BETWEEN_LINES:
            self._spoke = time.monotonic()
            print(f"{self._node:<20} {text}", file=self._stream, flush=True)

    def end(self, node: str, state: str, seconds: float) -> None:
        """Prints the node's name, state and seconds."""
        print(f"{node:<20} {state:<9} {seconds:7.1f} s", file=self._stream, flush=True)

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class LiveProgress:
    """A table that is drawn anew a few times a second."""

    def __init__(self, console: Console) -> None:
        self._rows: dict[str, tuple[str, float]] = {}
        self._started = time.monotonic()
        self._told = ""
        self._spinner = Spinner("dots")
        # Without redirection: it would put what libraries print on the terminal, past `captured`.
        self._live = Live(
            get_renderable=self._frame,
            console=console,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def plan(self, nodes: Sequence[str]) -> None:
        """Adds a waiting row for each node."""
        for node in nodes:
            self._rows.setdefault(node, ("waiting", 0.0))

    def start(self, node: str) -> None:
        """Starts the row's clock."""
        self._started = time.monotonic()
        self._told = ""
        self._rows[node] = (RUNNING, 0.0)

    def tell(self, text: str) -> None:
        """Keeps the text below the table until the node says something else, or ends."""
        self._told = text

    def end(self, node: str, state: str, seconds: float) -> None:
        """Stops the row's clock."""
        self._told = ""
        self._rows[node] = (state, seconds)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.refresh()
        self._live.stop()

    def _frame(self) -> Group:
        # Below the table, for in a row it would not fit into 80 columns.
        told = [Text(self._told, "dim", no_wrap=True, overflow="ellipsis")] if self._told else []
        return Group(self._table(), *told)

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(width=2)
        table.add_column(min_width=18)
        table.add_column(min_width=9)
        table.add_column(justify="right")
        for node, (state, seconds) in self._rows.items():
            running = state == RUNNING
            shown = time.monotonic() - self._started if running else seconds
            style = _STYLES.get(state, "" if running else "dim")
            mark = self._spinner if running else Text(_MARKS.get(state, "·"), style)
            table.add_row(
                mark,
                Text(node, "" if style != "dim" else style),
                Text(state, style),
                Text(f"{shown:.1f} s" if shown else ""),
            )
        return table
