"""Who is asked, in which order, and why: pure rules on what is known before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aistack_backend.errors import BadInput
from aistack_backend.learning.models import Hints
from aistack_backend.orchestration.routing.far import named
from aistack_backend.wire.routing import CLASSES, Budget, BudgetState, Lock, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a question and of where we stand."""

    task_class: str
    class_why: str
    prefer: str = ""
    """What the asker wishes."""
    local_only: bool = False
    private: tuple[str, ...] = ()
    hints: Hints
    lock: Lock
    far: tuple[str, ...] = ()
    """Endpoints elsewhere, by name."""
    budgets: tuple[Budget, ...] = ()
    remote_first: tuple[str, ...] = ()
    """Kinds of question that go elsewhere first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What follows."""

    routes: tuple[Route, ...]
    """Local, remote, or one of them, in order."""
    reasons: tuple[str, ...]
    shut: str = ""
    """Why nobody elsewhere is asked; empty = somebody may be."""


def order(known: Known) -> Order:
    """Return who is asked in which order."""
    reasons = [f"A question of the kind {known.task_class}: {known.class_why}."]
    if shut := shut_by(known):
        return Order(routes=(Route.LOCAL,), reasons=(*reasons, shut), shut=shut)
    first, why = _first(known)
    warned = [one for one in known.budgets if one.state is BudgetState.WARNED]
    if first is Route.REMOTE and warned:
        one = warned[0]
        used = f"{one.share:.0%} of the {one.period}'s {one.limit} {one.currency} are used"
        first, why = Route.LOCAL, f"{used}, so this machine is asked first."
    other = Route.REMOTE if first is Route.LOCAL else Route.LOCAL
    return Order(routes=(first, other), reasons=(*reasons, why))


def shut_by(known: Known) -> str:
    """Return why nobody elsewhere may be asked; empty = somebody may."""
    if known.lock.locked:
        return f"The way out is locked: {known.lock.why}"
    if known.local_only:
        return "The asker keeps it on this machine."
    if known.private:
        return f"It holds {named(known.private)}, so it stays on this machine."
    if not known.far:
        return "No endpoint elsewhere is configured."
    return ""


def _first(known: Known) -> tuple[Route, str]:
    if known.prefer:
        return Route(known.prefer), f"The asker prefers {known.prefer}."
    if known.hints.prefer in (Route.LOCAL, Route.REMOTE):
        return Route(known.hints.prefer), f"Learned: {known.hints.why or known.hints.prefer}"
    if known.task_class in known.remote_first:
        return Route.REMOTE, f"Questions of the kind {known.task_class} go elsewhere first (routing.remote_first)."
    return Route.LOCAL, "This machine is asked first."


def classes(text: str) -> tuple[str, ...]:
    """Return ``routing.remote_first`` as kinds of question.

    Raises:
        BadInput: there is no such kind.
    """
    found: Sequence[str] = [one for one in (part.strip() for part in text.split(",")) if one]
    if unknown := [one for one in found if one not in CLASSES]:
        raise BadInput(f"routing.remote_first names {unknown[0]!r}.", f"There are {', '.join(CLASSES)}.")
    return tuple(found)
