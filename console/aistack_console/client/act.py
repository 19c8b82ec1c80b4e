"""What the operator did last here, so that a call can say from which key or verb on it was measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

FRESH = 2.0
"""Seconds after a key in which a call counts as asked by it: a screen that it opened lives on and asks by itself."""


@dataclass(slots=True)
class Act:
    """One key's action or one verb."""

    name: str
    began: float
    """On the monotonic clock."""
    fresh: float
    """Seconds in which it can have asked for something."""
    used: bool = False
    """Whether a call was measured from it: the next one is measured from where it begins itself."""


_acting: ContextVar[Act | None] = ContextVar("acting", default=None)


@contextmanager
def acting(name: str, *, ago: float = 0.0, fresh: float = FRESH) -> Iterator[None]:
    """Run the block, and every task that it begins, as what the operator did ``ago`` seconds ago."""
    token = _acting.set(Act(name, time.monotonic() - ago, fresh))
    try:
        yield
    finally:
        _acting.reset(token)


def answered() -> None:
    """Note that the operator has just answered a question of the verb: it is measured from here on."""
    if (act := _acting.get()) is not None:
        act.began, act.used = time.monotonic(), False


def since(begins: float, *, looks: bool) -> tuple[str, float]:
    """Return which act a call belongs to, which begins at ``begins``, and from when on it is measured.

    ``looks``: it changes nothing, so that the act goes on after it.
    """
    act = _acting.get()
    if act is None or begins - act.began > act.fresh:
        return "asked", begins
    began = begins if act.used or looks else act.began
    act.used = act.used or not looks
    return act.name, began
