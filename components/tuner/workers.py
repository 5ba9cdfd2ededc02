"""Processes that carry out trainings, one after another. The death of one costs the training that it was at."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import NamedTuple

import keras
import tensorflow as tf

from components.errors import TrainingError
from components.training.callbacks import Callback, Figures, Stop
from components.training.fitting import fit
from components.training.history import History
from components.training.processes import die_with_parent
from components.training.request import TrainingRequest
from components.training.strategy import CLUSTER
from components.tuner.outcome import Outcome

_LONGEST_END = 10.0


class _Share(NamedTuple):
    """What of the machine a process may take."""

    parent: int
    number: int
    """Of this process, counted from 0."""
    num_processes: int
    is_deterministic: bool


class Workers:
    """Some processes that train at the same time, each with its share of the cores.

    A process is started when there is work for it, and lives until `with` ends, for TensorFlow takes seconds to load.
    They never outlive this process, however it ends.
    """

    def __init__(self, num_processes: int, is_deterministic: bool = False) -> None:
        """Starts nothing yet.

        Args:
          num_processes: that train at the same time.
          is_deterministic: whether each has one thread and deterministic kernels.
        """
        self._shares = [_Share(os.getpid(), n, num_processes, is_deterministic) for n in range(num_processes)]
        self._workers: dict[_Share, _Worker] = {}
        self._busy: dict[_Share, str] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers.values():
            worker.end()
        self._workers.clear()
        self._busy.clear()

    @property
    def num_processes(self) -> int:
        """How many train at the same time."""
        return len(self._shares)

    def start(self, key: str, request: TrainingRequest) -> None:
        """Gives a training to a process that has none; there must be one."""
        share = next(share for share in self._shares if share not in self._busy)
        worker = self._workers.get(share)
        if worker is None or not worker.is_alive:
            worker = self._workers[share] = _Worker(share)
        self._busy[share] = key
        worker.send(request)

    def wait(self) -> tuple[str, Outcome]:
        """Waits until one of the trainings has ended; there must be one. Gives its key, and what became of it."""
        connections = {self._workers[share].connection: share for share in self._busy}
        ended = wait(list(connections))[0]
        assert isinstance(ended, Connection)
        share = connections[ended]
        try:
            outcome = self._workers[share].receive()
        except (EOFError, OSError):
            outcome = Outcome(reason=self._workers.pop(share).last_words(), is_final=False)
        return self._busy.pop(share), outcome


class _Worker:
    """One process, seen from its parent."""

    def __init__(self, share: _Share) -> None:
        # Forked, it would have threads of TensorFlow's that do not run.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, share), name=f"training-{share.number}", daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def send(self, request: TrainingRequest) -> None:
        try:
            self.connection.send(request)
        except OSError:
            # It has just died: what is read of it tells.
            return

    def receive(self) -> Outcome:
        outcome: Outcome = self.connection.recv()
        return outcome

    def last_words(self) -> str:
        """Why it is gone."""
        self._process.join(_LONGEST_END)
        self.end()
        status = self._process.exitcode or 0
        if status >= 0:
            return f"its process ended with status {status}; its last words are in the log"
        name = signal.Signals(-status).name
        hint = "; where nobody did that, memory was short: lower tuning.parallel or training.batch_size"
        return f"its process was ended by {name}{hint if name == 'SIGKILL' else ''}"

    def end(self) -> None:
        self.connection.close()
        self._process.kill()
        self._process.join(_LONGEST_END)


def _serve(connection: Connection, share: _Share) -> None:
    """What a process does."""
    die_with_parent()
    if os.getppid() != share.parent:
        os._exit(1)
    # Ctrl-C reaches the whole group; the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A cluster is for the Trainer; each of these trainings is one process's.
    os.environ.pop(CLUSTER, None)
    _take(share)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        connection.send(attempt(request))


def _take(share: _Share) -> None:
    cores = len(os.sched_getaffinity(0))
    num_threads = 1 if share.is_deterministic else max(cores // share.num_processes, 1)
    tf.config.threading.set_intra_op_parallelism_threads(num_threads)
    tf.config.threading.set_inter_op_parallelism_threads(num_threads)
    if share.is_deterministic:
        tf.config.experimental.enable_op_determinism()
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        own = gpus[share.number :: share.num_processes] or [gpus[share.number % len(gpus)]]
        tf.config.set_visible_devices(own, "GPU")
        for gpu in own:
            tf.config.experimental.set_memory_growth(gpu, True)


def attempt(request: TrainingRequest) -> Outcome:
    """Carries out a training in this process.

    Returns:
      Its figures, or why it failed: nothing that goes wrong with it raises.
    """
    recorder = _Recorder()
    began = time.monotonic()
    try:
        fitted = fit(request, [recorder])
        return Outcome(fitted.history, time.monotonic() - began, fitted.best_epoch)
    except TrainingError as error:
        return Outcome(recorder.history, time.monotonic() - began, reason=str(error))
    except Exception as error:
        traceback.print_exc()
        lines = "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()
        return Outcome(recorder.history, time.monotonic() - began, reason=lines[-1], is_final=False)
    finally:
        keras.backend.clear_session()


class _Recorder(Callback):
    """Keeps the figures of a training that may fail."""

    def __init__(self) -> None:
        self.history: History = {}

    def end_epoch(self, epoch: int, figures: Figures) -> Stop | None:
        """Notes them."""
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        return None
