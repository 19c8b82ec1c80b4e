"""What can be wrong with an installation: each check has a limit of time, and each finding a way to mend it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aistack_backend.wire.status import DoctorReport, Finding

LIMIT = 5.0
"""Seconds for one check."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question. ``ask`` blocks and is run in a thread; what it raises becomes the finding."""

    name: str
    ask: Callable[[], Finding]


class Doctor:
    """Asks all checks at once."""

    def __init__(self, checks: Sequence[Check], limit: float = LIMIT) -> None:
        self._checks = tuple(checks)
        self._limit = limit

    async def report(self) -> DoctorReport:
        """Return all findings: what is wrong first, then what could not be checked, then what is well."""
        # Threads of their own: checks that hang must neither wait for each other nor starve the rest of the backend.
        pool = ThreadPoolExecutor(max_workers=max(1, len(self._checks)), thread_name_prefix="doctor")
        findings = await asyncio.gather(*(self._one(check, pool) for check in self._checks))
        pool.shutdown(wait=False)
        order = {False: 0, None: 1, True: 2}
        return DoctorReport(findings=tuple(sorted(findings, key=lambda finding: order[finding.ok])))

    async def _one(self, check: Check, pool: ThreadPoolExecutor) -> Finding:
        try:
            asking = asyncio.get_running_loop().run_in_executor(pool, check.ask)
            return await asyncio.wait_for(asking, self._limit)
        except TimeoutError:
            return Finding(name=check.name, ok=None, detail=f"No answer within {self._limit:g} s.")
        except Exception as error:
            return Finding(name=check.name, ok=None, detail=f"The check failed: {type(error).__name__}: {error}.")
