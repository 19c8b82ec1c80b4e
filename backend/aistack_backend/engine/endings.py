"""How an effect ended, and the sentence that its task shows for it."""

from __future__ import annotations

from dataclasses import dataclass

from aistack_backend.audit.redact import shortened
from aistack_backend.engine.ledger import EffectState
from aistack_backend.engine.tools import Outcome
from aistack_backend.wire.tasks import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The final state of an effect and of its task."""

    effect: EffectState
    task: TaskState
    reason: str = ""
    """One sentence for the task; empty when the result says it all."""
    result: str = ""


def told(outcome: Outcome) -> Ending:
    """It ran to its end and said how."""
    if outcome.ok:
        return done(outcome.text)
    return exhausted(outcome.text) if outcome.exhausted else failed(outcome.text)


def exhausted(text: str) -> Ending:
    """It ran until a limit of its own, and what it was for is not reached."""
    reason = shortened(text.strip().partition("\n")[0], 200)
    return Ending(effect=EffectState.FAILED, task=TaskState.EXHAUSTED, reason=reason, result=text)


def stopped(why: str) -> Ending:
    """It was stopped while it ran; ``why`` is a sentence."""
    sentence = f"{why} What it had done until then stays."
    return Ending(effect=EffectState.CANCELLED, task=TaskState.STOPPED, reason=sentence)


def late(why: str, outcome: Outcome | None) -> Ending:
    """It was to be stopped, and a probe says that it was done by then."""
    if outcome is not None and not outcome.ok:
        return failed(outcome.text)
    text = outcome.text if outcome else ""
    sentence = f"{why} It had been done by then."
    return Ending(effect=EffectState.DONE, task=TaskState.DONE, reason=sentence, result=text)


def done(text: str) -> Ending:
    """It ran and reported success."""
    return Ending(effect=EffectState.DONE, task=TaskState.DONE, result=text)


def found(outcome: Outcome | None) -> Ending:
    """A probe says that it ran to its end without us."""
    if outcome is not None and not outcome.ok:
        return failed(outcome.text)
    sentence = "The backend lost it while it ran; it was found done afterwards."
    return Ending(effect=EffectState.DONE, task=TaskState.DONE, reason=sentence, result=outcome.text if outcome else "")


def failed(text: str) -> Ending:
    """It ran and reported failure, or was proven not to have had its effect."""
    line = shortened(text.strip().partition("\n")[0], 200) or "the tool gave no reason"
    return Ending(effect=EffectState.FAILED, task=TaskState.FAILED, reason=f"It failed: {line}", result=text)


def never(state: TaskState, reason: str) -> Ending:
    """It is proven that it did not run."""
    return Ending(effect=EffectState.CANCELLED, task=state, reason=reason)


def unsure(why: str) -> Ending:
    """Nobody can tell whether it ran."""
    sentence = f"It may have run, and its outcome could not be found ({why}): look at its target before asking again."
    return Ending(effect=EffectState.UNKNOWN, task=TaskState.UNSURE, reason=sentence)
