"""Where no rule knows a question the model may choose what is read: within a schema, from the person's words alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from aistack_backend.errors import BackendError
from aistack_backend.inference.grammar import check
from aistack_backend.inference.models import Rank, Turn
from aistack_backend.orchestration.ask.models import ABOUT_ONE, Read, Tool
from aistack_backend.orchestration.port import Choose
from aistack_backend.wire.chat import Role

PATIENCE = 20.0
"""Seconds that a choice may take."""
SHOWN = 40
"""Names that are offered."""
TOKENS = 60
NOTHING, NOBODY = "nothing", "none"
SYSTEM = (
    "You choose what to look at for a question about a stack of services. Answer with JSON only: look, and about, "
    "which is one of the names or none. look is nothing when the question is not about this machine. "
    "service: why one is not healthy; logs: what one printed; errors: its last errors; events: what happened; "
    "map: who needs whom; stack: all services; containers: all containers; tasks: what runs; approvals: what waits "
    "for a decision; resources: processor, memory, disk, GPU; model: the language model; doctor: the installation."
)
EXAMPLES = (
    ("does the mailbox answer anybody?", Tool.SERVICE, NOBODY),
    ("do we run out of room soon?", Tool.RESOURCES, NOBODY),
    ("what is the capital of France?", NOTHING, NOBODY),
)


async def choose(question: str, names: Sequence[str], model: Choose) -> tuple[Read, ...]:
    """Return at most one read; none when the model chooses none, badly, or not in time."""
    offered = list(names[:SHOWN])
    tools = [NOTHING, *(tool.value for tool in Tool if tool is not Tool.DOCUMENTS)]  # those are looked at before
    properties = {"look": {"enum": tools}, "about": {"enum": [*offered, NOBODY]}}
    schema = json.dumps({"type": "object", "properties": properties, "required": list(properties)})
    turns = [Turn(role=Role.SYSTEM, text=SYSTEM)]
    for text, look, about in EXAMPLES:
        turns.append(Turn(role=Role.USER, text=text))
        turns.append(Turn(role=Role.ASSISTANT, text=json.dumps({"look": str(look), "about": about})))
    turns.append(Turn(role=Role.USER, text=question[:1000]))
    try:
        async with asyncio.timeout(PATIENCE):
            answer = check(schema, await model.choose(turns, schema, TOKENS, rank=Rank.PERSON))
    except (BackendError, TimeoutError):
        return ()
    if answer["look"] == NOTHING:
        return ()
    tool, about = Tool(answer["look"]), "" if answer["about"] == NOBODY else str(answer["about"])
    if tool in ABOUT_ONE and not about:
        return ()
    return (Read(tool=tool, about=about if tool in ABOUT_ONE or tool in (Tool.MAP, Tool.EVENTS) else ""),)
