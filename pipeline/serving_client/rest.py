"""TensorFlow Serving's REST API, without TensorFlow."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from pipeline.serving_client import failures
from pipeline.serving_client.target import FIRST_PAUSE_SECONDS, NUM_TRIES, Target
from schemas import features

_OK, _BAD_REQUEST, _NOT_FOUND, _GATEWAY_TIMEOUT = 200, 400, 404, 504
# The server's own, and in between what a gateway says while a server restarts.
_BUSY = (429, 502, 503)


class RestClient:
    """One connection, kept open; raises `ServingError` where there are no predictions to be had."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._model = f"{target.address}/v1/models/{quote(target.model, safe='')}"
        self._session = requests.Session()
        # A prediction changes nothing, so a request may be sent twice. One that was late would be late again, and a
        # server's own wish for a pause has no bound.
        retries = Retry(
            total=NUM_TRIES - 1,
            read=False,
            redirect=False,
            status_forcelist=_BUSY,
            allowed_methods=None,
            backoff_factor=FIRST_PAUSE_SECONDS,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retries))

    def version(self) -> int:
        """The version that is asked, after a look at what it takes."""
        label = f"/labels/{quote(self._target.label, safe='')}" if self._target.label else ""
        status, content = self._ask("GET", f"{self._model}{label}/metadata")
        if status == _BAD_REQUEST:
            raise failures.unknown_model(self._target, _message(content))
        try:
            version = int(content["model_spec"]["version"])
            signatures = content["metadata"]["signature_def"]["signature_def"]
            inputs = sorted(signatures[features.SERVING_SIGNATURE]["inputs"])
        except (KeyError, TypeError, ValueError) as error:
            raise failures.unexpected(self._target, content) from error
        if inputs != [features.IMAGE_BYTES]:
            raise failures.other_model(self._target, ", ".join(inputs))
        return version

    def ranking(self, image: bytes, version: int) -> tuple[list[str], list[float]]:
        """The likeliest labels and their probabilities, highest first.

        Raises:
          RefusedImageError: the server cannot predict this image.
        """
        request = {
            "signature_name": features.SERVING_SIGNATURE,
            "instances": [{features.IMAGE_BYTES: {"b64": base64.b64encode(image).decode()}}],
        }
        status, content = self._ask("POST", f"{self._model}/versions/{version}:predict", request)
        if status == _BAD_REQUEST:
            raise failures.refusal(_message(content))
        try:
            [prediction] = content["predictions"]
            return [*prediction[features.TOP_LABELS]], [*map(float, prediction[features.TOP_PROBABILITIES])]
        except (KeyError, TypeError, ValueError) as error:
            raise failures.unexpected(self._target, content) from error

    def close(self) -> None:
        """Ends the connection."""
        self._session.close()

    def _ask(self, method: str, url: str, content: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """The status, which is 200 or 400, and what the answer holds."""
        # All tries to connect together take no longer than an answer may.
        timeout = (self._target.timeout / NUM_TRIES, self._target.timeout)
        try:
            response = self._session.request(method, url, json=content, timeout=timeout, allow_redirects=False)
        except requests.Timeout as error:
            raise failures.late(self._target) from error
        except requests.RequestException as error:
            raise failures.unreachable(self._target, _cause(error)) from error
        status = response.status_code
        try:
            answer = response.json()
        except ValueError:
            answer = response.text
        if status == _NOT_FOUND:
            raise failures.unknown_model(self._target, _message(answer))
        if status in _BUSY:
            raise failures.busy(self._target, _message(answer))
        if status == _GATEWAY_TIMEOUT:
            raise failures.late(self._target)
        if status not in (_OK, _BAD_REQUEST):
            raise failures.unexpected(self._target, f"HTTP {status} {_message(answer)}")
        return status, answer


def _message(answer: object) -> object:
    return answer["error"] if isinstance(answer, Mapping) and "error" in answer else answer


def _cause(error: BaseException) -> BaseException:
    """The system's own error, below those that wrap it."""
    cause, inner = error, error.__cause__ or error.__context__
    while inner is not None:
        if isinstance(inner, OSError):
            cause = inner
        inner = inner.__cause__ or inner.__context__
    return cause
