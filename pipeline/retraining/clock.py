"""Sees a clock that was set back."""

from __future__ import annotations

import time

_LEAST_SECONDS = 1.0


class Clock:
    """The clock by which times come due, beside one that is never set."""

    def __init__(self) -> None:
        """Nothing has been seen."""
        self._ahead = _ahead()

    def was_set_back(self) -> bool:
        """Whether it was since the last call, by more than a slow correction does."""
        before, self._ahead = self._ahead, _ahead()
        return before - self._ahead > _LEAST_SECONDS


def _ahead() -> float:
    return time.time() - time.monotonic()
