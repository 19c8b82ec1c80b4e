"""What belongs to a question of a conversation: its last turns, and pieces of documents that the asker has not yet."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Sequence

from aistack_backend.errors import BadInput
from aistack_backend.learning.models import Interaction
from aistack_backend.orchestration.routing import limits
from aistack_backend.orchestration.routing.coordinator import Asker, Rooms
from aistack_backend.orchestration.routing.history import CONTEXT, EVENTS, SOURCE
from aistack_backend.orchestration.routing.models import Piece
from aistack_backend.orchestration.routing.prompt import EARLIER, bare
from aistack_backend.store.telemetry_tables import telemetry as table
from aistack_backend.wire.routing import ContextAnswer, ContextRequest, RouteRequest

LEVELS = {"standard": 4, "detailed": 8, "comprehensive": 16}
"""Pieces of documents at most, by how much is wanted."""
PER_TOKEN = 3
"""Characters that are given for a token: fewer than a token has on the whole, so that the bound is kept."""
TOKENS = 32_000
KNOWN = 500
_PIECE_ID = re.compile(r"[\w.:\-/]{1,200}")


async def gathered(rooms: Rooms, request: ContextRequest, asker: Asker) -> ContextAnswer:
    """Return what belongs to it, and write down that it was asked for: the next turn of the session counts on.

    Raises:
        TooOften, BadInput: it is not taken. Unavailable: documents or store cannot be read now.
    """
    rooms.rates.count(asker.client)
    session = request.session_id or uuid.uuid4().hex
    limits.looked_over(RouteRequest(query=request.query, session=session, context=request.metadata))
    if request.context_level not in LEVELS:
        raise BadInput(f"{request.context_level[:40]!r} is no context level.", f"There are {', '.join(LEVELS)}.")
    if not 1 <= request.max_tokens <= TOKENS:
        raise BadInput(f"max_tokens is 1 to {TOKENS}.")
    had = request.previous_context_ids
    if len(had) > KNOWN or not all(_PIECE_ID.fullmatch(one) for one in had):
        raise BadInput(f"previous_context_ids are at most {KNOWN}, as context_ids gave them.")
    most = LEVELS[request.context_level]
    found = await rooms.finds.find(request.query, min(50, most + len(had) + 4))
    new = [one for one in found if one.id not in had]
    name = f"{asker.door}{session}"
    number, said = await asyncio.to_thread(_turns, rooms, name)
    text, used = _within(said, new[:most], request.max_tokens * PER_TOKEN)
    one = Interaction(
        source=SOURCE, event=CONTEXT, session=name, query=request.query, sources=tuple(p.source for p in used), ok=True
    )
    await asyncio.to_thread(rooms.telemetry.record, one)
    others = dict.fromkeys(one.heading or one.title for one in new if one not in used)
    return ContextAnswer(
        context=text,
        context_ids=tuple(one.id for one in used),
        suggestions=tuple(others)[:5],
        token_count=None,
        characters=len(text),
        collections_searched=tuple(dict.fromkeys(one.collection for one in found)),
        session_id=session,
        turn_number=number + 1,
    )


def _turns(rooms: Rooms, session: str) -> tuple[int, str]:
    """Return how many questions the session had, and its last answered ones as text, the oldest first."""
    where = (table.c.session == session, table.c.source == SOURCE, table.c.event.in_((*EVENTS, CONTEXT)))
    rows = rooms.telemetry.find(*where)
    told = [one.interaction for one in rows if one.interaction.answer][:6]
    said = [f"Q: {one.query[:EARLIER]}\nA: {one.answer[:EARLIER]}" for one in reversed(told)]
    return len(rows), "\n\n".join(said)


def _within(said: str, pieces: Sequence[Piece], room: int) -> tuple[str, list[Piece]]:
    """Return as much as fits: the documents first, whole pieces only, then the end of what was said."""
    used, parts, left = [], list[str](), room
    for one in pieces:
        text = bare(one)
        if len(text) + 2 <= left:
            used.append(one)
            parts.append(text)
            left -= len(text) + 2
    if said and left > 100:
        parts.insert(0, said[-(left - 2) :])
    return "\n\n".join(parts), used
