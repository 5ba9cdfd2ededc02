"""Predictions by a model server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from pipeline.capture import captured
from pipeline.prediction import Prediction
from pipeline.serving_client.failures import RefusedImageError
from pipeline.serving_client.target import GRPC_SCHEMES, Target


class Client(Protocol):
    """A connection to a server; `RestClient` says what each method does."""

    def version(self) -> int: ...
    def ranking(self, image: bytes, version: int) -> tuple[list[str], list[float]]: ...
    def close(self) -> None: ...


def connect(target: Target) -> Client:
    """A client that speaks what the address says; nothing is sent yet."""
    if target.address.scheme in GRPC_SCHEMES:
        # TensorFlow has much to say when it is imported.
        with captured(Path(os.devnull)):
            from pipeline.serving_client.grpc_client import GrpcClient

        return GrpcClient(target)
    from pipeline.serving_client.rest import RestClient

    return RestClient(target)


def predict_on_server(target: Target, images: Sequence[Path]) -> tuple[int, list[Prediction]]:
    """Labels files, all with the same version.

    Each file is a request of its own: a server refuses a whole batch for one broken image in it.

    Returns:
      The version, and a prediction for each file.

    Raises:
      ServingError: the server cannot be reached, has no such model, or does not answer as expected.
    """
    with closing(connect(target)) as client:
        version = client.version()
        return version, [_predict(client, version, image) for image in images]


def _predict(client: Client, version: int, image: Path) -> Prediction:
    try:
        labels, probabilities = client.ranking(image.read_bytes(), version)
    except OSError as error:
        return Prediction(str(image), error=error.strerror or str(error))
    except RefusedImageError as error:
        return Prediction(str(image), error=str(error))
    return Prediction.ranked(image, labels, probabilities)
