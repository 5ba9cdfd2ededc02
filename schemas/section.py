"""What all sections of the experiment file have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# The format goes into the JSON Schema, where the loader finds which keys hold paths.
# A relative path starts at the file that states it.
ExperimentPath = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]

ExperimentName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class Section(BaseModel):
    """A part of an experiment: immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
