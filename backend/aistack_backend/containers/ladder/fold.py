"""One fault, n symptoms: which service is the root of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.wire.stack import ServiceState

FAULTY = frozenset({ServiceState.BAD, ServiceState.STARTING, ServiceState.STOPPED, ServiceState.UNKNOWN})
"""States of a dependency in which what needs it is at most DEGRADED."""
WORST = {ServiceState.BAD: 0, ServiceState.STOPPED: 1, ServiceState.UNKNOWN: 2, ServiceState.STARTING: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """One service after folding."""

    state: ServiceState
    root: str = ""
    symptoms: tuple[str, ...] = ()


def fold(states: Mapping[str, ServiceState], needs: Mapping[str, tuple[str, ...]]) -> dict[str, Folded]:
    """Fold faults along the dependencies.

    ``states``: each service by itself; ``needs``: what each needs directly. A service that is well itself and whose
    dependency is not is DEGRADED; one that is BAD or STARTING with a faulty dependency has that one's root.
    """
    roots: dict[str, str] = {}
    for key in states:
        _root(key, states, needs, roots)
    found = {}
    for key, state in states.items():
        root = roots[key] if roots[key] != key else ""
        shown = ServiceState.DEGRADED if state is ServiceState.OK and root else state
        hit = tuple(other for other, of in roots.items() if of == key and other != key and _suffers(states[other]))
        found[key] = Folded(state=shown, root=root if _suffers(state) else "", symptoms=hit)
    return found


def _suffers(state: ServiceState) -> bool:
    return state in (ServiceState.OK, ServiceState.BAD, ServiceState.STARTING)


def _root(
    key: str, states: Mapping[str, ServiceState], needs: Mapping[str, tuple[str, ...]], roots: dict[str, str]
) -> str:
    """Return the deepest faulty service below ``key``, the worst first; itself when it is faulty alone, else "".

    What was found is kept in ``roots``; a circle, which no manifest has, ends there.
    """
    if key in roots:
        return roots[key]
    roots[key] = own = key if states[key] in FAULTY else ""
    below = [_root(one, states, needs, roots) for one in needs.get(key, ()) if one in states]
    roots[key] = min(filter(None, below), key=lambda one: WORST.get(states[one], 9), default=own)
    return roots[key]
