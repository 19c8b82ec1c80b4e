"""The stack's services as words and rows: one word, six rungs, grouped as the manifest groups them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aistack_backend.wire.containers import Container, Fleet
from aistack_backend.wire.sources import SourceState
from aistack_backend.wire.stack import Provision, RungName, RungState, Service, ServiceState, Stack
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import span
from aistack_console.present.words import ORDER, Word, fleet_word, source_line

RUNGS = tuple(name for name in RungName if name is not RungName.UNKNOWN)
GLYPHS: dict[RungState, str] = {
    RungState.PASS: "■",
    RungState.FAIL: "!",
    RungState.WAIT: "·",
    RungState.NONE: "-",
    RungState.UNKNOWN: "?",
}
"""One cell a rung; where only ASCII is wanted, ``■`` is drawn as ``#`` and ``·`` as ``.``."""
ASCII = str.maketrans({"■": "#", "·": "."})
OTHER = "other"
"""The last group: containers that belong to no service."""
POLLS = 3
"""Passes after which a check is too old to be told as one."""


def stale(stack: Stack, down: float | None, now: float) -> float | None:
    """Return since when the checks are old: no backend, no manifest, or three polls without a pass; None = current."""
    if down is not None:
        return down
    if stack.source.state is not SourceState.OK:
        return stack.source.last_ok or stack.source.since
    return stack.at if stack.at is not None and now - stack.at > POLLS * stack.poll else None


def service_word(one: Service, stack: Stack, down: float | None, now: float) -> Word:
    """Return a service's word and why, or UNKNOWN with its age when the checks are not current."""
    word = one.state.value.upper()
    since = stale(stack, down, now)
    if since is not None and one.state is not ServiceState.UNKNOWN:
        return Word("UNKNOWN", f"was {word} {span(now - since)} ago")
    return Word(word, one.why)


def rung_states(one: Service) -> tuple[RungState, ...]:
    """Return the state of each of the six rungs; what was not told has not been looked at."""
    found = {rung.name: rung.state for rung in one.rungs}
    return tuple(found.get(name, RungState.WAIT) for name in RUNGS)


def climbed(one: Service) -> bool:
    """Whether a service's ladder says anything: without a container only rungs above the first can."""
    looked_at = {RungState.PASS, RungState.FAIL}
    above = any(rung.state in looked_at for rung in one.rungs if rung.name is not RungName.PRESENT)
    return one.provision is Provision.CONTAINER or above


def ladder(one: Service) -> str:
    """Return six cells, lowest rung first: ``■■!···``; empty where there is nothing to climb."""
    if not climbed(one):
        return ""
    return "".join(GLYPHS[state] for state in rung_states(one))


def ladder_ascii(one: Service) -> str:
    """Return the six cells in ASCII: ``##!...``."""
    return ladder(one).translate(ASCII)


def ladder_cell(one: Service, word: Word) -> Cell:
    """Return the ladder in the tone of what it says; old checks are quiet."""
    states = rung_states(one)
    tone: Tone = "dim" if word.word in {"UNKNOWN", "STOPPED"} else "bad" if RungState.FAIL in states else word.tone
    return (ladder(one), tone)


def provided(one: Service) -> str:
    """Return how a service is provided, in words; ``container`` with nothing more for the normal case."""
    if one.provision is Provision.CONTAINER:
        return "container"
    return f"{one.provision.value}: {one.provided_by}" if one.provided_by else one.provision.value


def why(one: Service, word: Word) -> str:
    """Return the sentence of the WHY column: the word's reason, then how it is provided, heal and drift."""
    how = "" if one.provision is Provision.CONTAINER else provided(one)
    gone = one.provision is Provision.ABSENT and word.word == "STOPPED"
    held = "held" if one.held and word.word != "HELD" else ""
    said = ("" if gone else word.why, how, one.heal, held, one.drift)
    return ", ".join(part.rstrip(".") for part in said if part)


def container_of(one: Service, fleet: Fleet | None) -> Container | None:
    """Return the container that provides a service now, by its id or its name."""
    for box in fleet.containers if fleet else ():
        if not box.host and (box.id == one.container_id or box.name == one.container):
            return box
    return None


def others(stack: Stack, fleet: Fleet | None) -> tuple[Container, ...]:
    """Return the containers that belong to no service: of other machines none does."""
    ids = {one.container_id for one in stack.services}
    names = {one.container for one in stack.services}
    boxes = fleet.containers if fleet else ()
    return tuple(box for box in boxes if box.host or (box.id not in ids and box.name not in names))


@dataclass(frozen=True, slots=True)
class Group:
    """The services of one group with their words, in the manifest's order."""

    name: str
    services: tuple[tuple[Service, Word], ...]

    @property
    def fine(self) -> int:
        """How many are OK."""
        return sum(word.word == "OK" for _, word in self.services)

    @property
    def worst(self) -> str:
        """The worst word among them."""
        return min((word.word for _, word in self.services), key=ORDER.index)

    @property
    def count(self) -> str:
        """``3/3 OK``, or ``2/3`` when one is not."""
        total = len(self.services)
        return f"{self.fine}/{total} OK" if self.fine == total else f"{self.fine}/{total}"


def groups(stack: Stack, down: float | None, now: float) -> tuple[Group, ...]:
    """Return the groups in the order in which the manifest first names them."""
    found: dict[str, list[tuple[Service, Word]]] = {}
    for one in stack.services:
        found.setdefault(one.group, []).append((one, service_word(one, stack, down, now)))
    return tuple(Group(name, tuple(services)) for name, services in found.items())


def counts(stack: Stack | None, fleet: Fleet | None, down: float | None, now: float) -> Counter[str]:
    """Return how many services and other containers each state word has."""
    if stack is None:
        boxes: Sequence[Container] = fleet.containers if fleet else ()
    else:
        boxes = others(stack, fleet)
    number = Counter(fleet_word(one, fleet, down, now).word for one in boxes) if fleet else Counter[str]()
    for one in stack.services if stack else ():
        number[service_word(one, stack, down, now).word] += 1  # type: ignore[arg-type]
    return number


def root_causes(stack: Stack | None, down: float | None, now: float) -> tuple[tuple[Service, Word], ...]:
    """Return the services whose fault is their own and is felt: each once, however many others it hits."""
    if stack is None:
        return ()
    words = ((one, service_word(one, stack, down, now)) for one in stack.services)
    return tuple((one, word) for one, word in words if word.word == "BAD" and not one.root_cause)


def hits(one: Service) -> str:
    """Return whom a fault reaches: ``hits 3 others: ralph nginx code``; empty = nobody."""
    number = len(one.symptoms)
    return f"hits {number} other{'' if number == 1 else 's'}: {' '.join(one.symptoms)}" if number else ""


def by_id(stack: Stack) -> Mapping[str, Service]:
    """Return the services by their ids."""
    return {one.id: one for one in stack.services}


def problem(stack: Stack | None, now: float) -> str:
    """Return what is wrong with the manifest, with file, line and key; empty = nothing."""
    bad = stack is not None and stack.source.state is SourceState.FAILED
    return source_line(stack.source, now) if bad and stack else ""
