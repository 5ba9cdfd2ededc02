"""Makes another version live than the newest.

A model server that polls the directory loads the highest number in it. So a rollback renames the versions above its
target away, to names that are no numbers: the target, with its own number, is then the highest. Those in between go
first, oldest first, and nothing changes for a poller, since the live one is still above them; the rename of the live
one is the last, and it alone is the switch. However many steps back, a poller sees the one or the other, and a rollback
that is killed half-way has either not happened yet or has happened.

A copy of the target under a new number would be one rename too. But it costs a copy of the model at the very moment
when time counts, gives one model two numbers, and leaves the bad version where anyone may load it. A version that was
rolled back can be a target itself, which undoes the rollback: it gets its number back, by a rename below the live one
or as the switch itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import StageError
from components.pusher.history import ROLLBACK, new_event
from components.pusher.model_server import write_configuration
from components.pusher.publication import reconcile
from components.pusher.serving_directory import ServingDirectory
from schemas.push import Push


class UnknownVersionError(StageError):
    """A version is asked for that is not there."""


@dataclass(frozen=True)
class Rollback:
    """What a rollback has done."""

    before: int | None
    """The live version before; None where there was none."""
    live: int
    """The live version now."""
    withdrawn: tuple[int, ...]
    """Versions that were taken away; none where the target was live already."""


def roll_back(
    serving: ServingDirectory, push: Push, name: str, to: int | None = None, why: str | None = None
) -> Rollback:
    """Makes an older version live, or one that was rolled back.

    Args:
      serving: whose versions they are.
      push: what the experiment says of it.
      name: of the model, as clients ask a server for it.
      to: the version; by default the newest below the live one that is whole.
      why: for the history.

    Raises:
      UnknownVersionError: `to` is not there.
      StageError: there is nothing to go back to, `to` is damaged, or the directory cannot be used.
      OSError: the directory cannot be written to.
    """
    if not serving.versions() and not serving.rolled_back():
        raise StageError(f"no model has been pushed to {serving.location} yet")
    with serving.exclusive():
        reconcile(serving)
        published = serving.versions()
        target = _newest_older(serving) if to is None else _checked(serving, to)
        before = published[-1] if published else None
        if target == before:
            return Rollback(before, target, ())
        withdrawn = [version for version in published if version > target]
        # First, so that who and why are known whatever happens next.
        details = {"from": before, "to": target, "withdrawn": withdrawn, "why": why}
        serving.record(new_event(ROLLBACK, **details))
        if target not in published:
            serving.restore(target)
        left = [version for version in serving.versions() if version <= target]
        write_configuration(serving, push.model_server, name, left)
        for version in withdrawn:
            serving.withdraw(version)
    return Rollback(before, target, tuple(withdrawn))


def _newest_older(serving: ServingDirectory) -> int:
    older = serving.versions()[:-1]
    damages = {}
    for version in reversed(older):
        damage = serving.damage(version)
        if damage is None:
            return version
        damages[version] = damage
    found = "; ".join(f"{version} is damaged: {damage}" for version, damage in damages.items())
    kept = f"; rolled back before: {_listed(serving.rolled_back())}" if serving.rolled_back() else ""
    raise StageError(f"there is no older version in {serving.location} to go back to{'; ' * bool(found)}{found}{kept}")


def _checked(serving: ServingDirectory, version: int) -> int:
    published, kept = serving.versions(), serving.rolled_back()
    if version not in (*published, *kept):
        raise UnknownVersionError(
            f"{serving.location} has no version {version};"
            f" published: {_listed(published)}; rolled back: {_listed(kept)}"
        )
    if damage := serving.damage(version):
        raise StageError(f"version {version} in {serving.location} is damaged: {damage}; choose another one")
    return version


def _listed(versions: list[int]) -> str:
    return ", ".join(map(str, versions)) or "none"
