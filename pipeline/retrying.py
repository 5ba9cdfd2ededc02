"""Tries a stage again where its failure may pass."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from components.errors import PassingError, StageError
from pipeline import metadata
from pipeline.failures import is_full
from schemas.retries import Retries

Result = TypeVar("Result")

_LONGEST_BACKOFF = 600.0

_ERRNOS = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.EPIPE,
    errno.ENOMEM,
}


def with_retries(retries: Retries, note: Callable[[BaseException, float], None], work: Callable[[], Result]) -> Result:
    """Does the work, again where its failure may pass.

    Args:
      retries: how often, and after which wait.
      note: is told of each failure after which the work is done again, and of the wait in seconds.
      work: raises what goes wrong.

    Raises:
      BaseException: what the last attempt raised.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None:
            traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
            note(error, state.next_action.sleep if state.next_action else 0.0)

    attempts = Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(retries.attempts),
        wait=wait_exponential(multiplier=retries.backoff_seconds, max=_LONGEST_BACKOFF),
        before_sleep=tell,
        reraise=True,
    )
    return attempts(work)


def may_pass(error: BaseException) -> bool:
    """Whether the same work may succeed a little later: input and output, memory, a database that is locked.

    Bad data and a bad experiment stay what they are, as does a full disk, until a person has mended them.
    """
    if isinstance(error, PassingError):
        return True
    if isinstance(error, StageError) or is_full(error):
        return False
    if isinstance(error, (MemoryError, ConnectionError, TimeoutError)) or metadata.may_pass(error):
        return True
    if isinstance(error, OSError):
        return error.errno in _ERRNOS
    return _is_passing_in_tensorflow(error)


def _is_passing_in_tensorflow(error: BaseException) -> bool:
    from tensorflow import errors

    kinds = (errors.AbortedError, errors.DeadlineExceededError, errors.ResourceExhaustedError, errors.UnavailableError)
    return isinstance(error, kinds)
