"""Which model a candidate is compared with."""

from __future__ import annotations

from ml_metadata.metadata_store import MetadataStore
from tfx import types
from tfx.dsl.components.common import resolver

from components.champions import blessed_models
from components.pusher.rolled_back import RolledBackModels
from components.pusher.serving_directory import open_directory

CANDIDATE = "candidate"
MODEL = "model"
BLESSING = "model_blessing"


class LastBlessedOther(resolver.ResolverStrategy):
    """Resolves to the model that was blessed last, the candidate itself left out, and those that were rolled back.

    A judgement from the cache adds no blessing, so a run with nothing new meets the same baseline as
    the run before it, and finds its evaluation in the cache too.
    """

    def __init__(self, serving_directory: str) -> None:
        """Reads nothing yet.

        Args:
          serving_directory: where models are pushed to.
        """
        self._serving_directory = serving_directory

    def resolve_artifacts(
        self, store: MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Keeps at most one artifact in `model` and `model_blessing`.

        Args:
          store: is asked which versions were pushed.
          input_dict: all `model` and `model_blessing` artifacts of the pipeline, and the `candidate`.

        Raises:
          StageError, OSError: the serving directory cannot be read.
        """
        candidates = {artifact.id for artifact in input_dict[CANDIDATE]}
        rolled_back = RolledBackModels(store, open_directory(self._serving_directory))
        blessed = blessed_models(input_dict[MODEL], input_dict[BLESSING])
        others = (
            {MODEL: [model], BLESSING: [blessing]}
            for model, blessing in blessed
            if model.id not in candidates and model.id not in rolled_back
        )
        return {CANDIDATE: input_dict[CANDIDATE], **next(others, {MODEL: [], BLESSING: []})}
