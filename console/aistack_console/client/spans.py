"""The console's own part of a trace: each call that may change something is measured, and the backend is told of it.

It is told after the answer, in the background, at most once a second; what cannot be told is counted, and is never
an error. OpenTelemetry is not needed for that, nor is anything else that would have to be imported before the first
frame.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aistack_console.client import act
from aistack_console.client.asked import READS
from aistack_console.client.http import exchange
from aistack_console.errors import ClientError

if TYPE_CHECKING:
    from aistack_backend.wire.traces import ConsoleSpan

PATH = "/v1/spans"
SOON = 1.0
"""Seconds from an answer until the backend is told of it."""
WITHIN = 2.0
"""Seconds that telling may take."""
LEAVING = 0.5
"""The same when the console is about to end."""
WAITING = 256
"""Spans that wait for a backend that does not answer; the oldest go first, and are counted as lost."""
AT_ONCE = 64
"""Spans of one report, which is what the backend takes."""
OLD = frozenset({404, 405})
"""What a backend answers that has no such route: it is told nothing more."""


class Spans:
    """Belongs to the loop of the client's calls."""

    def __init__(self, socket_path: Path, said: Mapping[str, str]) -> None:
        """``said``: the headers of every call."""
        self._socket_path, self._said = socket_path, said
        self.on = True
        """Whether calls are measured: not in a console that only looks, or whose backend takes no spans."""
        self.background = False
        """Whether the backend is told while the console goes on; else ``tell`` does it."""
        self.waiting: deque[ConsoleSpan] = deque()
        """What the backend was not told yet."""
        self.lost = 0
        """What it will not be told."""
        self._due: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None

    @contextmanager
    def measuring(self, method: str, path: str) -> Iterator[dict[str, str]]:
        """Measure the block as one call; give the header that names its trace and this console's part of it (W3C).

        Nothing is measured, and no header given, for a call that only reads.
        """
        if method == "GET" or not self.on:
            yield {}
            return
        trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
        begins, now = time.monotonic(), time.time()
        name, since = act.since(begins, looks=path in READS)
        failed = ""
        try:
            yield {"traceparent": f"00-{trace_id}-{span_id}-01"}
        except BaseException as error:
            failed = _how(error)
            raise
        finally:
            took = time.monotonic() - since
            self._note(trace_id, span_id, name, now - (begins - since), took, failed)

    def _note(self, trace_id: str, span_id: str, name: str, start: float, seconds: float, failed: str) -> None:
        from aistack_backend.wire.traces import ConsoleSpan

        self.waiting.append(
            ConsoleSpan(
                trace_id=trace_id,
                id=span_id,
                name=name,
                start=start,
                seconds=seconds,
                failed=bool(failed),
                detail=failed,
            )
        )
        self._bound()
        self._soon()

    def _soon(self) -> None:
        if self.background and self._due is None:
            self._due = asyncio.get_running_loop().call_later(SOON, self._begin)

    def _bound(self) -> None:
        while len(self.waiting) > WAITING:
            self.waiting.popleft()
            self.lost += 1

    def _begin(self) -> None:
        self._due = None
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self.tell())

    async def close(self) -> None:
        """Tell what is left, within ``LEAVING`` seconds, and stop telling."""
        self.background = False
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._telling is not None and not self._telling.done():
            await asyncio.wait((self._telling,), timeout=LEAVING)
        await self.tell(LEAVING)

    async def tell(self, within: float = WITHIN) -> None:
        """Tell the backend what waits, at most ``AT_ONCE``; what it does not answer for waits on. Raises nothing."""
        if not self.waiting and not self.lost:
            return
        batch, lost = [self.waiting.popleft() for _ in range(min(AT_ONCE, len(self.waiting)))], self.lost
        self.lost = 0
        try:
            async with asyncio.timeout(within):
                status = await self._send(batch, lost)
        except (OSError, TimeoutError):
            self.waiting.extendleft(reversed(batch))
            self.lost += lost
            self._bound()
            return
        if status in OLD:
            self.on = False
            self.waiting.clear()
        elif status >= 400:
            self.lost += lost + len(batch)
        if self.waiting:
            self._soon()

    async def _send(self, batch: list[ConsoleSpan], lost: int) -> int:
        """Return the answer's status."""
        import msgspec

        from aistack_backend.wire.traces import SpanReport

        body = msgspec.json.encode(SpanReport(spans=tuple(batch), lost=lost))
        said = {**self._said, "Content-Type": "application/json"}
        async with exchange(self._socket_path, "POST", PATH, said, body) as answer:
            await answer.read()
            return answer.status


def _how(error: BaseException) -> str:
    """Return in a word how a call failed: the answer's status, that it was left, or the class of the error."""
    if isinstance(error, ClientError):
        return str(error.status)
    return "left" if isinstance(error, asyncio.CancelledError | GeneratorExit) else type(error).__name__
