"""Failures that are a user's to mend: shown as their message, without a stack trace."""

from __future__ import annotations


class StageError(Exception):
    """A stage cannot go on, for a reason that its message states in full."""


class PassingError(StageError):
    """One that another try may not meet: a server does not answer."""


class DataError(StageError):
    """The data cannot be trusted or used."""


class TrainingError(StageError):
    """The training went wrong."""
