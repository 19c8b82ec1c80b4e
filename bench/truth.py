"""Whether services are truly ready, looked at from outside in the same way whoever brings them up."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from aistack_backend.containers.ladder.port import Climb
from aistack_backend.containers.stack import gates
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.wire.stack import RungName, RungState

PAUSE = 0.25
"""Seconds between two rounds over what is not ready yet: one look after the other, to disturb little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at one service, by the wall clock."""

    began: float
    ended: float
    lacks: str
    """What is not there yet; empty = it is ready."""


class Truth:
    """Looks at services from ``with`` on until each was seen ready, or the ``with`` ends."""

    def __init__(self, climb: Climb, services: Sequence[ServiceDecl]) -> None:
        self._climb = climb
        self._services = {one.id: one for one in services}
        self._looks: dict[str, list[Look]] = {one.id: [] for one in services}
        self._over = threading.Event()
        self._all = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="truth", daemon=True)

    def __enter__(self) -> Truth:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def wait(self, seconds: float) -> float:
        """Wait until all were seen ready, look once more at all, and return when the last one got ready.

        Raises:
            RuntimeError: one did not within ``seconds``, or is not ready any more.
        """
        self._all.wait(seconds)
        late = {key: looks[-1].lacks if looks else "never seen" for key, looks in self._looks.items()}
        if left := {key: why for key, why in late.items() if why}:
            raise RuntimeError(f"not ready after {seconds:.0f} s: {left}")
        again = {key: look.lacks for key in late if (look := self._look(key)).lacks}
        if again:
            raise RuntimeError(f"ready, and then not any more: {again}")
        return max(looks[-1].ended for looks in self._looks.values())

    def false(self, claims: Mapping[str, float]) -> dict[str, str]:
        """Return what each service lacked that was called ready at a moment after which it was seen not to be."""
        found = {}
        for key, moment in claims.items():
            if bad := [look for look in self._looks[key] if look.lacks and look.began >= moment]:
                found[key] = bad[0].lacks
        return found

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            missing = [key for key, looks in self._looks.items() if not looks or looks[-1].lacks]
            for key in missing:
                self._looks[key].append(self._look(key))
            if not missing:
                self._all.set()
                return

    def _look(self, key: str) -> Look:
        began = time.time()
        rungs = {rung.name: rung for rung in self._climb.climb(self._services[key], upto=RungName.READY)}
        low = gates.lowest(rungs)
        lacks = "" if low is None else f"{low.name.value}: {low.evidence}"
        if low is not None and low.state is RungState.UNKNOWN:  # nobody could tell: it counts from the next look on
            began = 0.0
        return Look(began=began, ended=time.time(), lacks=lacks)
