"""One verb on several marked containers: one question that shows every action whole, bound to exactly this set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from aistack_backend.wire.actions import Approval, Risk
from aistack_console.present.approvals import evidence
from aistack_console.present.para import Para, fact, title
from aistack_console.present.units import many

ORDER = (Risk.LOW, Risk.MEDIUM, Risk.HIGH, Risk.DESTRUCTIVE, Risk.UNKNOWN)
"""Rising; a word of a newer backend is the highest."""


def alone(one: Approval, now: float) -> bool:
    """Whether an action must be asked on its own: it wants its name typed, time to think, or two people."""
    return bool(one.typed_name) or one.ready_at > now or one.people > 1


def combined(previews: Sequence[Approval]) -> Approval:
    """Return one approval of the operator's own (id 0) that stands for all of them.

    Its hash is made of theirs, and so is the code: who types it has seen this set and no other.
    """
    first = previews[0]
    verb = first.kind.rpartition(".")[2]
    joined = hashlib.sha256("\n".join(one.action_hash for one in previews).encode()).hexdigest()
    return replace(
        first,
        title=f"{verb} {many(len(previews), 'container')}",
        risk=max((one.risk for one in previews), key=ORDER.index),
        action_hash=joined,
        code=joined[:4] if any(one.code for one in previews) else "",
    )


def evidence_of_all(previews: Sequence[Approval], now: float) -> tuple[Para, ...]:
    """Return every target by name, then each action in full."""
    paras = [fact("TARGETS", ", ".join(target.name for one in previews for target in one.targets))]
    for number, one in enumerate(previews, 1):
        paras += [title(f"{number} of {len(previews)}"), *evidence(one, now)]
    return tuple(paras)
