"""Which data a run's is compared with for drift."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.common import resolver
from tfx.dsl.components.common.resolver import Resolver
from tfx.types import standard_artifacts

from components.data_gate.artifact import DataVerdict
from components.lineage import ACCEPTED, INPUT_FINGERPRINT, STATISTICS_ID

STATISTICS = "statistics"
VERDICT = "verdict"
CURRENT = "current"


class LastPassedOther(resolver.ResolverStrategy):
    """Resolves to the statistics that passed the gate last, or were accepted, those of the current files left out.

    A verdict from the cache adds none, so a run with nothing new meets the same statistics as the run
    before it, and finds its own verdict in the cache too.
    """

    def resolve_artifacts(
        self, store: object, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Keeps at most one artifact in `statistics` and `verdict`.

        Args:
          store: not read.
          input_dict: all `statistics` and `verdict` artifacts of the pipeline, and the `current` one.
        """
        current = {_files_of(artifact) for artifact in input_dict[CURRENT]}
        others = {artifact.id: artifact for artifact in input_dict[STATISTICS] if _files_of(artifact) not in current}
        verdicts = [
            verdict
            for verdict in input_dict[VERDICT]
            if (verdict.passed == 1 or verdict.get_string_custom_property(ACCEPTED))
            and verdict.get_int_custom_property(STATISTICS_ID) in others
        ]
        resolved = {CURRENT: input_dict[CURRENT], STATISTICS: [], VERDICT: []}
        if verdicts:
            last = max(verdicts, key=lambda verdict: verdict.id)
            resolved[STATISTICS] = [others[last.get_int_custom_property(STATISTICS_ID)]]
            resolved[VERDICT] = [last]
        return resolved


def _files_of(statistics: types.Artifact) -> str:
    return str(statistics.get_string_custom_property(INPUT_FINGERPRINT))


def last_data_resolver(current: types.BaseChannel) -> Resolver:
    """Finds the statistics to compare the current ones with.

    Args:
      current: output of StatisticsGen.
    """
    return Resolver(
        strategy_class=LastPassedOther,
        **{
            STATISTICS: types.Channel(type=standard_artifacts.ExampleStatistics),
            VERDICT: types.Channel(type=DataVerdict),
            CURRENT: current,
        },
    ).with_id("LastData")
