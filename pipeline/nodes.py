"""Names of the nodes that the execution loop looks at."""

from __future__ import annotations

TUNER = "Tuner"
TRAINER = "Trainer"
PUSHER = "Pusher"

RUN_REPORT = "RunReport"
"""Not a node of the DAG: made at the end of every run, also of one that stopped."""

LOADING = "loading"
"""What comes before the first node: not one of the DAG either."""
