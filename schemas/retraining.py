"""The section `retraining`: when `local_runner.py schedule` runs the experiment, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from schemas.cron import cron_trigger, time_zone
from schemas.section import Section


class Retraining(Section):
    """When the scheduler runs the experiment, and how.

    Which spans a run reads and what its training starts from is stated where every run has it: `data.spans.window` and
    `training.warm_start`.
    """

    cron: str | None = None
    """Times as cron has them, such as '0 3 * * *': minute, hour, day, month, day of the week. A time that was missed
    runs once, as soon as it can. null: at no time."""
    timezone: str = "UTC"
    """Of the times, by IANA's name, such as Europe/Berlin."""
    on_new_data: bool = True
    """Runs when a new span appears, or other files of the source change, and have then stayed as they are from one look
    to the next."""
    on_drift: bool = False
    """Runs when the images served (`gate.serving_statistics`, written anew) are further than `gate.max_skew` from those
    trained on."""
    poll_seconds: Annotated[float, Field(ge=0.1)] = 60.0
    """From one look at the source to the next, and from one try to the next while another run has the workspace."""
    min_new_examples: Annotated[int, Field(ge=0)] = 0
    """Fewest examples in spans newer than the last complete run's, or more than that run had where the source has no
    spans. With fewer, no run."""
    cooldown_minutes: Annotated[float, Field(ge=0)] = 0.0
    """From the end of one scheduled run to the start of the next, at least."""
    from_scratch_every: Annotated[int, Field(ge=2)] | None = None
    """Every so many trainings one starts from scratch, although `training.warm_start` is on; null: none does."""
    deadline_minutes: Annotated[float, Field(gt=0)] | None = None
    """A run that takes longer is ended in order; null: no run is."""

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, timezone: str) -> str:
        try:
            time_zone(timezone)
        except ValueError as error:
            raise ValueError(f"{error}; write one of IANA's names, such as Europe/Berlin or UTC") from error
        return timezone

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str | None) -> str | None:
        if cron is not None:
            try:
                cron_trigger(cron, "UTC")
            except ValueError as error:
                raise ValueError(
                    f"got {cron!r}: {error}; write for example '0 3 * * *' for 3 o'clock every day, or '*/15 * * * *'"
                ) from error
        return cron

    @model_validator(mode="after")
    def _something_starts_a_run(self) -> Retraining:
        if self.cron is None and not self.on_new_data and not self.on_drift:
            raise ValueError("nothing would ever start a run; give 'cron', or set on_new_data or on_drift: true")
        return self
