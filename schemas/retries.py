"""The section `retries`: how often a stage is tried again after a failure that may pass."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.section import Section


class Retries(Section):
    """What happens after input and output errors, a lack of memory, or a database that is locked or away.

    Bad data and errors of the experiment are never tried again.
    """

    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """How often a stage is tried, at most; 1 tries nothing again."""
    backoff_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0
    """Wait before the second attempt; twice as long before each further one, at most ten minutes."""
