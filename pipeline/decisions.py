"""What a person decides against the data gate or the Evaluator, kept with who did and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from components.identity import who
from pipeline.record import NOT_BLESSED, RunRecord

if TYPE_CHECKING:
    from pipeline.execution import CompiledPipeline, Outputs
    from pipeline.verdicts import Stop


@dataclass(frozen=True)
class Decisions:
    """The reasons given with a run; None where nothing is decided."""

    accept_data: str | None = None
    """Why the run may go on against the data gate."""
    force_bless: str | None = None
    """Why the model is pushed although it is not blessed."""

    def overrule(self, stop: Stop | None, outputs: Outputs, compiled: CompiledPipeline, record: RunRecord) -> bool:
        """Whether the run goes on against a stop; then that is kept, with the artifact and in the record.

        Args:
          stop: what a node's outputs say; None where they say nothing.
          outputs: the node's.
          compiled: the pipeline, whose artifacts are annotated.
          record: of the run.
        """
        from pipeline.verdicts import gate_verdict

        if stop is None:
            return False
        verdict = gate_verdict(outputs)
        if self.accept_data and verdict is not None and verdict.may_be_accepted:
            from components.lineage import ACCEPTED

            findings = verdict.describe_findings()
            record.accepted = _decision(self.accept_data, findings)
            accepted = "{who}: {why}".format(**record.accepted)
            compiled.annotate(outputs["verdict"][0], {ACCEPTED: accepted})
            record.warn(f"{findings}\naccepted by {accepted}")
            return True
        if self.force_bless and stop.status == NOT_BLESSED:
            from components.evaluator.forcing import forced_properties, mark_forced

            # For good: it is what later models are compared with.
            [blessing] = outputs["blessing"]
            record.forced = _decision(self.force_bless, stop.message)
            mark_forced(blessing.uri)
            compiled.artifacts.keep(blessing.uri)
            compiled.annotate(blessing, forced_properties(record.forced))
            return True
        return False


def _decision(why: str, verdict: str) -> dict[str, str]:
    when = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {"who": who(), "when": when, "why": why, "verdict": verdict}
