"""How the run ended, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from pipeline.nodes import LOADING, RUN_REPORT
from pipeline.record import (
    FAILED,
    INVALID,
    NOT_BLESSED,
    PUSHED,
    REFUSED,
    RUNNING,
    SKIPPED,
    STOPPED_BY_GATE,
    UNCHANGED,
    RunRecord,
)
from pipeline.report.content import Block, Section, Text, Tone
from pipeline.report.material import Material

_MEND = "to mend "
_INTERRUPTED = ": interrupted; "


def headline(record: RunRecord) -> tuple[str, Tone]:
    """A run's end in a few words, and whether that is good."""
    if record.status == PUSHED:
        return f"Pushed as version {record.pushed_version}", "good"
    if record.status == UNCHANGED:
        return "Nothing new to push", "good"
    node = stopped_at(record)
    if record.status == STOPPED_BY_GATE:
        return f"Stopped at {node}: the data cannot be used as it is", "problem"
    if record.status in (NOT_BLESSED, REFUSED):
        return f"Not pushed: {node} refused the model", "problem"
    if record.status == INVALID:
        return "Not begun: the experiment is wrong", "problem"
    if record.status == RUNNING:
        return f"Still at {node}", "plain"
    how = "Interrupted" if _INTERRUPTED in (record.message or "") else "Failed"
    return f"{how} at {node}", "problem"


def stopped_at(record: RunRecord) -> str:
    """The stage after which nothing was done any more."""
    stages = {node: result.state for node, result in record.nodes.items() if node != RUN_REPORT}
    failed = [node for node, state in stages.items() if state == FAILED]
    worked = [node for node, state in stages.items() if state != SKIPPED]
    return next(iter(failed), worked[-1] if worked else LOADING)


def verdict(material: Material) -> Section:
    """The message, what a person decided or is warned of, and what to do next."""
    return Section("Verdict", [*_told(material.record), *_decisions(material.record), *_next(material)])


def _told(record: RunRecord) -> Iterator[Block]:
    if record.message:
        lines = [line for line in record.message.splitlines() if not line.startswith(_MEND)]
        tone: Tone = "plain" if record.status in (PUSHED, UNCHANGED) else "problem"
        yield Text("\n".join(lines), tone)


def _decisions(record: RunRecord) -> Iterator[Block]:
    if record.forced:
        title = "Blessed against the Evaluator by {who}, {when}: {why}".format(**record.forced)
        yield Text(record.forced["verdict"], "warning", title)
    if record.accepted:
        title = "Data accepted against the gate by {who}, {when}: {why}".format(**record.accepted)
        yield Text(record.accepted["verdict"], "warning", title)
    for warning in record.warnings:
        # What was accepted is told already.
        if not record.accepted or not warning.startswith(record.accepted["verdict"]):
            yield Text(warning, "warning", "Warning")


def _next(material: Material) -> Iterator[Block]:
    steps = list(_steps(material))
    if steps:
        yield Text("\n".join(steps), title="What to do next")


def _steps(material: Material) -> Iterator[str]:
    record = material.record
    yield from (line for line in (record.message or "").splitlines() if line.startswith(_MEND))
    yield from (f"{sign['advice']} ({sign['message']})" for sign in record.diagnostics if sign["kind"] == "problem")
    if record.status == NOT_BLESSED:
        key = "evaluation.champion" if _champion_stays(material) else "evaluation.thresholds"
        yield f"Improve the model, or change {key} where too much is asked for;"
        yield "run --force-bless REASON pushes it all the same, and keeps the reason."
    if record.status == REFUSED:
        yield "See below which checks of the canary failed; its budgets are in the section canary of the experiment."
    if record.status == FAILED:
        log = f"Read {record.log}, mend the cause, and run" if record.log else "Run"
        yield f"{log} again: finished stages are kept."
    if record.status in (PUSHED, UNCHANGED) and record.sample:
        found = record.arguments or [record.experiment]
        yield f"Try the model: {_command('predict', *found, record.sample)}"
        yield f"Where it proves to be worse than the last one: {_command('rollback', *found)}"


def _champion_stays(material: Material) -> bool:
    from components.evaluator.outcome import champion_stays

    evaluation = material.uri("evaluation")
    return evaluation is not None and champion_stays(evaluation)


def _command(*arguments: str) -> str:
    return shlex.join([".venv/bin/python", "local_runner.py", *arguments])
