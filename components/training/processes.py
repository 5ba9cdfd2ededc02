"""Trainings in processes of their own."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from components.errors import TrainingError
from components.training.fitting import fit
from components.training.history import History
from components.training.request import TrainingRequest

_PR_SET_PDEATHSIG = 1


def worker_pool(num_processes: int) -> ProcessPoolExecutor:
    """A pool of fresh processes that share the cores, and that end when this one does, however it ends."""
    return ProcessPoolExecutor(
        num_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), max((os.cpu_count() or 1) // num_processes, 1)),
    )


def fit_each(requests: Sequence[TrainingRequest], parallel: int) -> list[History | TrainingError]:
    """Carries out several trainings; one that goes wrong gives its error in place of its figures.

    Args:
      requests: each with its own checkpoint directory.
      parallel: how many at the same time; 1 trains in this process.
    """
    if parallel == 1 or len(requests) == 1:
        return [_attempt(request) for request in requests]
    with worker_pool(min(parallel, len(requests))) as pool:
        return list(pool.map(_attempt, requests))


def _attempt(request: TrainingRequest) -> History | TrainingError:
    try:
        return fit(request).history
    except TrainingError as error:
        return error


def die_with_parent() -> None:
    """Ties this process's life to its parent's: one that is killed cannot end its children, which would train on."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _begin(parent: int, num_threads: int) -> None:
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    # Ctrl-C reaches the whole group; the parent decides what becomes of the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(num_threads)
    tf.config.threading.set_inter_op_parallelism_threads(num_threads)
