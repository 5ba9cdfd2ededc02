"""Names of the nodes that the execution loop looks at."""

from __future__ import annotations

TRAINER = "Trainer"
PUSHER = "Pusher"
