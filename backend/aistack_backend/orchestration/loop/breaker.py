"""When a loop gives up: pure rules on what its passes left, each with its evidence and threshold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aistack_backend.orchestration.loop.meter import CENT
from aistack_backend.wire.loops import Gauge, LoopLimits, LoopRequest, ModelUse, PassState

_VARIES = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?")
COUNTED = (PassState.REFUTED, PassState.BLOCKED)
"""States of a pass that was carried to its end without proof."""
REST = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before the next pass after so many that failed alike; the last one repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What one pass left, as far as the rules look."""

    number: int
    state: PassState
    tree: str
    error: str
    """The output of the proof, or of an agent that blocked."""


def gauges(base_tree: str, passes: Sequence[Left], seconds: float, limits: LoopLimits) -> tuple[Gauge, ...]:
    """Return every limit as it stands after these passes, ``seconds`` after the loop began."""
    ended = [one for one in passes if one.state in COUNTED]
    worked = len(ended) + sum(one.state is PassState.PROVEN for one in passes)
    trees = [base_tree, *(one.tree for one in ended)]
    still, alike, back = _still(trees), _alike(ended), _back(trees)
    said = ended[-1].error.strip().splitlines()[-1][:120] if ended and ended[-1].error.strip() else ""
    return (
        Gauge(name="passes", used=worked, limit=limits.passes),
        Gauge(name="seconds", used=int(seconds), limit=limits.seconds),
        Gauge(
            name="unchanged",
            used=still,
            limit=limits.unchanged,
            evidence=f"the folder is at {trees[-1][:10]} since {still} passes" if still else "",
        ),
        Gauge(
            name="same error", used=alike, limit=limits.same_error, evidence=f"each said: {said}" if alike > 1 else ""
        ),
        Gauge(
            name="repeats",
            used=back,
            limit=limits.repeats,
            evidence=f"pass {ended[-1].number} came back to {trees[-1][:10]}" if back and ended else "",
        ),
    )


def all_gauges(
    base_tree: str, passes: Sequence[Left], seconds: float, request: LoopRequest, uses: Iterable[ModelUse]
) -> tuple[Gauge, ...]:
    """Return every limit as it stands, that of the model's tokens too when the agent has a model."""
    found = gauges(base_tree, passes, seconds, request.limits)
    if not request.model:
        return found
    uses = tuple(uses)
    answers, read, written, cost = (
        sum(getattr(one, n) for one in uses) for n in ("answers", "read", "written", "cost")
    )
    said = f"{answers} answers: {read:,} tokens read, {written:,} written" if answers else ""
    tokens = Gauge(name="tokens", used=read + written, limit=request.limits.tokens, evidence=said)
    if not request.endpoint:
        return (*found, tokens)
    paid = f"${cost / 1_000_000:.4f} at {request.price} dollars for a million tokens" if answers else ""
    return (*found, tokens, Gauge(name="cost", used=cost // CENT, limit=request.limits.cost, evidence=paid))


def tripped(found: Sequence[Gauge]) -> str:
    """Return one sentence on the limits that were reached, with evidence; "" when none was."""
    full = [one for one in found if one.used >= one.limit]
    told = (f"{one.name} {one.used} of {one.limit}" + (f" ({one.evidence})" if one.evidence else "") for one in full)
    return f"Not proven; a limit was reached: {', '.join(told)}." if full else ""


def rest(passes: Sequence[Left]) -> float:
    """Return the seconds to wait before the next pass: more, the longer the passes fail alike."""
    alike = _alike([one for one in passes if one.state in COUNTED])
    return REST[min(max(alike - 1, 0), len(REST) - 1)]


def words(error: str) -> str:
    """Return an output without what differs from run to run: numbers and addresses."""
    return _VARIES.sub("#", error).strip()


def _still(trees: Sequence[str]) -> int:
    count = 0
    while count + 1 < len(trees) and trees[-1 - count] == trees[-2 - count]:
        count += 1
    return count


def _alike(ended: Sequence[Left]) -> int:
    if not ended:
        return 0
    last, count = words(ended[-1].error), 0
    for one in reversed(ended):
        if words(one.error) != last:
            break
        count += 1
    return count


def _back(trees: Sequence[str]) -> int:
    return sum(tree in trees[:index] and tree != trees[index - 1] for index, tree in enumerate(trees) if index > 0)
