from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.notifications import Notifications


@pytest.mark.parametrize(
    "section",
    [
        {"webhook": {}},
        {"webhook": {"url": "https://example.com", "url_variable": "HOOK"}},
        {"webhook": {"url": "ftp://example.com"}},
        {"webhook": {"url_variable": "no name"}},
        {"command": []},
        {"events": []},
        {"events": ["unchanged"]},
        {"timeout_seconds": 0},
    ],
)
def test_what_reaches_nobody_is_refused(section: dict[str, Any]) -> None:
    """No address or two, one that is none, an empty command, events that nobody is told of."""
    with pytest.raises(ValidationError):
        Notifications.model_validate(section)


def test_an_address_and_headers_may_be_named_by_variables() -> None:
    """So that no file holds them."""
    webhook = {"url_variable": "HOOK", "header_variables": {"Authorization": "TOKEN"}}
    section = Notifications.model_validate({"webhook": webhook, "command": ["notify", "--all"]})
    assert section.webhook is not None
    assert section.webhook.url is None
