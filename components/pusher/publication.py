"""Publishes servables as versions that only grow, and knows which are live, superseded or rolled back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from components.pusher.history import (
    FOUND,
    GONE,
    PUBLISHED,
    PUSH,
    RETENTION,
    ROLLED_BACK,
    Known,
    known_versions,
    new_event,
)
from components.pusher.manifest import digest_of, files_of, manifest_of
from components.pusher.model_server import write_configuration
from components.pusher.serving_directory import ServingDirectory
from schemas.push import Push


@dataclass(frozen=True)
class Standing:
    """What a serving directory says of one model."""

    state: str | None
    """`published` where it is live, `rolled_back` where it was taken back and nobody wants it again, else None."""
    version: int | None = None
    """Under which it was pushed, where there is a state."""
    known: Known | None = None
    """Who took it back, when and why."""

    @property
    def is_new(self) -> bool:
        """Whether the model is to be pushed."""
        return self.state is None

    def describe(self) -> str | None:
        """For a person, why a model that was rolled back is not pushed; None in all other cases."""
        if self.state != ROLLED_BACK or self.known is None:
            return None
        when = f"{self.known.since:%Y-%m-%d %H:%M} UTC"
        by = f" by {self.known.who}" if self.known.who else ""
        why = f": {self.known.why}" if self.known.why else ""
        return (
            f"this model is version {self.version}, which was rolled back on {when}{by}{why}\n"
            f"it is not pushed again by itself; rollback EXPERIMENT --to {self.version} makes it live again"
        )


@dataclass(frozen=True)
class Publication:
    """What became of a push."""

    version: int
    """Of the model: the new one, or the one that it has already."""
    pushed: bool
    """Whether the version is new."""
    standing: Standing
    """Of the model, before the push."""


def standing_of(servable: Path, serving: ServingDirectory) -> Standing:
    """Whether a servable is live, rolled back, or to be pushed.

    Args:
      servable: directory of the SavedModel.
      serving: where it would be pushed to.
    """
    if not serving.versions() and not serving.rolled_back():
        return Standing(None)
    return _standing(digest_of(files_of(servable)), serving)


def publish(servable: Path, serving: ServingDirectory, push: Push, name: str) -> Publication:
    """Makes a servable the live version, unless it is that already or was rolled back.

    Versions that are too many are deleted, and the model server's configuration is written, in any case.

    Args:
      servable: directory of the SavedModel.
      serving: where to.
      push: what the experiment says of it.
      name: of the model, as clients ask a server for it.

    Raises:
      OSError, StageError: the directory cannot be used; no part of a version is left behind.
    """
    manifest = manifest_of(servable)
    with serving.exclusive():
        reconcile(serving)
        standing = _standing(manifest.digest, serving)
        if standing.version is not None:
            _tidy(serving, push, name)
            return Publication(standing.version, False, standing)
    with serving.staged(servable, manifest) as commit, serving.exclusive():
        version = _next_version(serving)
        while not commit(version):
            version += 1
        serving.record(new_event(PUSH, version=version, digest=manifest.digest))
        _tidy(serving, push, name)
    return Publication(version, True, standing)


def reconcile(serving: ServingDirectory) -> None:
    """Brings the history up to what lies in the directory."""
    known = known_versions(serving.events())
    found = dict.fromkeys(serving.rolled_back(), ROLLED_BACK)
    found |= dict.fromkeys(serving.versions(), PUBLISHED)
    for version, state in sorted(found.items()):
        if version not in known or known[version].state != state:
            digest = serving.stated_digest(version) or serving.digest(version)
            serving.record(new_event(FOUND, version=version, state=state, digest=digest))
    for version, facts in sorted(known.items()):
        if facts.state == PUBLISHED and version not in found:
            serving.record(new_event(FOUND, version=version, state=GONE, digest=facts.digest))


def _standing(digest: str, serving: ServingDirectory) -> Standing:
    versions, known = serving.versions(), known_versions(serving.events())
    if versions and serving.digest(versions[-1]) == digest:
        return Standing(PUBLISHED, versions[-1], known.get(versions[-1]))
    same = {version: facts for version, facts in known.items() if facts.digest == digest}
    if not same or any(version in versions for version in same):
        return Standing(None)
    newest = max(same)
    return Standing(ROLLED_BACK, newest, same[newest]) if same[newest].state == ROLLED_BACK else Standing(None)


def _next_version(serving: ServingDirectory) -> int:
    """The time in seconds, or one more than the largest number that was ever used."""
    used = {*serving.taken(), *known_versions(serving.events())}
    return max(int(time.time()), max(used, default=0) + 1)


def _tidy(serving: ServingDirectory, push: Push, name: str) -> None:
    """Deletes what need not be kept, after the model server has been told of what is."""
    known = known_versions(serving.events())
    published, withdrawn = serving.versions(), serving.rolled_back()
    surplus = [version for version in published[: -push.keep] if _is_settled(version, published, known, push)]
    kept = [version for version in published if version not in surplus]
    if surplus and all(serving.damage(version) for version in reversed(kept)):
        # An older one may be all that is whole.
        surplus, kept = [], published
    write_configuration(serving, push.model_server, name, kept)
    removed = [*surplus, *withdrawn[: -push.keep]]
    if removed:
        serving.record(new_event(RETENTION, removed=removed))
    for version in removed:
        serving.remove(version)


def _is_settled(version: int, published: list[int], known: Mapping[int, Known], push: Push) -> bool:
    """Whether another version has been in place of this one for so long that no server is still loading it."""
    successors = [known[newer].since for newer in published if newer > version and newer in known]
    if not successors:
        return False
    return (datetime.now(timezone.utc) - min(successors)).total_seconds() >= push.grace_seconds
