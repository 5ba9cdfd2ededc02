"""Kills whole runs at random moments, each followed by a plain one, which must end as if nothing had happened.

python -m tests.soak.run_kills [--kills 50] [--seed 0]

Each time the source has changed, so that every stage has work to do. After each pair: the run is pushed, or the one
that was cut off had pushed already; no stage that had ended is worked again; in ML Metadata no execution is unfinished,
no artifact without its directory and no directory without its artifact; the record of the run that was cut off says so;
the live version is whole; no process and no temporary file is left. Exit status 1 where any of this is not so.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from components.pusher.local_directory import LocalDirectory
from pipeline.nodes import PUSHER, RUN_REPORT
from pipeline.record import CACHED, EXECUTED, FAILED, PUSHED, UNCHANGED, RunRecord, read_records
from tests.bookkeeping import problems_of
from tests.soak import runs

_EXPERIMENT = """
extends: digits
name: kills
data: {dataset: null, source: source}
training: {epochs: 2}
push: {keep: 2, grace_seconds: 0}
evaluation: {thresholds: {accuracy: {min: 0.0, max_drop: null}, cross_entropy: {max: 100.0}}}
"""
_NUM_IMAGES = 300
# It takes as long as all else together, so that kills would meet little but it.
_SHARE_WITH_CANARY = 0.3
# Several attempts at one kill, where runs end before it.
_MOST_ATTEMPTS = 4


class Soak:
    """The experiment, its workspace, and what was found wrong."""

    def __init__(self, root: Path, seed: int) -> None:
        self._root = root
        self._random = random.Random(seed)
        self._has_canary = False
        self._whole = {False: 20.0, True: 35.0}
        """Seconds of a run that was not killed, by whether it had a canary."""
        self._workspace = root / "workspace"
        self._records = _digits(root)
        self._experiment = root / "kills.yaml"
        self._experiment.write_text(_EXPERIMENT)
        (root / "source").mkdir()
        self.stages: Counter[str] = Counter()
        """Where the kills met."""
        self.failures: list[str] = []

    @property
    def place(self) -> Path:
        """The experiment's part of the workspace."""
        return self._workspace / "kills"

    def run(self, kill_after: float | None = None) -> runs.Ended:
        """A plain run, or one that is killed."""
        canary = ("--set", f"canary.enabled={str(self._has_canary).lower()}")
        arguments = ["run", str(self._experiment), "--workspace", str(self._workspace), *canary, "--json"]
        ended = runs.command(arguments, self._root / "run.log", kill_after)
        if ended.json.get("nodes", {}).get("Trainer", {}).get("state") == EXECUTED:
            self._whole[self._has_canary] = ended.seconds
        return ended

    def change_source(self) -> None:
        """Other images, in another order, in the place of the last ones."""
        chosen = self._random.sample(self._records, _NUM_IMAGES)
        _write(chosen, self._root / "source" / "digits.tfrecord")

    def kill(self, number: int) -> None:
        """Kills one run at a random moment, runs again, and looks at both."""
        self._has_canary = self._random.random() < _SHARE_WITH_CANARY
        for _ in range(_MOST_ATTEMPTS):
            self.change_source()
            before = {record.run_id for record in read_records(self.place / "runs")}
            moment = self._random.uniform(0, self._whole[self._has_canary])
            if self.run(kill_after=moment).exit_status is None:
                break
        else:
            self._fail(number, "every run ended before its kill")
            return
        new = [record for record in read_records(self.place / "runs") if record.run_id not in before]
        cut = new[-1] if new else None
        again = self.run()
        self._check(number, cut, again)
        stage = _stage(cut)
        self.stages[stage] += 1
        print(f"{number:3}  {moment:5.1f} s  {stage:16} {again.json.get('status')}  {again.seconds:5.1f} s", flush=True)

    def _check(self, number: int, cut: RunRecord | None, again: runs.Ended) -> None:
        # A run that was killed at its report, or on its way out, has pushed, and says so.
        pushed_before = cut is not None and cut.status == PUSHED
        status = again.json.get("status")
        # A kill between the push and its note leaves a version live of which the record does not know yet.
        reached_push = cut is not None and PUSHER in cut.nodes
        wanted = {PUSHED, UNCHANGED} if reached_push else {PUSHED}
        if status not in wanted or (pushed_before and status != UNCHANGED):
            self._fail(number, f"the run ended {status}: {again.json.get('message') or again.output[-500:]}")
        if cut is not None:
            done = {name for name, node in cut.nodes.items() if node.state in (EXECUTED, CACHED)} - {RUN_REPORT}
            nodes = again.json.get("nodes", {})
            if repeated := [name for name in sorted(done) if nodes.get(name, {}).get("state") != CACHED]:
                self._fail(number, f"worked again: {', '.join(repeated)}")
            told = next(item for item in read_records(self.place / "runs") if item.run_id == cut.run_id)
            if told.status != (PUSHED if pushed_before else FAILED):
                self._fail(number, f"the record of the run that was cut off says {told.status}")
        for problem in problems_of(self.place):
            self._fail(number, problem)
        serving = LocalDirectory(self.place / "serving")
        for version in serving.versions():
            if damage := serving.damage(version):
                self._fail(number, f"version {version}: {damage}")
        if left := runs.survivors(self._root):
            self._fail(number, f"processes are left: {left}")

    def _fail(self, number: int, text: str) -> None:
        self.failures.append(f"kill {number}: {text}")
        print(f"FAILED {self.failures[-1]}", flush=True)


def _stage(cut: RunRecord | None) -> str:
    if cut is None:
        return "before its record"
    if cut.status == PUSHED:
        return "after its push"
    at_work = [name for name, node in cut.nodes.items() if node.state == "running"]
    return at_work[0] if at_work else "between stages" if cut.nodes else "loading"


def _digits(root: Path) -> list[bytes]:
    """Serialized examples; made in another process, for this one must not use TensorFlow."""

    def work() -> int:
        from pipeline.datasets.preparation import prepare

        prepare("digits", root / "digits")
        return 0

    if runs.forked(work, root / "digits.log").exit_status != 0:
        sys.exit((root / "digits.log").read_text())
    from tests.soak.tfrecords import read_records as read

    return [record for path in sorted((root / "digits").glob("*.tfrecord")) for record in read(path)]


def _write(records: list[bytes], path: Path) -> None:
    from tests.soak.tfrecords import write_records

    write_records(records, path)


def main() -> None:
    """Prints a line for each kill, and a verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="run-kills-"))
    temporary = root / "temporary"
    temporary.mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    began = time.monotonic()
    try:
        runs.load_libraries()
        soak = Soak(root, options.seed)
        soak.change_source()
        first = soak.run()
        if first.exit_status != 0:
            sys.exit(f"the first run ended with {first.exit_status}:\n{first.output}\n{(root / 'run.log').read_text()}")
        print(f"undisturbed: {first.seconds:.1f} s, {first.json['status']}", flush=True)
        for number in range(1, options.kills + 1):
            soak.kill(number)
        left = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
    finally:
        shutil.rmtree(root, ignore_errors=True)
    met = ", ".join(f"{stage} {count}" for stage, count in soak.stages.most_common())
    print(f"{sum(soak.stages.values())} kills in {(time.monotonic() - began) / 60:.1f} minutes: {met}")
    print(f"temporary files left: {left / 1e6:.1f} MB; failures: {len(soak.failures)}")
    sys.exit(1 if soak.failures else 0)


if __name__ == "__main__":
    main()
