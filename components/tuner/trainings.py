"""Short trainings whose results are kept, so that none is done twice."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from components.durability import make_directories
from components.training.request import TrainingRequest
from components.tuner.outcome import Outcome
from components.tuner.workers import Workers
from components.whole_files import write_whole

# Where a training is carried out and what it is called do not change its figures.
_WITHOUT_EFFECT = {"label", "checkpoint_directory", "log_directory", "native_directory"}


class Trainings:
    """Carries out trainings in processes of their own, some at the same time.

    What has ended is kept in a directory: a training with the same request, in this process or a later one, has its
    result at once.
    """

    def __init__(self, directory: Path, workers: Workers) -> None:
        """Starts nothing yet.

        Args:
          directory: where results are kept; made where it is missing.
          workers: carry the trainings out.
        """
        make_directories(directory)
        self._directory = directory
        self._workers = workers
        self._files: dict[str, Path] = {}
        self._known: deque[tuple[str, Outcome]] = deque()

    @property
    def has_room(self) -> bool:
        """Whether another training can start before one has ended."""
        return self._num_under_way < self._workers.num_processes

    @property
    def is_busy(self) -> bool:
        """Whether there is a training whose end was not told yet."""
        return self._num_under_way > 0

    def start(self, key: str, request: TrainingRequest) -> None:
        """Starts a training, or finds its result.

        Args:
          key: names it when it has ended.
          request: with a place for checkpoints or without.
        """
        outcome = self.result_of(request)
        if outcome is None:
            self._files[key] = self._file(request)
            self._workers.start(key, request)
        else:
            self._known.append((key, outcome))

    def next(self) -> tuple[str, Outcome]:
        """Waits for one of the trainings that were started to end. Gives its key, and what became of it."""
        if self._known:
            return self._known.popleft()
        key, outcome = self._workers.wait()
        file = self._files.pop(key)
        if outcome.is_final:
            write_whole(file, json.dumps(asdict(outcome)))
        return key, outcome

    def run_all(self, requests: Sequence[TrainingRequest], tell: Callable[[int, Outcome], None]) -> list[Outcome]:
        """Carries out several trainings.

        Args:
          requests: in the order in which they start.
          tell: is told of each one's end, with its position.

        Returns:
          What became of them, in their order.
        """
        outcomes: dict[int, Outcome] = {}
        waiting = deque(enumerate(requests))
        while waiting or self.is_busy:
            while waiting and self.has_room:
                number, request = waiting.popleft()
                self.start(str(number), request)
            key, outcome = self.next()
            outcomes[int(key)] = outcome
            tell(int(key), outcome)
        return [outcomes[number] for number in range(len(requests))]

    def result_of(self, request: TrainingRequest) -> Outcome | None:
        """What became of a training before; None where it was not carried out, or not to its end."""
        try:
            return Outcome(**json.loads(self._file(request).read_text()))
        except FileNotFoundError:
            return None

    @property
    def _num_under_way(self) -> int:
        return len(self._files) + len(self._known)

    def _file(self, request: TrainingRequest) -> Path:
        digest = hashlib.sha256(request.model_dump_json(exclude=_WITHOUT_EFFECT).encode()).hexdigest()
        return self._directory / f"{digest[:32]}.json"
