"""Work that comes round: each job at its own interval, one after the other, in the thread that calls ``run``."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One job; ``every`` is seconds from the end of one time to the next."""

    name: str
    every: float
    work: Callable[[], object]
    first: float | None = None
    """Seconds until the first time; None = ``every``."""


def go_round(rounds: list[Round], stopping: threading.Event) -> None:
    """Do each job when its time has come until ``stopping`` is set; one that breaks is logged and comes round again."""
    due = {one.name: time.monotonic() + (one.every if one.first is None else one.first) for one in rounds}
    while not stopping.wait(max(0.0, min(due.values()) - time.monotonic())):
        for one in rounds:
            if time.monotonic() < due[one.name]:
                continue
            try:
                one.work()
            except Exception:
                log.exception("%s broke; it comes round again in %s s", one.name, one.every)
            due[one.name] = time.monotonic() + one.every
