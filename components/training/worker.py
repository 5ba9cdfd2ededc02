"""One process of a training: by itself where its threads are to be counted, or one of many under TF_CONFIG.

python -m components.training.worker [--with-parent] REQUEST

REQUEST is a file that the training's chief writes; a worker waits for it. Each worker trains; the chief alone saves.
With --with-parent the process ends when its parent does.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path

from components.leaving import leaving_promptly

_LONGEST_WAIT = 600.0
_PAUSE = 0.5
_ERROR_STATUS = 3
_WITH_PARENT = "--with-parent"


def result_file(request_file: Path) -> Path:
    """Where the chief writes what is told of the training, or why it failed."""
    return request_file.with_name("result.json")


def main(arguments: list[str]) -> int:
    """Carries out the request; exits with 3 where the training went wrong for a reason that the result states."""
    request_file = Path(arguments[-1])
    os.environ.update(TF_USE_LEGACY_KERAS="0", KERAS_BACKEND="tensorflow")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if not _is_there(request_file):
        print(f"{request_file}: no request came within {_LONGEST_WAIT:.0f} s; is the chief running?", file=sys.stderr)
        return 1
    from components.training.processes import die_with_parent
    from components.training.request import TrainingRequest

    if arguments[0] == _WITH_PARENT:
        die_with_parent()
    request = TrainingRequest.model_validate_json(request_file.read_text())
    if request.training.deterministic:
        _count_threads()
    from components.errors import TrainingError
    from components.training.training import train

    try:
        _, result = train(request)
    except TrainingError as error:
        _write(result_file(request_file), {"error": str(error)})
        return _ERROR_STATUS
    _write(result_file(request_file), result.to_json())
    return 0


def _is_there(file: Path) -> bool:
    deadline = time.monotonic() + _LONGEST_WAIT
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return file.exists()


def _count_threads() -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def _write(file: Path, content: object) -> None:
    from components.training.strategy import is_chief_by_environment

    if is_chief_by_environment():
        growing = file.with_suffix(".growing")
        growing.write_text(json.dumps(content))
        os.replace(growing, file)


if __name__ == "__main__":
    with leaving_promptly():
        sys.exit(main(sys.argv[1:]))
