"""The section `retries`: how often a stage is tried again after a failure that may pass."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.section import Section


class Retries(Section):
    """How often something is tried again after a failure.

    A stage is (`retries`) after input and output errors, a lack of memory, or a database that is locked or away; bad
    data and errors of the experiment are never tried again. A pod is (`kubeflow.retries`) after any failure, and finds
    what was done before it.
    """

    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """How often it is tried, at most; 1 tries nothing again."""
    backoff_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0
    """Wait before the second attempt; twice as long before each further one, for a stage at most ten minutes."""
