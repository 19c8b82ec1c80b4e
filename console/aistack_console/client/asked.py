"""What this console asked of its backend: each call that can change something, with what became of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aistack_console.errors import ConsoleError

KEPT = 200
"""Newest calls that are remembered."""
READS = frozenset(
    {
        "/v1/actions/preview", "/v1/audit/verify", "/v1/checklist/run", "/v1/loops/preview", "/v1/rules/rehearse",
        "/v1/stack/check", "/v1/stack/plan", "/v1/workflow-check", "/v1/workflows/check",
    }
)  # fmt: skip
"""Calls that look and change nothing."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """One call; filled in as its answer comes."""

    at: float
    """When it was sent, epoch seconds."""
    method: str
    path: str
    request: object | None = None
    """The wire object that was sent."""
    answer: object | None = None
    """The wire object that came back; None = none came, or it had no body."""
    problem: str = ""
    """Why it was refused or failed, one sentence; empty = it was not."""
    took: float | None = None
    """Seconds until the answer; None = it has not come."""


class AskedLog:
    """The newest calls, newest first."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.entries: deque[Asked] = deque(maxlen=KEPT)
        self._now = now

    @contextmanager
    def noting(self, method: str, path: str, request: object | None = None) -> Iterator[Asked]:
        """Write a call down while it is made; its error goes on to the caller."""
        one = Asked(at=self._now(), method=method, path=path, request=request)
        if path not in READS:
            self.entries.appendleft(one)
        began = time.monotonic()
        try:
            yield one
        except ConsoleError as error:
            one.problem = error.sentence
            raise
        finally:
            one.took = time.monotonic() - began
