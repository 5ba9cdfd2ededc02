"""Runs an experiment again and again, one run at a time, until it is told to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from components.errors import StageError
from pipeline.nodes import TRAINER
from pipeline.notification.notify import notify
from pipeline.paths import Paths
from pipeline.record import EXECUTED, RUNNING, RunRecord, read_records
from pipeline.retraining import due
from pipeline.retraining.child import Child, Outcome
from pipeline.retraining.drift import find_drift, fingerprint_of
from pipeline.retraining.state import Attempt, Ended, Process, State, read_state
from schemas.cron import cron_trigger
from schemas.experiment import Experiment

_PAUSE = 0.1
_MOST_TIMES_CUT_OFF = 2
_SECONDS_PER_MINUTE = 60.0


class Scheduler:
    """One experiment's scheduler; a process has one."""

    def __init__(
        self, experiment: Experiment, paths: Paths, arguments: Sequence[str], tell: Callable[[str], None]
    ) -> None:
        """Starts nothing yet.

        Args:
          experiment: validated.
          paths: where its results go; prepared.
          arguments: of `local_runner.py run` for this experiment.
          tell: takes a line for a person.
        """
        self._experiment = experiment
        self._rules = experiment.retraining
        self._paths = paths
        self._arguments = list(arguments)
        self._tell = tell
        self._told: dict[str, str] = {}
        self._state = read_state(paths) or State(answered=_now())
        self._last_look: due.Look | None = None
        self._too_few: str | None = None
        self._measured: tuple[str, list[str]] | None = None
        self._child: Child | None = None
        self._is_at_work = False
        self._times_asked = 0

    def ask_to_end(self) -> None:
        """Lets the scheduler end after the node at work, or at once, asked twice; fit for a signal handler."""
        self._times_asked += 1

    def serve(self) -> None:
        """Waits for what makes a run due, and runs, until it is asked to end."""
        self._take_over()
        # It warns of every look that a run makes late.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(
            timezone=timezone.utc,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        now = datetime.now(timezone.utc)
        scheduler.add_job(self._look, IntervalTrigger(seconds=self._rules.poll_seconds), next_run_time=now, id="poll")
        if self._rules.cron is not None:
            scheduler.add_job(self._look, cron_trigger(self._rules.cron, self._rules.timezone), id="cron")
        scheduler.start()
        try:
            times_passed_on = 0
            while not self._times_asked or self._is_at_work:
                if self._times_asked > times_passed_on and self._child is not None:
                    times_passed_on = self._pass_on(self._child)
                time.sleep(_PAUSE)
        finally:
            scheduler.shutdown()
            self._state.process = None
            self._state.write(self._paths)

    def _take_over(self) -> None:
        """Reads what the scheduler before this one has left unfinished."""
        self._state.process = Process.of_this(_now())
        attempt = self._state.under_way
        if attempt is not None and attempt.is_started:
            attempt.times_cut_off += 1
            attempt.is_started = False
            if attempt.times_cut_off > _MOST_TIMES_CUT_OFF:
                self._tell(
                    f"given up after {attempt.times_cut_off} schedulers died during it: {_listed(attempt.reasons)}"
                )
                self._state.under_way = None
        self._state.write(self._paths)

    def _pass_on(self, child: Child) -> int:
        if self._times_asked == 1:
            self._tell("ends after the node at work; asked again, at once")
            child.end_after_node()
        else:
            child.end()
        return self._times_asked

    def _look(self) -> None:
        """Decides whether a run is due, and carries it out."""
        if self._times_asked:
            return
        self._is_at_work = True
        try:
            if self._state.under_way is None:
                self._state.under_way = self._due()
            if self._state.under_way is not None and not self._times_asked:
                self._run(self._state.under_way)
        except due.UNREADABLE as error:
            self._tell_once("look", f"could not be done: {error}; tried again in {self._rules.poll_seconds:g} s")
        finally:
            self._is_at_work = False

    def _due(self) -> Attempt | None:
        now = datetime.now(timezone.utc)
        before, look = self._last_look, self._see()
        last = due.last_complete(self._paths)
        is_other_data = look is not None and due.is_new(look, self._state, last)
        reasons = []
        if (missed := due.due_time(self._rules, self._state, now)) is not None:
            reasons.append(f"time {missed.isoformat(timespec='minutes')}")
        # What is still being written is not there yet.
        if self._rules.on_new_data and is_other_data and look == before and look is not None:
            reasons.append(f"new data{': ' if look.describe() else ''}{look.describe()}")
        if self._rules.on_drift and last is not None:
            reasons += self._drifted(last)
        if not reasons:
            return None
        cooled_down = due.cooled_down_at(self._rules, self._state)
        if cooled_down is not None and cooled_down > now:
            self._tell_once("cooling", f"due ({_listed(reasons)}), but not before {cooled_down:%Y-%m-%d %H:%M:%S} UTC")
            return None
        if look is not None and not self._are_enough(look, last, is_other_data, reasons):
            if missed is not None:
                self._state.answered = now.isoformat()
                self._state.write(self._paths)
            return None
        overrides = due.overrides_of(self._rules, self._state, is_other_data)
        return Attempt(reasons, now.isoformat(), overrides)

    def _drifted(self, last: RunRecord) -> list[str]:
        """Why a run is due, where the statistics of what is served are new, and have drifted."""
        served = fingerprint_of(self._experiment.gate)
        if served is None or served == self._state.served:
            return []
        if self._measured is None or self._measured[0] != served:
            try:
                self._measured = served, find_drift(self._experiment.gate, last)
            except StageError as error:
                self._tell_once("drift", str(error))
                self._measured = served, []
        return [f"drift: {message}" for message in self._measured[1][:1]]

    def _see(self) -> due.Look | None:
        """The source as it is now; None where it cannot be read, which is told once."""
        try:
            self._last_look = due.look_at(self._experiment, self._paths)
        except due.UNREADABLE as error:
            # An embedded data set is only prepared by the first run.
            if self._experiment.data.dataset is None:
                self._tell_once("source", f"the source cannot be read: {error}")
            self._last_look = None
        return self._last_look

    def _are_enough(self, look: due.Look, last: RunRecord | None, is_other_data: bool, reasons: Sequence[str]) -> bool:
        wanted = self._rules.min_new_examples
        if self._too_few != look.fingerprint:
            found = due.num_new_examples(self._experiment, self._paths, last, wanted) if is_other_data else 0
            if found >= wanted:
                return True
            self._too_few = look.fingerprint
            self._tell(f"due ({_listed(reasons)}), but there are {found} new examples of {wanted} wanted")
        return False

    def _run(self, attempt: Attempt) -> None:
        state = self._state
        seen_before = state.seen
        if self._last_look is not None:
            state.seen = self._last_look.fingerprint
        if self._measured is not None:
            state.served = self._measured[0]
        attempt.is_started = True
        state.answered = _now()
        state.write(self._paths)
        self._tell_once("run", f"run: {_listed(attempt.reasons)} [{attempt.since}]")
        options = [argument for override in attempt.overrides for argument in ("--set", override)]
        deadline = self._rules.deadline_minutes
        self._child = Child([*self._arguments, *options], None if deadline is None else deadline * _SECONDS_PER_MINUTE)
        outcome = self._child.wait()
        self._child = None
        if not outcome.is_started:
            # In use by another run, or not to be written to: the next look tries again.
            attempt.is_started = False
            state.seen = seen_before
            self._tell_once(
                "start", f"could not start: {outcome.describe()}; tried again in {self._rules.poll_seconds:g} s"
            )
            state.write(self._paths)
            return
        self._told.clear()
        self._tell(outcome.describe())
        self._end(attempt, outcome)

    def _end(self, attempt: Attempt, outcome: Outcome) -> None:
        state = self._state
        if self._times_asked and outcome.status == "failed":
            # Cut short by whoever ends the scheduler: the next one goes on with it.
            attempt.is_started = False
            state.write(self._paths)
            return
        state.under_way = None
        state.last_overrides = attempt.overrides
        state.last = Ended(outcome.status, outcome.result.get("run_id"), attempt.reasons, _now())
        trainer = outcome.result.get("nodes", {}).get(TRAINER)
        if trainer is not None and trainer["state"] == EXECUTED:
            state.num_trainings = 1 if attempt.overrides else state.num_trainings + 1
        state.write(self._paths)
        if not outcome.result:
            self._notify_of_a_crash(outcome)

    def _notify_of_a_crash(self, outcome: Outcome) -> None:
        """Tells of a run whose process could not do so itself."""
        records = [record for record in read_records(self._paths.runs) if record.status == RUNNING]
        for record in records[-1:]:
            record.cut_off()
            record.message = f"{record.message} ({outcome.describe()})"
            record.write(self._paths.runs)
            notify(self._experiment.notifications, record, self._paths)

    def _tell_once(self, about: str, text: str) -> None:
        """Tells what does not change from look to look only when it does."""
        if self._told.get(about) != text:
            self._told[about] = text
            self._tell(text)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


def _listed(reasons: Sequence[str]) -> str:
    return ", ".join(reasons)
