"""What is remembered of a service between two looks: was it well in this run, and what is new since then. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from aistack_backend.containers.ladder.facts import Measured
from aistack_backend.containers.ladder.words import lowest
from aistack_backend.containers.stack.spec import CONFIG
from aistack_backend.wire.containers import Container

JUST = 3600.0
"""Seconds before a fault in which a change of the container counts as one that came just before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One service as the looks before found it. It lives as long as the backend: a new one knows nothing yet."""

    run: tuple[str, str] = ("", "")
    """The container's id and the run of it (Podman's StartedAt) that was seen last."""
    well: bool = False
    """Every rung held at some look of that run."""
    now: Container | None = None
    """The container as it was seen last."""
    before: Container | None = None
    """The container of the newest earlier run that was well."""

    def then(self, found: Measured) -> Past:
        """Return the past that takes in one more look; a look that found nothing out changes nothing."""
        box = found.facts.container
        if box is None:
            return self
        held = lowest(found.rungs) is None
        run = (box.id, found.facts.run)
        if run == self.run:
            return replace(self, now=box, well=self.well or held)
        return Past(run=run, well=held, now=box, before=self.now if self.well else self.before)

    def changed(self, since: float) -> str:
        """Return what became new before it went bad at ``since`` (epoch seconds); empty = nothing, or long ago."""
        if self.now is None or self.before is None or self.now.started_at is None:
            return ""
        if since - self.now.started_at > JUST:
            return ""
        at = time.strftime("%H:%M", time.localtime(self.now.started_at))
        return f"{_difference(self.before, self.now)} at {at}"


def _difference(was: Container, now: Container) -> str:
    told = []
    if was.image_id != now.image_id:
        told.append(f"image {was.image_id[:12]} → {now.image_id[:12]}")
    if was.labels.get(CONFIG) != now.labels.get(CONFIG):
        told.append("configuration")
    if told:
        return ", ".join(told)
    return "restarted" if was.id == now.id else "made anew"
