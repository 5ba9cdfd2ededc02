"""Pushes and rolls back while pollers read the directory; in half of the operations the process is killed by SIGKILL.

python -m tests.soak.pushes [--pushes 200] [--rollbacks 60] [--seed 0]

Prints figures as one JSON object. Exit status 1 where a poller ever saw a version that is not whole, where a finished
push left anything behind, or where numbers did not grow.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from components.pusher import naming
from components.pusher.local_directory import LocalDirectory
from components.pusher.publication import publish
from components.pusher.rollback import roll_back
from schemas.push import Push

_NAME = "soak"
_PUSH = Push.model_validate({"keep": 3, "grace_seconds": 10, "model_server": {"batching": {}}})
_LEFTOVERS = (naming.STAGING, naming.REMOVED, naming.WRITING)
_TIMEOUT = 120


class Operations:
    """Runs operations in processes of their own, and kills every second one, on average."""

    def __init__(self, serving: LocalDirectory, seed: int) -> None:
        self._serving = serving
        self._random = random.Random(seed)
        self._seconds = [0.2]
        self.num_killed = 0
        self.num_finished = 0
        self.live: list[int] = []
        """The live version after each operation."""
        self.failures: list[str] = []

    def run(self, operation: Callable[[], object]) -> None:
        """Runs one, or kills it somewhere on its way."""
        wants_kill = self.num_killed <= self.num_finished
        began = time.monotonic()
        process = os.fork()
        if process == 0:
            _in_child(operation)
        if wants_kill:
            time.sleep(self._random.uniform(0, 0.9 * statistics.median(self._seconds)))
            # Not waited for yet, so the number is still this process's, though it may have ended.
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if os.WIFSIGNALED(status):
            self.num_killed += 1
        else:
            self.num_finished += 1
            self._seconds = [*self._seconds[-20:], time.monotonic() - began]
            self.check(os.WEXITSTATUS(status))
        self.live += self._serving.versions()[-1:]

    def check(self, exit_status: int) -> None:
        """Looks at what an operation that was not killed leaves behind it."""
        if exit_status:
            self.failures.append(f"an operation ended with {exit_status}")
        if left := [name for name in os.listdir(self._serving.path) if name.startswith(_LEFTOVERS)]:
            self.failures.append(f"left behind: {', '.join(left)}")

    @property
    def median_seconds(self) -> float:
        """How long one takes that is not killed."""
        return round(statistics.median(self._seconds), 3)


def _in_child(operation: Callable[[], object]) -> None:
    status = 1
    try:
        operation()
        status = 3 if "tensorflow" in sys.modules else 0
    finally:
        os._exit(status)


@contextlib.contextmanager
def polling(serving: Path, *checks: str) -> Iterator[dict[str, Any]]:
    """Lets pollers read the directory meanwhile; holds afterwards what each of them saw."""
    found: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        pollers = {}
        for check in checks:
            command = [sys.executable, "-m", "tests.soak.poller", check, str(serving)]
            pollers[check] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(pollers[check].kill)
        for poller in pollers.values():
            assert poller.stdout is not None
            assert poller.stdout.readline() == "ready\n"
        yield found
        for check, poller in pollers.items():
            output, _ = poller.communicate(timeout=_TIMEOUT)
            found[check] = json.loads(output)


def push_and_poll(root: Path, num_pushes: int, seed: int) -> dict[str, Any]:
    """The pushes, each of another model."""
    serving, servable = LocalDirectory(root / "serving"), root / "servable"
    serving.path.mkdir()
    operations = Operations(serving, seed)
    with polling(serving.path, "verify", "load") as found:
        for number in range(num_pushes):
            (servable / "assets" / "number.txt").write_text(str(number))
            operations.run(lambda: publish(servable, serving, _PUSH, _NAME))
        publish(servable, serving, _PUSH, _NAME)
        operations.check(0)
    figures = _figures(operations, found, num_pushes)
    for check, saw in found.items():
        if saw["seen"] != sorted(set(saw["seen"])):
            figures["failures"].append(f"{check} saw a number that did not grow")
        if saw["withdrawn"]:
            figures["failures"].append(f"{check} was reading a version when it was deleted")
    return figures


def roll_back_and_poll(root: Path, num_rollbacks: int, seed: int) -> dict[str, Any]:
    """Rollbacks over the versions that the pushes left, several steps back and forth."""
    serving = LocalDirectory(root / "serving")
    while len(serving.versions()) < 2 * _PUSH.keep:
        (root / "servable" / "assets" / "number.txt").write_text(f"again {time.time_ns()}")
        publish(root / "servable", serving, _PUSH, _NAME)
    operations, chosen = Operations(serving, seed), random.Random(seed)
    operations.live += serving.versions()[-1:]
    with polling(serving.path, "verify") as found:
        for _ in range(num_rollbacks):
            target = chosen.choice([*serving.versions()[:-1], *serving.rolled_back()])
            operations.run(lambda target=target: roll_back(serving, _PUSH, _NAME, target, "soak"))  # type: ignore[misc]
    figures = _figures(operations, found, num_rollbacks)
    for check, saw in found.items():
        if not _is_part(saw["seen"], operations.live):
            figures["failures"].append(f"{check} saw a version that was never to be live")
    return figures


def _figures(operations: Operations, found: dict[str, Any], num_operations: int) -> dict[str, Any]:
    failures = [*operations.failures, *(failure for saw in found.values() for failure in saw["failures"])]
    pollers = {check: {key: saw[key] for key in saw if key not in ("seen", "failures")} for check, saw in found.items()}
    return {
        "operations": num_operations,
        "killed": operations.num_killed,
        "median_seconds": operations.median_seconds,
        "pollers": pollers,
        "failures": failures,
    }


def _is_part(seen: list[int], live: list[int]) -> bool:
    """Whether all that was seen was live, in this order."""
    remaining = iter(live)
    return all(version in remaining for version in seen)


def soak(root: Path, num_pushes: int, num_rollbacks: int, seed: int) -> dict[str, Any]:
    """Runs all in a directory, and gives the figures; `passed` is the verdict."""
    pushes = push_and_poll(root, num_pushes, seed)
    rollbacks = roll_back_and_poll(root, num_rollbacks, seed)
    return {"passed": not pushes["failures"] and not rollbacks["failures"], "pushes": pushes, "rollbacks": rollbacks}


def main() -> None:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--rollbacks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        figures = soak(root, arguments.pushes, arguments.rollbacks, arguments.seed)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(json.dumps(figures))
    sys.exit(0 if figures["passed"] else 1)


if __name__ == "__main__":
    main()
