"""Directories like SavedModels, and what is done with them in most tests of the Pusher."""

from __future__ import annotations

from pathlib import Path

from components.pusher.history import Event
from components.pusher.publication import Publication, publish
from components.pusher.serving_directory import ServingDirectory
from schemas.push import Push

NAME = "flowers"
AT_ONCE = Push.model_validate({"keep": 3, "grace_seconds": 0, "model_server": None})
"""Deletes what is too much without waiting for servers."""


def write_servable(directory: Path, number: int = 0) -> Path:
    """A directory like a SavedModel; each number is another model."""
    (directory / "variables").mkdir(parents=True, exist_ok=True)
    (directory / "assets").mkdir(exist_ok=True)
    (directory / "saved_model.pb").write_bytes(b"graph")
    (directory / "fingerprint.pb").write_text(f"model {number}")
    (directory / "variables" / "variables.index").write_bytes(b"index" * 1000)
    return directory


def push_models(serving: ServingDirectory, servable: Path, *numbers: int, push: Push = AT_ONCE) -> list[int]:
    """Pushes a model for each number, and gives their versions."""
    return [push_model(serving, servable, number, push).version for number in numbers]


def push_model(serving: ServingDirectory, servable: Path, number: int, push: Push = AT_ONCE) -> Publication:
    """Pushes one model."""
    return publish(write_servable(servable, number), serving, push, NAME)


def events_of(serving: ServingDirectory, kind: str) -> list[Event]:
    """The events of one kind, without their times and users."""
    return [
        {key: value for key, value in event.items() if key not in ("time", "who", "event")}
        for event in serving.events()
        if event["event"] == kind
    ]
