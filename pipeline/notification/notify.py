"""Tells everyone whom an experiment names, and never harms the run."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from pipeline.interruption import is_to_end_after_node
from pipeline.notification.payload import event_of, payload_of
from pipeline.paths import Paths
from pipeline.record import FAILED, RunRecord
from schemas.notifications import Notifications


def notify(notifications: Notifications, record: RunRecord, paths: Paths) -> None:
    """Tells how a run ended; what does not arrive is a warning in its record.

    A run that was asked to end after a node is to go on, and is not told of.

    Args:
      notifications: the experiment's section.
      record: of the run, written already.
      paths: where it is written again; where it cannot be, it stays as it was.
    """
    if record.status == FAILED and is_to_end_after_node():
        return
    undelivered = tell_others(notifications, record)
    if undelivered:
        for text in undelivered:
            record.warn(text)
        with contextlib.suppress(OSError):
            record.write(paths.runs)


def tell_others(notifications: Notifications, record: RunRecord) -> list[str]:
    """Tells how a run ended where that is one of the events asked for; writes nothing.

    Args:
      notifications: the experiment's section.
      record: of the run.

    Returns:
      A warning for each that it did not reach.
    """
    if event_of(record.status) not in notifications.events:
        return []
    return deliver(notifications, payload_of(record))


def deliver(notifications: Notifications, payload: dict[str, Any]) -> list[str]:
    """Delivers to all at the same time, in bounded time.

    Args:
      notifications: the experiment's section.
      payload: what is told.

    Returns:
      A warning for each that it did not reach.
    """
    seconds, sent = notifications.timeout_seconds, {}
    if notifications.webhook is not None:
        from pipeline.notification.webhook import post

        webhook = notifications.webhook
        sent["webhook"] = _Delivery(lambda: post(webhook, payload, seconds))
    if notifications.command is not None:
        from pipeline.notification.command import run_command

        command = notifications.command
        sent["command"] = _Delivery(lambda: run_command(command, payload, seconds))
    failures = {name: delivery.failure(seconds) for name, delivery in sent.items()}
    return [f"notification: the {name} was not told: {why}" for name, why in failures.items() if why]


class _Delivery:
    """One under way, in a thread that nobody waits for longer than stated."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def failure(self, seconds: float) -> str | None:
        """Why it did not arrive; None where it did."""
        try:
            # A little longer than the work's own limit, whose words are better.
            self._thread.join(seconds + 1)
        except KeyboardInterrupt:
            return "interrupted"
        return f"it had not ended after {seconds:g} s" if self._thread.is_alive() else self._failure

    def _deliver(self) -> None:
        try:
            self._work()
        except Exception as error:
            from pipeline.notification.webhook import UndeliveredError

            # Any other error might name what is secret.
            self._failure = str(error) if isinstance(error, UndeliveredError) else type(error).__name__
