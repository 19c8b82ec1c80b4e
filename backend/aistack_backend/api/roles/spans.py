"""The spans of a role in its container: sent where ``AISTACK_TRACES_OTLP`` says, counted in the role's numbers.

A receiver that is away, or an address that may not be, is told in the log and slows or stops nothing of the role.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from aistack_backend.errors import BadInput

if TYPE_CHECKING:
    from aistack_backend.observe.traces.forwarded import Forwarded

OTLP = "AISTACK_TRACES_OTLP"
LEAVING = 1.0
"""Seconds that the last spans may take when the role ends."""
log = logging.getLogger(__name__)


class Spans:
    """Belongs to one event loop. Nothing of OpenTelemetry's SDK is loaded while no address is given."""

    def __init__(self, role: str, env: Mapping[str, str]) -> None:
        self._role, self._url = role, env.get(OTLP, "").strip()
        self._sent: Forwarded | None = None
        self._opening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to record, as soon as what that needs is loaded; nothing when no address is given."""
        if self._url:
            self._opening = asyncio.create_task(self._open())

    async def opened(self) -> None:
        """Wait until it records, or has said why not."""
        if self._opening is not None:
            await self._opening

    async def stop(self) -> None:
        """Send what has ended, for ``LEAVING`` seconds at most."""
        await self.opened()
        if self._sent is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(self._sent.stop), LEAVING)

    def numbers(self) -> bytes:
        """Return the counts in Prometheus's text form; nothing while nothing is sent."""
        if self._sent is None:
            return b""
        told = self._sent.sending()
        found = (
            ("sent_total", "counter", "Spans that the receiver took.", told.sent),
            ("lost_total", "counter", "Spans that were given up.", told.lost),
            ("waiting", "gauge", "Spans that were not taken and go with the next.", told.waiting),
        )
        lines = (
            f"# HELP aistack_role_spans_{name} {about}\n# TYPE aistack_role_spans_{name} {kind}\n"
            f'aistack_role_spans_{name}{{role="{self._role}"}} {value}\n'
            for name, kind, about, value in found
        )
        return "".join(lines).encode()

    async def _open(self) -> None:
        try:
            module = await asyncio.to_thread(importlib.import_module, "aistack_backend.observe.traces.forwarded")
            self._sent = await asyncio.to_thread(module.Forwarded, self._role, self._url)
        except BadInput as error:
            log.warning("No spans are sent: %s %s (%s)", error.detail, error.hint, OTLP)


NONE = Spans("", {})
"""Sends nothing."""
