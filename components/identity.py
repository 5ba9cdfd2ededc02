"""Who does something that is put on record."""

from __future__ import annotations

import getpass
import os
import platform


def who() -> str:
    """The user and the machine, as `ann@workstation`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # In a container a user may be no more than a number.
        user = f"user {os.getuid()}"
    return f"{user}@{platform.node()}"
