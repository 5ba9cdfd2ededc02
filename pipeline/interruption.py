"""How a run ends when something outside wants it to."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

AFTER_NODE = signal.SIGUSR1
"""Asks a run to end once the node at work has, as a scheduler does that is to end itself."""

AS_ASKED = "as asked; run again: finished stages are kept"

_asked: list[int] = []


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Makes a scheduler's SIGTERM end a run as Ctrl-C does: outputs removed, execution failed, record written.

    SIGUSR1 only lets `is_to_end_after_node` be true from then on.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def note(number: int, _: object) -> None:
        _asked.append(number)

    _asked.clear()
    previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt), AFTER_NODE: signal.signal(AFTER_NODE, note)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def is_to_end_after_node() -> bool:
    """Whether this process was asked to end its run before the next node."""
    return bool(_asked)
