"""Which model a training goes on from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from components.champions import blessed_models
from components.pusher.rolled_back import RolledBackModels
from components.pusher.serving_directory import open_directory

EXAMPLES = "examples"
MODEL = "model"
BLESSING = "model_blessing"
_INPUT, _OUTPUT = metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.OUTPUT


class LastBlessedOfOtherData(resolver.ResolverStrategy):
    """Resolves to the model blessed last that did not learn from the examples at hand, and was not rolled back.

    Where a blessed model has learned from them already, it is what that one went on from: so a run with nothing new
    meets the same start as the run before it, and finds its training in the cache, whatever was rolled back since.
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
        """Keeps at most one artifact in `model`.

        Args:
          store: is asked what a model learned from, and as which version it was pushed.
          input_dict: all `model` and `model_blessing` artifacts of the pipeline, and the `examples` at hand.

        Raises:
          StageError, OSError: the serving directory cannot be read.
        """
        models = [model for model, _ in blessed_models(input_dict[MODEL], input_dict[BLESSING])]
        at_hand = {artifact.id for artifact in input_dict[EXAMPLES]}
        start = self._start(store, models, at_hand)
        return {**input_dict, MODEL: [] if start is None else [start], BLESSING: []}

    def _start(
        self, store: MetadataStore, models: Sequence[types.Artifact], at_hand: set[int]
    ) -> types.Artifact | None:
        learned_from = _learned_from(store, [model.id for model in models])
        of_this_data = [model for model in models if at_hand & learned_from[model.id]]
        if of_this_data:
            newest = of_this_data[0].id
            before = next((model for model in models if model.id in learned_from[newest]), None)
            if before is not None:
                return before
        rolled_back = RolledBackModels(store, open_directory(self._serving_directory))
        others = (model for model in models if model not in of_this_data)
        return next((model for model in others if model.id not in rolled_back), None)


def warm_start_resolver(examples: types.BaseChannel, serving_directory: str) -> resolver.Resolver:
    """Finds the model to go on from.

    Args:
      examples: output of ImageExampleGen.
      serving_directory: where models are pushed to.
    """
    return resolver.Resolver(
        strategy_class=LastBlessedOfOtherData,
        config={"serving_directory": serving_directory},
        **{
            MODEL: types.Channel(type=standard_artifacts.Model),
            BLESSING: types.Channel(type=standard_artifacts.ModelBlessing),
            EXAMPLES: examples,
        },
    ).with_id("WarmStart")


def _learned_from(store: MetadataStore, models: Sequence[int]) -> dict[int, set[int]]:
    """What the executions that made models have read, by model: examples, and the model that it went on from."""
    made = [event for event in _events(store.get_events_by_artifact_ids, models) if event.type == _OUTPUT]
    read = defaultdict(set)
    for event in _events(store.get_events_by_execution_ids, [event.execution_id for event in made]):
        if event.type == _INPUT:
            read[event.execution_id].add(event.artifact_id)
    found: dict[int, set[int]] = {model: set() for model in models}
    for event in made:
        found[event.artifact_id] |= read[event.execution_id]
    return found


def _events(
    ask: Callable[[Sequence[int]], list[metadata_store_pb2.Event]], ids: Sequence[int]
) -> list[metadata_store_pb2.Event]:
    return ask(sorted(set(ids))) if ids else []
