"""Trainings that need processes of their own: several workers, or one whose threads are counted."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from components.errors import TrainingError
from components.training.request import TrainingRequest
from components.training.strategy import CLUSTER, is_one_of_many
from components.training.training import TrainingResult
from components.training.worker import result_file

_ROOT = Path(__file__).resolve().parents[2]
_PAUSE = 0.2
_GRACE_SECONDS = 10.0


def needs_own_processes(request: TrainingRequest) -> bool:
    """Whether this process cannot train: TensorFlow sets up threads and clusters once, as it starts."""
    return is_one_of_many() or request.training.workers > 1 or request.training.deterministic


def train_apart(request: TrainingRequest, directory: Path) -> TrainingResult:
    """Trains in one process or several; the network is then in the request's `native_directory`.

    Where TF_CONFIG names a cluster this starts its chief alone; the others run `python -m components.training.worker`
    with the same file of the request, on a file system that all see.

    Args:
      request: with a native directory.
      directory: where the file `request.json` is put.

    Raises:
      TrainingError: the training went wrong, or a worker died.
    """
    directory.mkdir(parents=True, exist_ok=True)
    request_file = directory / "request.json"
    result_file(request_file).unlink(missing_ok=True)
    growing = request_file.with_suffix(".growing")
    growing.write_text(request.model_dump_json())
    os.replace(growing, request_file)
    try:
        _run(request_file, _environments(request.training.workers))
        content = json.loads(result_file(request_file).read_text())
    finally:
        request_file.unlink(missing_ok=True)
    if "error" in content:
        raise TrainingError(content["error"])
    return TrainingResult.from_json(content)


def _environments(num_workers: int) -> list[dict[str, str]]:
    """The environment of each process to start."""
    if is_one_of_many() or num_workers == 1:
        return [dict(os.environ)]
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(num_workers)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    cluster = {"worker": addresses}
    return [
        {**os.environ, CLUSTER: json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}
        for index in range(num_workers)
    ]


def _run(request_file: Path, environments: Sequence[dict[str, str]]) -> None:
    command = [sys.executable, "-m", "components.training.worker", "--with-parent", str(request_file)]
    processes = [subprocess.Popen(command, cwd=_ROOT, env=environment) for environment in environments]
    try:
        while any(process.poll() is None for process in processes):
            failed = [process for process in processes if process.returncode]
            # The others would wait for a dead one for ever.
            if failed:
                break
            time.sleep(_PAUSE)
    finally:
        for process in processes:
            _end(process)
    statuses = [process.returncode for process in processes]
    if any(statuses) and not result_file(request_file).exists():
        raise TrainingError(
            f"a training process ended with status {next(status for status in statuses if status)}"
            " (a negative one is the signal that ended it, -9 often a lack of memory); its last words are in the log"
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
