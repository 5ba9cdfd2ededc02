from __future__ import annotations

import getpass
import platform

import pytest

from components.identity import who


def test_user_and_machine_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the user and of the machine; a number where a container knows no name."""
    monkeypatch.setattr(platform, "node", lambda: "here")
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    assert who() == "ann@here"

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nobody)
    monkeypatch.setattr("os.getuid", lambda: 1234)
    assert who() == "user 1234@here"
