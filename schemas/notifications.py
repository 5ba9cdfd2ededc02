"""The section `notifications`: who is told how a run ended."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Section

Event = Literal["pushed", "refused", "failed"]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Webhook(Section):
    """An address that gets a POST with a JSON object. What is secret is named by a variable of the environment, and
    stands in no record, report or log."""

    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """The address, where it is no secret: reports show the experiment."""
    url_variable: VariableName | None = None
    """Variable of the environment that holds the address. Instead of `url`."""
    header_variables: dict[str, VariableName] = {}
    """Headers by name, such as Authorization, each with the variable of the environment that holds its value."""

    @model_validator(mode="after")
    def _one_address(self) -> Webhook:
        if (self.url is None) == (self.url_variable is None):
            raise ValueError("give exactly one of 'url' and 'url_variable'")
        return self


class Notifications(Section):
    """Who is told how a run ended. Nothing that goes wrong with it changes how the run ended."""

    events: Annotated[tuple[Event, ...], Field(min_length=1)] = ("pushed", "refused", "failed")
    """What is told: a push; a refusal by the gate, the Evaluator or the Canary; a failure. Never a run with nothing
    new."""
    webhook: Webhook | None = None
    """Gets the notification by HTTP."""
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """A program and its arguments, run without a shell: gets the JSON object on standard input, its status and message
    as DARKROOM_STATUS and DARKROOM_MESSAGE in the environment too."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 30.0
    """For each of the two, all its tries together."""
