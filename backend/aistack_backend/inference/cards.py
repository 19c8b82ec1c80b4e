"""One model as the screens show it: what is known of its file, whether it fits, and what it may be used for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from aistack_backend.inference.catalogue import Model
from aistack_backend.inference.entries import Entry, origin
from aistack_backend.inference.facts import FileFacts
from aistack_backend.inference.stores import OURS
from aistack_backend.wire.models import ModelCard, ModelPlace

OWN = "own-file"
"""Card id of the operator's own GGUF file."""
OVERHEAD = 350_000_000
"""Bytes beside the weights for a model that is not here yet: keys, values, buffers, the process (measured: 0.3 GB)."""
UNSTATED = "the file states none"
LONGEST = 4_096
"""Characters of a path, or of what a header says."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a model would have to fit into."""

    active: str
    context: int
    memory: int
    """Bytes free now."""
    gpu: int | None = None
    """Bytes free on the GPU that has most; None = no GPU was measured."""
    loading: bool = False
    """The active one is on its way in."""

    @staticmethod
    def measure(active: str, context: int, gpu: int | None = None) -> Room:
        """Return the room that there is now."""
        return Room(active, context, psutil.virtual_memory().available, gpu)


def of_catalogue(one: Model, room: Room, entry: Entry | None, file: Path | None, facts: FileFacts | None) -> ModelCard:
    """Return the card of a model of the catalogue; ``file`` None = it must be fetched first."""
    card = ModelCard(
        id=one.id,
        name=one.name,
        licence=one.licence,
        origin=one.origin,
        size=one.size,
        sha256=one.sha256,
        path=said(file) if file else "",
        note=one.note,
        kind=one.kind,
        cannot_chat=cannot_by_kind(one),
        places=_places(entry) or ((ModelPlace(store=OURS, path=said(file)),) if file else ()),
        removable=file is not None and (entry is None or entry.ours is not None),
    )
    if file is None or facts is None:
        return _fitted(card, room, one.size + OVERHEAD)
    return _fitted(_with_header(card, facts), room, _needs(facts, room))


def of_own(path: Path, room: Room, entry: Entry | None, facts: FileFacts) -> ModelCard:
    """Return the card of the file that the settings name."""
    card = ModelCard(
        id=OWN,
        name=said(facts.header.name) if facts.header else said(path.name),
        licence=said(facts.header.licence or UNSTATED) if facts.header else "",
        origin="your file",
        size=facts.size,
        sha256=facts.sha256,
        path=said(path),
        note=said(facts.fault),
        places=_places(entry),
    )
    return _fitted(_with_header(card, facts), room, _needs(facts, room))


def of_entry(entry: Entry, room: Room) -> ModelCard:
    """Return the card of a file of a store."""
    facts = entry.facts
    told = next((place.licence for place in entry.places if place.licence), "")
    card = ModelCard(
        id=entry.id,
        name=said(entry.name),
        licence=said(facts.header.licence if facts.header else "") or said(told) or UNSTATED,
        origin=said(origin(entry)),
        size=facts.size,
        sha256=facts.sha256,
        path=said(entry.path),
        note=said(facts.fault),
        places=_places(entry),
        parts=entry.parts,
        removable=entry.ours is not None,
    )
    return _fitted(_with_header(card, facts), room, _needs(facts, room))


def cannot_chat(facts: FileFacts) -> str:
    """Return why a file cannot chat, in one sentence; empty = it can."""
    if facts.fault or facts.header is None:
        return said(facts.fault) or "Its header was not read."
    why = facts.header.cannot_chat
    return said(f"It {why}") if why else ""


def cannot_by_kind(one: Model) -> str:
    """Return why a model of the catalogue cannot chat, wherever it is; empty = it can."""
    return "It turns texts into vectors, so it cannot chat." if one.kind == "embedding" else ""


def said(text: str | Path) -> str:
    """Return a text that can cross the socket: cut when it is absurdly long, and bytes that are no UTF-8 shown so."""
    return str(text)[:LONGEST].encode(errors="surrogateescape").decode(errors="replace")


def _with_header(card: ModelCard, facts: FileFacts) -> ModelCard:
    header, why = facts.header, cannot_chat(facts)
    if header is None:
        return replace(card, cannot_chat=why)
    return replace(
        card,
        architecture=said(header.architecture),
        quantisation=header.quantisation,
        context_train=header.context_train or None,
        template=header.template,
        kind="embedding" if header.embeds else "chat" if header.template else "",
        cannot_chat=why,
    )


def _fitted(card: ModelCard, room: Room, needs: int | None) -> ModelCard:
    active = card.id == room.active
    return replace(
        card,
        active=active,
        loading=active and room.loading,
        needs=needs,
        fits=None if needs is None else needs <= room.memory or active,
        fits_gpu=None if needs is None or room.gpu is None else needs <= room.gpu,
    )


def _places(entry: Entry | None) -> tuple[ModelPlace, ...]:
    return tuple(
        ModelPlace(store=one.store, path=said(one.path), name=said(one.name)) for one in (entry.places if entry else ())
    )


def _needs(facts: FileFacts | None, room: Room) -> int | None:
    header = facts.header if facts else None
    return header.memory(min(room.context, header.context_train or room.context)) if header else None
