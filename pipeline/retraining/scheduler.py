"""Runs an experiment again and again, one run at a time, until it is told to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from components.errors import StageError
from pipeline.nodes import TRAINER
from pipeline.notification.notify import tell_others
from pipeline.paths import Paths
from pipeline.record import EXECUTED, RunRecord
from pipeline.retraining import due
from pipeline.retraining.child import Child, Outcome
from pipeline.retraining.clock import Clock
from pipeline.retraining.crash import find_remains
from pipeline.retraining.drift import find_drift, fingerprint_of
from pipeline.retraining.state import Attempt, Ended, Process, State, read_state
from schemas.cron import cron_trigger
from schemas.experiment import Experiment

_PAUSE = 0.1
_MOST_TIMES_CUT_OFF = 2
# Of the seconds from one look to the next.
_SETTLED = 0.5
_SECONDS_PER_MINUTE = 60.0


class Scheduler:
    """One experiment's scheduler; a process has one."""

    def __init__(
        self, experiment: Experiment, paths: Paths, arguments: Sequence[str], tell: Callable[[str], None]
    ) -> None:
        """Starts nothing and reads nothing yet.

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
        self._state = State(answered=_now())
        self._last_look: due.Look | None = None
        self._settling = due.Settling(self._rules.poll_seconds * _SETTLED)
        self._too_few: str | None = None
        self._measured: tuple[str, list[str]] | None = None
        self._child: Child | None = None
        self._is_at_work = False
        self._times_asked = 0
        self._not_before = 0.0

    def ask_to_end(self) -> None:
        """Lets the scheduler end after the node at work, or at once, asked twice; fit for a signal handler."""
        self._times_asked += 1

    def serve(self) -> None:
        """Waits for what makes a run due, and runs, until it is asked to end; no other scheduler may be at work.

        Raises:
          OSError: what it needs to know cannot be written.
        """
        self._take_over()
        # It warns of every look that a run makes late.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(
            timezone=timezone.utc,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        now = datetime.now(timezone.utc)
        poll = IntervalTrigger(seconds=self._rules.poll_seconds)
        jobs = [scheduler.add_job(self._look, poll, next_run_time=now, id="poll")]
        if self._rules.cron is not None:
            jobs.append(scheduler.add_job(self._look, cron_trigger(self._rules.cron, self._rules.timezone), id="cron"))
        scheduler.start()
        try:
            times_passed_on, clock = 0, Clock()
            while not self._times_asked or self._is_at_work:
                # They would wait for times by the clock as it was.
                for job in jobs if clock.was_set_back() else ():
                    job.modify(next_run_time=datetime.now(timezone.utc))
                if self._times_asked > times_passed_on and self._child is not None:
                    times_passed_on = self._pass_on(self._child)
                time.sleep(_PAUSE)
        finally:
            scheduler.shutdown()
            self._state.process = None
            self._state.write(self._paths)

    def _take_over(self) -> None:
        """Reads what the scheduler before this one has left unfinished."""
        self._state = read_state(self._paths) or self._state
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
            is_in_time = time.monotonic() >= self._not_before
            if self._state.under_way is not None and is_in_time and not self._times_asked:
                self._run(self._state.under_way)
        except due.UNREADABLE as error:
            self._tell_once("look", f"could not be done: {error}; tried again in {self._rules.poll_seconds:g} s")
        finally:
            self._is_at_work = False

    def _due(self) -> Attempt | None:
        now = datetime.now(timezone.utc)
        if due.come_back_to(now, self._state):
            self._tell("the clock was set back: goes on from the time that it is now")
            self._state.write(self._paths)
        look = self._see()
        is_settled = self._settling.is_settled(look, time.monotonic())
        last = due.last_complete(self._paths)
        is_other_data = look is not None and due.is_new(look, self._state, last)
        reasons = []
        if (missed := due.due_time(self._rules, self._state, now)) is not None:
            reasons.append(f"time {missed.isoformat(timespec='minutes')}")
        if self._rules.on_new_data and is_other_data and is_settled and look is not None:
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
        self._child = Child(
            [*self._arguments, *options], self._paths, None if deadline is None else deadline * _SECONDS_PER_MINUTE
        )
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
        if self._times_asked and outcome.status == "failed":
            # Cut short by whoever ends the scheduler: the next one goes on with it.
            attempt.is_started = False
            self._state.write(self._paths)
        elif outcome.is_crash:
            self._end_crashed(attempt, outcome)
        else:
            self._close(attempt, outcome)

    def _end_crashed(self, attempt: Attempt, outcome: Outcome) -> None:
        """Tries a run again whose process died, so that its data is not lost; not for ever, and not at once."""
        attempt.times_crashed += 1
        pause = self._rules.poll_seconds
        is_tried_again = not outcome.is_late and attempt.times_crashed <= _MOST_TIMES_CUT_OFF
        tries = "1 try" if attempt.times_crashed == 1 else f"{attempt.times_crashed} tries"
        what_next = f"tried again in {pause:g} s" if is_tried_again else f"given up after {tries}"
        remains = find_remains(self._experiment, self._paths, outcome, what_next)
        # The run could not do so itself.
        if remains.is_complete or attempt.times_crashed == 1 or not is_tried_again:
            for warning in tell_others(self._experiment.notifications, remains.record):
                self._tell(warning)
        if remains.is_complete:
            self._close(attempt, replace(outcome, result=remains.record.to_json()))
            return
        self._tell(f"{what_next}: {_listed(attempt.reasons)}")
        if is_tried_again:
            self._not_before = time.monotonic() + pause
            attempt.is_started = False
            self._state.write(self._paths)
        else:
            self._close(attempt, outcome)

    def _close(self, attempt: Attempt, outcome: Outcome) -> None:
        state = self._state
        state.under_way = None
        state.last_overrides = attempt.overrides
        run_id = outcome.result.get("run_id") or outcome.run_id
        state.last = Ended(outcome.status, run_id, attempt.reasons, _now())
        trainer = outcome.result.get("nodes", {}).get(TRAINER)
        if trainer is not None and trainer["state"] == EXECUTED:
            state.num_trainings = 1 if attempt.overrides else state.num_trainings + 1
        state.write(self._paths)

    def _tell_once(self, about: str, text: str) -> None:
        """Tells what does not change from look to look only when it does."""
        if self._told.get(about) != text:
            self._told[about] = text
            self._tell(text)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


def _listed(reasons: Sequence[str]) -> str:
    return ", ".join(reasons)
