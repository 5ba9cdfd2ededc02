"""What makes a run due: a time, new data, drift."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from components.errors import StageError
from components.image_example_gen.counting import num_examples
from components.image_example_gen.source import SourceFile, list_files
from components.image_example_gen.survey import survey
from pipeline.paths import Paths
from pipeline.record import RunRecord, read_records
from pipeline.retraining.state import State
from schemas.cron import cron_trigger
from schemas.experiment import Experiment
from schemas.retraining import Retraining


class Look(NamedTuple):
    """The source at one time."""

    fingerprint: str
    span: int | None
    version: int | None

    def describe(self) -> str:
        """The newest span, for a person; empty where there are none."""
        if self.span is None:
            return ""
        return f"span {self.span}" + (f", version {self.version}" if self.version else "")


class Settling:
    """Since when the source has been as it is: what is still being written is not there yet."""

    def __init__(self, seconds: float) -> None:
        """Nothing has been seen.

        Args:
          seconds: that a source has to stay as it is; looks that are closer to each other prove nothing.
        """
        self._seconds = seconds
        self._look: Look | None = None
        self._since = 0.0

    def is_settled(self, look: Look | None, now: float) -> bool:
        """Whether the source has stayed as it is from an earlier look to this one.

        Args:
          look: None where the source cannot be read.
          now: seconds of a clock that is never set.
        """
        if look != self._look:
            self._look, self._since = look, now
            return False
        return look is not None and now - self._since >= self._seconds


def look_at(experiment: Experiment, paths: Paths) -> Look:
    """The source as ingestion sees it.

    Args:
      experiment: validated.
      paths: where an embedded data set lies.

    Raises:
      StageError: it cannot be read, or holds nothing.
      OSError: it cannot be read.
    """
    found = survey(experiment.data, paths.source(experiment))
    return Look(found.fingerprint, found.span, found.version)


def last_complete(paths: Paths) -> RunRecord | None:
    """The newest run that pushed, or found nothing new."""
    return next((record for record in reversed(read_records(paths.runs)) if record.basis is not None), None)


def next_time(retraining: Retraining, after: datetime) -> datetime | None:
    """The first time of the cron expression after another time; None where there is none."""
    if retraining.cron is None:
        return None
    trigger = cron_trigger(retraining.cron, retraining.timezone)
    found: datetime | None = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
    return found


def due_time(retraining: Retraining, state: State, now: datetime) -> datetime | None:
    """The first time that has had no run yet, however long ago; None where none has come."""
    time = next_time(retraining, datetime.fromisoformat(state.answered))
    return time if time is not None and time <= now else None


def is_new(look: Look, state: State, last: RunRecord | None) -> bool:
    """Whether neither a scheduled run nor the last complete one has had this data."""
    known = {state.seen, last.basis["fingerprint"] if last and last.basis else None}
    return look.fingerprint not in known


def num_new_examples(experiment: Experiment, paths: Paths, last: RunRecord | None, limit: int) -> int:
    """Examples that the last complete run did not have, counted no further than to a limit.

    Those of newer spans or versions; where the source has no spans, those that are more than it had.

    Raises:
      StageError: the source cannot be read.
      OSError: it cannot be read.
    """
    files = list_files(experiment.data, paths.source(experiment))
    if last is None or last.basis is None:
        return num_examples(files, experiment.data, limit)
    if files[0].span is not None:
        known = (last.basis["span"], last.basis["version"])
        newer = [file for file in files if _place(file) > known]
        return num_examples(newer, experiment.data, limit)
    data = last.data or {"examples": {}, "refused": {}}
    before = sum(data["examples"].values()) + sum(data["refused"].values())
    return max(num_examples(files, experiment.data, before + limit) - before, 0)


def cooled_down_at(retraining: Retraining, state: State) -> datetime | None:
    """Until when no run may start; None where none has ended yet."""
    if state.last is None:
        return None
    return datetime.fromisoformat(state.last.when) + timedelta(minutes=retraining.cooldown_minutes)


def come_back_to(now: datetime, state: State) -> bool:
    """Takes what is noted as of later than now, before the clock was set back, as of now: or all would wait until then.

    Args:
      now: with a time zone.
      state: of the scheduler; the caller writes it.

    Returns:
      Whether there was any such time.
    """
    is_back = False
    if datetime.fromisoformat(state.answered) > now:
        state.answered, is_back = now.isoformat(), True
    if state.last is not None and datetime.fromisoformat(state.last.when) > now:
        state.last.when, is_back = now.isoformat(), True
    return is_back


def overrides_of(retraining: Retraining, state: State, is_other_data: bool) -> list[str]:
    """What a run is given so that every n-th training starts from scratch.

    Args:
      retraining: the experiment's section.
      state: of the scheduler.
      is_other_data: whether the data has changed since the last run; over the same it is given the same, or it would
        train anew for that alone.
    """
    if retraining.from_scratch_every is None:
        return []
    if not is_other_data:
        return state.last_overrides
    is_turn = state.num_trainings >= retraining.from_scratch_every
    return ["training.warm_start=false"] if is_turn else []


def _place(file: SourceFile) -> tuple[int, int]:
    return file.span or 0, file.version or 0


UNREADABLE = (StageError, OSError)
"""What looking at a source may raise."""
