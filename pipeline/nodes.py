"""Names of the nodes that the execution loop looks at."""

from __future__ import annotations

TUNER = "Tuner"
TRAINER = "Trainer"
PUSHER = "Pusher"
