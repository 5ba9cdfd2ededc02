"""What can go wrong between a client and a model server, as people are told of it."""

from __future__ import annotations

import re

from components.errors import StageError
from pipeline.prediction import UNDECODABLE
from pipeline.serving_client.target import Target
from schemas import features

_LONGEST = 300
# Where several outputs fail for one reason, TensorFlow counts them first; and it names nodes of the graph.
_COUNTED = re.compile(r"\d+ root error\(s\) found\. \(0\) ")
_NODES = re.compile(r"\[\[.*?\]\]|\{\{.*?\}\}")


class ServingError(StageError):
    """The server gives no predictions."""


class RefusedImageError(Exception):
    """The server cannot predict one image; the message says why."""


def unreachable(target: Target, reason: object) -> ServingError:
    """Nobody answers."""
    return ServingError(
        f"{target.address} cannot be reached: {shortened(reason)}; check the address, and that the server runs"
    )


def late(target: Target) -> ServingError:
    """No answer in time."""
    return ServingError(f"{target.address} did not answer within {target.timeout:g} s; allow more with --timeout")


def busy(target: Target, reason: object) -> ServingError:
    """The server turns requests away for now."""
    return ServingError(f"{target.address} has too much to do: {shortened(reason)}; try again later")


def unknown_model(target: Target, reason: object) -> ServingError:
    """The server has not loaded the model, or not the version with the label."""
    asked = f"version {target.label!r} of the model {target.model!r}" if target.label else f"model {target.model!r}"
    return ServingError(
        f"{target.address} has no {asked}: {shortened(reason)}; name one that it has loaded, with --model and --label"
    )


def refusal(reason: object) -> RefusedImageError:
    """The server could not predict an image, though it takes images."""
    # TensorFlow names the node of the graph that failed.
    undecodable = "decode_image" in str(reason)
    return RefusedImageError(UNDECODABLE if undecodable else f"refused by the server: {shortened(reason)}")


def unexpected(target: Target, reason: object) -> ServingError:
    """Whatever else."""
    return ServingError(f"{target.address} does not answer as TensorFlow Serving does: {shortened(reason)}")


def other_model(target: Target, inputs: object) -> ServingError:
    """The model was not exported by Darkroom."""
    return ServingError(
        f"the model {target.model!r} at {target.address} takes {inputs}; expected {features.IMAGE_BYTES} in its"
        f" signature {features.SERVING_SIGNATURE}"
    )


def shortened(reason: object) -> str:
    """A message without line breaks and nodes of a graph, and no longer than a person reads."""
    text = " ".join(_NODES.sub(" ", " ".join(str(reason).split())).split())
    text = _COUNTED.sub("", text, count=1).partition(" (1) ")[0] if _COUNTED.match(text) else text
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
