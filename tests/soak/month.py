"""Thirty days of a pipeline's life: a span of images a day, some of them bad, two SIGKILLs a day, a removal a day.

python -m tests.soak.month [--days 30] [--seed 0]

Fashion-MNIST is dealt out, so many images a day; each day's training goes on from the last blessed model, which the new
one must not fall behind on images held out. On some days the labels are noise, the images inverted, classes missing or
the files damaged: the gate or the Evaluator must stop these, and say why. On all others the run must end pushed, or not
blessed because the champion is better. Of a fixed set that no run ever sees, the live model may never get worse by
more than 0.01. Disk, processes and executions must not pile up. Prints a table by day and a verdict; exit status 1
where anything is not so.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.garbage.item import size_on_disk
from pipeline.record import NOT_BLESSED, PUSHED, STOPPED_BY_GATE
from tests.bookkeeping import problems_of
from tests.soak import runs
from tests.soak.clothes import BROKEN, GOOD, INVERTED, MISSING, NOISE, Clothes

_EXPERIMENT = """
name: month
data:
  source: "data/day-{SPAN}"
  splits: {test: "test*"}
  labels: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
preprocessing: {height: 28, width: 28, channels: 1, normalization: standardize}
model: {filters: [16, 32]}
training: {epochs: 6, batch_size: 32, warm_start: true}
gate: {drift: fail, max_drift: 0.4, too_few: fail}
evaluation: {thresholds: {accuracy: {min: 0.4, max_drop: 0.0}}}
push: {keep: 2, grace_seconds: 0}
"""
_KEEP = 3
_KILLS_A_DAY = 2
_LARGEST_LOSS = 0.01
# Of the most that lies in the workspace after a removal, against the first half: ML Metadata and records grow a little,
# and of the kept runs sometimes more have a model that is not the champion.
_LARGEST_GROWTH = 1.5


class Expected(NamedTuple):
    """How a day may end."""

    statuses: tuple[str, ...]
    reason: str
    """What the message must name where it does not end with a push."""


_EXPECTED = {
    GOOD: Expected((PUSHED, NOT_BLESSED), "accuracy"),
    NOISE: Expected((NOT_BLESSED,), "accuracy"),
    INVERTED: Expected((STOPPED_BY_GATE,), "drift: "),
    MISSING: Expected((STOPPED_BY_GATE,), "too_few: "),
    BROKEN: Expected((STOPPED_BY_GATE,), "quarantine: "),
}


class Month:
    """The workspace, day by day, and what was found wrong."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._random = random.Random(seed)
        self._clothes = Clothes(seed)
        self._experiment = root / "month.yaml"
        self._experiment.write_text(_EXPERIMENT)
        self._place = root / "workspace" / "month"
        self._accuracies: dict[str, float] = {}
        self._longest = 30.0
        self.sizes: list[int] = []
        self.served: list[float] = []
        self.failures: list[str] = []

    def live(self, day: int, kind: str) -> None:
        """One day: its data, two runs that are killed, a plain one, a removal, and a look at everything."""
        began = time.monotonic()
        self._clothes.write(kind, self._root / "data" / f"day-{day:02}")
        for _ in range(_KILLS_A_DAY):
            self._run(kill_after=self._random.uniform(0, self._longest))
        ended = self._run()
        if kind == GOOD:
            self._longest = ended.seconds
        self._judge(day, kind, ended)
        workspace = ("--workspace", str(self._root / "workspace"))
        arguments = ["gc", str(self._experiment), *workspace, "--keep", str(_KEEP), "--delete", "--json"]
        removal = runs.command(arguments, self._root / "gc.log")
        if removal.exit_status != 0:
            self._fail(day, f"gc ended with {removal.exit_status}: {removal.output}")
        for problem in problems_of(self._place):
            self._fail(day, problem)
        if left := runs.survivors(self._root):
            self._fail(day, f"processes are left: {left}")
        self.sizes.append(size_on_disk(self._root / "workspace"))
        version, accuracy = self._measure(day)
        self._tell(day, kind, ended, version, accuracy, time.monotonic() - began)

    def _run(self, kill_after: float | None = None) -> runs.Ended:
        arguments = ["run", str(self._experiment), "--workspace", str(self._root / "workspace"), "--json"]
        return runs.command(arguments, self._root / "run.log", kill_after)

    def _judge(self, day: int, kind: str, ended: runs.Ended) -> None:
        status, message = ended.json.get("status"), str(ended.json.get("message"))
        expected = _EXPECTED[kind]
        # A run that was to be killed may have pushed before.
        allowed = (*expected.statuses, "unchanged") if PUSHED in expected.statuses else expected.statuses
        if status not in allowed:
            self._fail(day, f"{kind} ended {status}: {message}")
        elif status not in (PUSHED, "unchanged") and expected.reason not in message:
            self._fail(day, f"{kind} was stopped for another reason: {message}")

    def _measure(self, day: int) -> tuple[str, float]:
        versions = sorted((self._place / "serving").glob("[0-9]*"), key=lambda path: int(path.name))
        if not versions:
            return "", 0.0
        live = versions[-1]
        if live.name not in self._accuracies:
            result = runs.forked(lambda: self._clothes.judge(live), self._root / "judge.log")
            if result.exit_status != 0:
                self._fail(day, f"{live.name} cannot be used: {(self._root / 'judge.log').read_text()[-500:]}")
                return live.name, 0.0
            self._accuracies[live.name] = float(result.output.splitlines()[-1])
        accuracy = self._accuracies[live.name]
        if self.served and accuracy < self.served[-1] - _LARGEST_LOSS:
            self._fail(day, f"the live model got worse: {self.served[-1]:.4f}, then {accuracy:.4f}")
        self.served.append(accuracy)
        return live.name, accuracy

    def _tell(self, day: int, kind: str, ended: runs.Ended, version: str, accuracy: float, seconds: float) -> None:
        found = ended.json.get("metrics", {}).get("accuracy")
        ours = f"{found:.4f}" if found is not None else "-"
        size = f"{self.sizes[-1] / 1e6:.1f}"
        status = str(ended.json.get("status"))
        print(
            f"{day:3}  {kind:8}  {status:15} {ours:>8} {version:>12} {accuracy:8.4f} {size:>8} {seconds:8.1f}",
            flush=True,
        )

    def _fail(self, day: int, text: str) -> None:
        self.failures.append(f"day {day}: {text}")
        print(f"FAILED {self.failures[-1]}", flush=True)

    def check_growth(self) -> None:
        """Whether the workspace has stopped growing: both halves hold days of all kinds, and runs of all ends."""
        half = len(self.sizes) // 2
        first, later = max(self.sizes[:half], default=0), max(self.sizes[half:])
        if half and later > _LARGEST_GROWTH * first:
            self._fail(len(self.sizes), f"the workspace grew from {first / 1e6:.1f} to {later / 1e6:.1f} MB")


def calendar(days: int) -> list[str]:
    """What kind of day each is: the bad ones spread over the time, never the first two."""
    kinds = [GOOD] * days
    for place, kind in enumerate((NOISE, INVERTED, MISSING, BROKEN), start=1):
        day = max(2, place * days // 5)
        if day < days:
            kinds[day] = kind
    return kinds


def within(work: Callable[[Path], int]) -> int:
    """Works in a directory that is gone afterwards, with all temporary files in it."""
    root = Path(tempfile.mkdtemp(prefix="month-"))
    (root / "temporary").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(root / "temporary")
    try:
        return work(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def main() -> None:
    """Prints the table and the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    def work(root: Path) -> int:
        runs.load_libraries()
        month = Month(root, options.seed)
        head = (
            f"{'day':>3}  {'data':8}  {'status':15} {'accuracy':>8} {'live':>12} {'of it':>8} {'MB':>8} {'seconds':>8}"
        )
        print(head, flush=True)
        for day, kind in enumerate(calendar(options.days), start=1):
            month.live(day, kind)
        month.check_growth()
        left = sum(file.stat().st_size for file in (root / "temporary").rglob("*") if file.is_file())
        print(f"temporary files left by {_KILLS_A_DAY * options.days} kills: {left / 1e6:.1f} MB")
        print(f"{'FAILED' if month.failures else 'passed'}: {len(month.failures)} failures in {options.days} days")
        return 1 if month.failures else 0

    sys.exit(within(work))


if __name__ == "__main__":
    main()
