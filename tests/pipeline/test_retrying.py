from __future__ import annotations

import errno

import pytest
import tensorflow as tf

from components.errors import DataError, TrainingError
from pipeline.retrying import may_pass, with_retries
from schemas.retries import Retries


def full_disk() -> Exception:
    return tf.errors.ResourceExhaustedError(None, None, "write failed; No space left on device")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.EIO, "input/output error"), True),
        (OSError(errno.ESTALE, "stale file handle"), True),
        (ConnectionResetError(), True),
        (MemoryError(), True),
        (tf.errors.UnavailableError(None, None, "x"), True),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), True),
        (full_disk(), False),
        (OSError(errno.ENOSPC, "no space left on device"), False),
        (FileNotFoundError(errno.ENOENT, "x"), False),
        (PermissionError(errno.EACCES, "x"), False),
        (DataError("bad"), False),
        (TrainingError("bad"), False),
        (ValueError("bad"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_what_may_pass(error: BaseException, passes: bool) -> None:
    """Input and output, memory and connections may; what a person must mend does not."""
    assert may_pass(error) == passes


class Work:
    """Raises what it is given, one after the other, and then succeeds."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.told: list[tuple[BaseException, float]] = []

    def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def note(self, error: BaseException, wait: float) -> None:
        self.told.append((error, wait))


def test_waits_grow_and_are_told() -> None:
    """Twice as long each time; the work's result comes back."""
    first, second = TimeoutError("first"), MemoryError("second")
    work = Work(first, second)
    assert with_retries(Retries(attempts=3, backoff_seconds=0.01), work.note, work) == "done"
    assert work.told == [(first, 0.01), (second, 0.02)]


def test_the_last_error_is_raised_as_it_is() -> None:
    """Not wrapped: what is told to a person depends on its kind."""
    errors = [TimeoutError(str(number)) for number in range(3)]
    work = Work(*errors)
    with pytest.raises(TimeoutError) as caught:
        with_retries(Retries(attempts=2, backoff_seconds=0), work.note, work)
    assert caught.value is errors[1]
    assert len(work.told) == 1


@pytest.mark.parametrize("error", [DataError("bad"), KeyboardInterrupt()])
def test_what_stays_is_not_tried_again(error: BaseException) -> None:
    """Bad data, and a person who wants it to end."""
    work = Work(error)
    with pytest.raises(type(error)):
        with_retries(Retries(attempts=5, backoff_seconds=0), work.note, work)
    assert not work.told
