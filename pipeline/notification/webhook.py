"""A notification as an HTTP POST."""

from __future__ import annotations

import os
import time
from typing import Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_before_delay, wait_exponential

from schemas.notifications import Webhook

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 5.0
_LONGEST_TRY = 10.0
_MAY_PASS = (408, 425, 429)


class UndeliveredError(Exception):
    """A notification that did not arrive; the message names no address and no secret."""


class _MayPassError(UndeliveredError):
    """One that is tried again."""


def post(webhook: Webhook, payload: dict[str, Any], seconds: float) -> None:
    """Delivers, trying again what may pass.

    Args:
      webhook: where to.
      payload: becomes the JSON body.
      seconds: for all tries together.

    Raises:
      UndeliveredError: it did not arrive.
    """
    address, headers = _address(webhook), {name: _secret(key) for name, key in webhook.header_variables.items()}
    deadline = time.monotonic() + seconds
    tries = Retrying(
        retry=retry_if_exception_type(_MayPassError),
        wait=wait_exponential(_FIRST_WAIT, max=_LONGEST_WAIT),
        stop=stop_before_delay(seconds),
        reraise=True,
    )
    for attempt in tries:
        with attempt:
            _try(address, headers, payload, min(max(deadline - time.monotonic(), 0.1), _LONGEST_TRY))


def _try(address: str, headers: dict[str, str], payload: dict[str, Any], seconds: float) -> None:
    try:
        # The body of the answer is not read: it may have no end.
        answer = requests.post(
            address, json=payload, headers=headers, timeout=seconds, allow_redirects=False, stream=True
        )
    except requests.Timeout:
        raise _MayPassError("it did not answer in time") from None
    except requests.ConnectionError:
        raise _MayPassError("it cannot be reached") from None
    except (requests.RequestException, ValueError) as error:
        raise UndeliveredError(f"it cannot be asked ({type(error).__name__}): check its address and headers") from None
    answer.close()
    if answer.status_code >= 500 or answer.status_code in _MAY_PASS:
        raise _MayPassError(f"it answered {answer.status_code}")
    if not 200 <= answer.status_code < 300:
        raise UndeliveredError(f"it answered {answer.status_code}; check its address and headers")


def _address(webhook: Webhook) -> str:
    address = webhook.url or _secret(str(webhook.url_variable))
    if not address.startswith(("http://", "https://")):
        raise UndeliveredError(f"{webhook.url_variable} does not hold an address with http:// or https://")
    return address


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise UndeliveredError(f"the variable {variable} of the environment is not set")
    return value
