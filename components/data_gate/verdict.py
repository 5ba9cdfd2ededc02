"""What the gate found, and what follows from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_MENDS = {
    "quarantine": "replace or remove these examples, let data.splits take the right files alone,"
    " or allow for more by data.quarantine.max_fraction",
    "labels": "list the classes in data.labels in the order of their numbers",
    "anomalies": "correct the data, or the schema (schema.file) where it is too narrow",
    "classes": "give images of two classes or more",
    "too_few": "add images of these classes, or take them out (data.labels; in TFRecords labels count from 0 without"
    " gaps); gate.min_per_class is the limit",
    "imbalance": "add images of the rarest classes; gate.max_imbalance is the limit",
    "duplicates": "remove the copies, which weigh more than other images; gate.max_duplicates is the limit",
    "leakage": "remove the copies from all splits but one",
    "conflicts": "correct the label of one of each pair",
    "drift": "look whether the new data is right; where the change is meant, raise gate.max_drift",
    "skew": "look for what differs between the images trained on and those served; gate.max_skew is the limit",
}
# Checks that an experiment can have warn only; the others are told by the data's contradicting the experiment.
_WITHOUT_POLICY = ("labels", "classes")


@dataclass(frozen=True)
class Finding:
    """A deviation of the data from what was asked."""

    check: str
    """Which check speaks: a policy of the experiment's section `gate`, or `labels` or `classes`."""
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

    @property
    def may_be_accepted(self) -> bool:
        """Whether a person may let the run go on: what contradicts the experiment cannot be trained on."""
        return not any(finding.fails and finding.check in _WITHOUT_POLICY for finding in self.findings)

    def describe_findings(self) -> str:
        """The findings that stop the run, or else the warnings; a paragraph each."""
        return "\n".join(f"{finding.check}: {finding.message}" for finding in self._shown)

    def describe(self) -> str:
        """The findings, and how to mend those that stop the run."""
        checks = list(dict.fromkeys(finding.check for finding in self._shown))
        return "\n".join([self.describe_findings(), *([] if self.passed else map(_mend, checks))])

    @property
    def _shown(self) -> Sequence[Finding]:
        return [finding for finding in self.findings if finding.fails] or self.findings

    def to_json(self) -> str:
        """JSON text that `from_json` reads."""
        return json.dumps({"passed": self.passed, "findings": [asdict(finding) for finding in self.findings]}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Reads what `to_json` wrote."""
        return cls(tuple(Finding(**finding) for finding in json.loads(text)["findings"]))


def _mend(check: str) -> str:
    lenient = (
        "" if check in _WITHOUT_POLICY else f"; gate.{check}=warn lets every run go on, --accept-data REASON this one"
    )
    return f"to mend {check}: {_MENDS[check]}{lenient}"
