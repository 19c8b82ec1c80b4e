"""The traffic between the services of the stack: looks now and then, and says of each edge what was measured."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPException

from aistack_backend.clock import Clock
from aistack_backend.containers.ladder.facts import Facts, Measured
from aistack_backend.containers.ladder.probes import web
from aistack_backend.containers.ladder.reach import ANYWHERE
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.containers.traffic import connections, edges
from aistack_backend.containers.traffic.told import Told, Untold, parse
from aistack_backend.containers.traffic.window import Home, Reading, good
from aistack_backend.wire.containers import ContainerState
from aistack_backend.wire.traffic import Edge

EVERY = 15.0
"""Seconds between two looks."""
WINDOW = 60.0
"""Seconds back to which differences are taken."""
FRESH = 60.0
"""Seconds that what a climb said of a container is taken for where it is now."""
OLD = 3 * EVERY
"""Seconds after which a reading is no measurement of now."""
PATIENCE = 2.0
"""Seconds for one role's answer."""
AT_ONCE = 4
Where = tuple[str, int]
Ask = Callable[[Where], Told]
Tables = Callable[[int, Set[str]], Mapping[str, int] | None]


def asked(where: Where) -> Told:
    """Read a role's counters.

    Raises:
        OSError, HTTPException: it does not answer. Untold: it tells nothing of callers.
    """
    answer = web.ask(where, "/metrics", PATIENCE, host="localhost")
    if answer.status != 200:
        raise Untold(f"answers {answer.status} to /metrics")
    return parse(answer.text())


class Traffic:
    """Keeps the last minute's readings; ``look`` blocks, ``now`` never does. Safe from several threads."""

    def __init__(self, clock: Clock, ask: Ask = asked, tables: Tables = connections.of_process) -> None:
        self._clock, self._ask, self._tables = clock, ask, tables
        self._lock = threading.Lock()
        self._readings: dict[str, deque[Reading]] = {}
        self._faults: dict[str, str] = {}
        self._open: dict[str, tuple[float, Mapping[str, int]]] = {}
        self._homes: Mapping[str, Home] = {}
        self._good: dict[tuple[str, str], float] = {}

    def look(self, manifest: Manifest, measured: Mapping[str, Measured]) -> None:
        """Read every running role's counters and every running service's connections; at most some seconds."""
        running = self._running(manifest, measured)
        homes = _homes(running)
        roles = {key: where for key, facts in running.items() if (where := _counts(manifest.services[key], facts))}
        with ThreadPoolExecutor(AT_ONCE, "traffic") as pool:
            found = dict(zip(roles, pool.map(partial(self._read, homes), roles.values()), strict=True))
        opened = {key: self._tables(pid, facts.addresses) for key, facts in running.items() if (pid := _pid(facts))}
        at, mono = self._clock.now(), self._clock.mono()
        with self._lock:
            self._homes = homes
            self._open = {key: (at, one) for key, one in opened.items() if one is not None}
            self._faults = {key: one for key, one in found.items() if isinstance(one, str)}
            for key in set(self._readings) - set(roles):
                del self._readings[key]
            for key, one in found.items():
                if isinstance(one, Reading):
                    self._take(key, one, mono)

    def now(self, manifest: Manifest) -> tuple[Edge, ...]:
        """Return every declared edge and each other one that was seen, in the manifest's order."""
        now = self._clock.now()
        with self._lock:
            seen = edges.Seen(
                readings={key: tuple(one) for key, one in self._readings.items() if now - one[-1].at <= OLD},
                faults=self._faults,
                open={key: one for key, one in self._open.items() if now - one[0] <= OLD},
                homes=self._homes,
                good=dict(self._good),
            )
        return edges.made(manifest, seen)

    def _running(self, manifest: Manifest, measured: Mapping[str, Measured]) -> dict[str, Facts]:
        now = self._clock.now()
        every = {key: measured[key].facts for key in manifest.services if key in measured}
        return {key: facts for key, facts in every.items() if _runs(facts) and now - facts.at <= FRESH}

    def _read(self, homes: Mapping[str, Home], where: Where) -> Reading | str:
        try:
            told = self._ask(where)
        except (OSError, HTTPException) as error:
            return web.said(error)
        except Untold as error:
            return str(error)
        return Reading(self._clock.mono(), self._clock.now(), told, homes)

    def _take(self, key: str, reading: Reading, mono: float) -> None:
        kept = self._readings.setdefault(key, deque())
        if kept and kept[-1].told.began != reading.told.began:
            kept.clear()  # it was begun anew: what it counted before is no measurement of this process
        kept.append(reading)
        while len(kept) > 2 and mono - kept[1].mono >= WINDOW:
            kept.popleft()
        for user in reading.homes:
            if (at := good(reading, user)) is not None:
                self._good[user, key] = max(at, self._good.get((user, key), 0.0))


def _runs(facts: Facts) -> bool:
    return facts.known and facts.container is not None and facts.container.state is ContainerState.RUNNING


def _pid(facts: Facts) -> int:
    return (facts.container and facts.container.pid) or 0


def _counts(service: ServiceDecl, facts: Facts) -> Where | None:
    """Return where a role that counts its callers is reached from here, None when the service is none of ours."""
    port = next((one.container_port for one in service.publish if one.protocol == "tcp"), next(iter(service.expose), 0))
    if not service.extra.role or not port or facts.container is None:
        return None
    for one in facts.container.ports:
        if one.container_port == port and one.protocol == "tcp" and one.host_port:
            return ANYWHERE.get(one.host_ip, one.host_ip), one.host_port
    return next(((address, port) for address in sorted(facts.addresses) if ":" not in address), None)


def _homes(running: Mapping[str, Facts]) -> dict[str, Home]:
    """Return where each service is; an address that two of them have is nobody's."""
    every = [one for facts in running.values() for one in facts.addresses]
    found = {}
    for key, facts in running.items():
        if own := frozenset(one for one in facts.addresses if every.count(one) == 1):
            found[key] = Home(facts.run, own, facts.container.started_at if facts.container else None)
    return found
