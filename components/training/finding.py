"""What a sign in a training's curves says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["problem", "warning", "good"]
KINDS: tuple[Kind, ...] = ("problem", "warning", "good")


@dataclass(frozen=True)
class Finding:
    """What a sign says of a training."""

    sign: str
    """Name of the sign."""
    kind: Kind
    """How grave it is."""
    epoch: int | None
    """Where it shows, counted from 1; None where it is of no one epoch."""
    figures: dict[str, float]
    """The numbers that made it speak."""
    message: str
    """A sentence with these figures."""
    advice: str
    """What to try, by the experiment's keys."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Finding:
        """Reads what `to_json` gave."""
        return cls(**content)
