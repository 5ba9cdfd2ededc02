"""Which model a training goes on from."""

from __future__ import annotations

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts

from components.lineage import BLESSED, MODEL_ID

EXAMPLES = "examples"
MODEL = "model"
BLESSING = "model_blessing"


class LastBlessedOfOtherData(resolver.ResolverStrategy):
    """Resolves to the model blessed last that did not learn from the examples at hand.

    So a run with nothing new meets the same start as the run before it, and finds its training in the cache.
    """

    def resolve_artifacts(
        self, store: metadata_store.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Keeps at most one artifact in `model`.

        Args:
          store: is asked which examples a model learned from.
          input_dict: all `model` and `model_blessing` artifacts of the pipeline, and the `examples` at hand.
        """
        models = {model.id: model for model in input_dict[MODEL]}
        at_hand = {artifact.id for artifact in input_dict[EXAMPLES]}
        blessed = [
            blessing.get_int_custom_property(MODEL_ID)
            for blessing in sorted(input_dict[BLESSING], key=lambda blessing: blessing.id, reverse=True)
            if blessing.get_int_custom_property(BLESSED) == 1
        ]
        chosen = next((id for id in blessed if id in models and not at_hand & _learned_from(store, id)), None)
        return {**input_dict, MODEL: [] if chosen is None else [models[chosen]], BLESSING: []}


def warm_start_resolver(examples: types.BaseChannel) -> resolver.Resolver:
    """Finds the model to go on from.

    Args:
      examples: output of ImageExampleGen.
    """
    return resolver.Resolver(
        strategy_class=LastBlessedOfOtherData,
        **{
            MODEL: types.Channel(type=standard_artifacts.Model),
            BLESSING: types.Channel(type=standard_artifacts.ModelBlessing),
            EXAMPLES: examples,
        },
    ).with_id("WarmStart")


def _learned_from(store: metadata_store.MetadataStore, model_id: int) -> set[int]:
    """Artifacts that the execution which made a model has read."""
    made_by = {
        event.execution_id
        for event in store.get_events_by_artifact_ids([model_id])
        if event.type == metadata_store_pb2.Event.OUTPUT
    }
    return {
        event.artifact_id
        for event in store.get_events_by_execution_ids(list(made_by))
        if event.type == metadata_store_pb2.Event.INPUT
    }
