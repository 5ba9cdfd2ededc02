"""What the gate found, and what follows from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_MENDS = {
    "quarantine": "to mend: replace or remove these examples, let data.splits take the TFRecord files alone,"
    " or allow for some by data.quarantine.max_fraction",
    "labels": "to mend: list the classes in data.labels in the order of their numbers",
    "anomalies": "to mend: correct the data, or the schema (schema.file) where it is too narrow;"
    " gate.anomalies=warn lets the run go on",
}


@dataclass(frozen=True)
class Finding:
    """A deviation of the data from what was asked."""

    check: str
    """Which check speaks: `quarantine`, `labels` or `anomalies`."""
    fails: bool
    """Whether it stops the run."""
    message: str
    """The figures and the limit, for a person."""
    split: str | None = None
    feature: str | None = None


@dataclass(frozen=True)
class Verdict:
    """All findings."""

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether the run may go on."""
        return not any(finding.fails for finding in self.findings)

    def describe(self) -> str:
        """The findings that stop the run and how to mend them, or else the warnings; a paragraph each."""
        shown: Sequence[Finding] = [finding for finding in self.findings if finding.fails] or self.findings
        mends = [] if self.passed else [_MENDS[check] for check in dict.fromkeys(finding.check for finding in shown)]
        return "\n".join([*(finding.message for finding in shown), *mends])

    def to_json(self) -> str:
        """JSON text that `from_json` reads."""
        return json.dumps({"passed": self.passed, "findings": [asdict(finding) for finding in self.findings]}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Reads what `to_json` wrote."""
        return cls(tuple(Finding(**finding) for finding in json.loads(text)["findings"]))
