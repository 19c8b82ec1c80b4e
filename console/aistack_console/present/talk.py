"""A conversation in words: who speaks on which branch, what is done while one waits, what was read for an answer."""

from __future__ import annotations

from collections.abc import Sequence

from aistack_backend.wire.chat import DOCUMENT, OWN, Chunk, Cite, Finish, Message, Role, Session
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_console.present.para import Para, para, text_lines, title
from aistack_console.present.table import Cell, Tone
from aistack_console.present.units import bar, day_clock, many, span

MEASURED = "measured by the stack"
FULL = 0.8
"""Share of the context from which on a person is warned: soon the model sees only the end of the chat."""
_ENGINE: dict[EngineState, Tone] = {
    EngineState.READY: "ok",
    EngineState.BUSY: "ok",
    EngineState.LOADING: "accent",
    EngineState.PREPARING: "accent",
    EngineState.NO_MODEL: "warn",
    EngineState.ABSENT: "warn",
}
_ENDS = {
    Finish.LENGTH: "stopped at the length limit",
    Finish.CANCELLED: "cancelled",
    Finish.ERROR: "ended in an error",
    Finish.UNKNOWN: "ended in a way this console does not know",
}
OWN_HEAD: tuple[Cell, ...] = ((OWN, "warn"),)
"""The line above what a model adds to what was measured."""
_SPEAKERS: dict[Role, Cell] = {
    Role.USER: ("you", "accent"),
    Role.ASSISTANT: ("model", "ok"),
    Role.SYSTEM: ("system", "dim"),
}


def head_cells(
    model: ModelStatus | None, last: Chunk | None, *, session: str, persona: str, ask: bool
) -> tuple[Cell, ...]:
    """Return the line above the conversation: model, fill of the context, speed, route, persona, session.

    ``last`` is the newest piece of the newest answer; what was not measured is ``-``.
    """
    if model is None:
        return (("The model has not been measured yet.", "dim"),)
    rate = last.tokens_per_second if last else model.tokens_per_second
    cells: list[Cell] = [
        (model.model or "no model", "accent"),
        (f" {model.engine.value.upper()}  ", _ENGINE.get(model.engine, "bad")),
        *_context(last, model),
        f"{'-' if rate is None else f'{rate:.1f}'} tok/s  ",
    ]
    if last is not None and last.route:
        cells.append(f"route {last.route}  ")
    if ask:
        cells.append(("ASKS THE STACK  ", "accent"))
    if persona:
        cells.append(f"as {persona}  ")
    return (*cells, (session, "dim"))


def _context(last: Chunk | None, model: ModelStatus) -> tuple[Cell, ...]:
    used = last.context_used if last else None
    full = (last.context_size if last else None) or model.context_size
    said = f"ctx {_count(used)}/{_count(full)} "
    if used is None or not full:
        return (f"{said} ",)
    share = used / full
    if share < FULL:
        return (f"{said}{bar(share, 5)}  ",)
    return ((f"{said}{bar(share, 5)} {share:.0%} FULL  ", "warn"),)


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value / 1000:.1f}k" if value >= 1000 else str(value)


def full_note(last: Chunk | None) -> str:
    """Return what to do when the context is nearly full; empty = it is not."""
    if last is None or not last.context_size or (last.context_used or 0) < FULL * last.context_size:
        return ""
    share = (last.context_used or 0) / last.context_size
    return f"{share:.0%} of the context is used: what was said first is soon left out. ^n begins a new session."


def speaker(message: Message) -> Cell:
    """Return who speaks; an answer that begins with what was measured is the stack's until ``OWN_HEAD``."""
    if message.role is Role.ASSISTANT and any(cite.told for cite in message.cites):
        return (origin(message), "ok")
    if message.role is Role.ASSISTANT and message.route == "rules":
        return ("stack", "ok")
    return _SPEAKERS.get(message.role, ("unknown speaker", "warn"))


def origin(answer: Message) -> str:
    """Return where the part of an answer comes from that is no model's: what was measured, or what documents say."""
    papers = [one.what.startswith(DOCUMENT) for one in answer.cites if one.told]
    return "found in the documents" if all(papers) else "measured, and found in documents" if any(papers) else MEASURED


def place(message: Message) -> tuple[int, int]:
    """Return which of the branches a message begins is shown, from 1, and how many there are; ``(1, 1)`` = one."""
    if message.id not in message.siblings:
        return 1, 1
    return message.siblings.index(message.id) + 1, len(message.siblings)


def turn_head(message: Message, chosen: bool) -> tuple[Cell, ...]:
    """Return the line above a message: the cursor, who speaks, and which of how many branches this is."""
    at, count = place(message)
    cells: list[Cell] = [("> " if chosen else "  ", "accent"), speaker(message)]
    if count > 1:
        cells.append((f"  {at}/{count}", "warn"))
        cells.append(("  h l show the others" if chosen else "", "dim"))
    return tuple(cells)


def message_foot(message: Message) -> tuple[Cell, ...]:
    """Return what a stored answer measured; nothing for a person's own message."""
    if message.role is not Role.ASSISTANT:
        return ()
    return _foot(message, "")


def chunk_foot(message: Message, chunk: Chunk) -> tuple[Cell, ...]:
    """Return what a just finished answer measured."""
    return _foot(message, chunk.detail)


def _foot(message: Message, detail: str) -> tuple[Cell, ...]:
    rate, first = message.tokens_per_second, message.first_token_after
    words = [
        f"judged {message.verdict}" if message.verdict else "",  # first: a narrow terminal cuts the end
        many(message.tokens, "token") if message.tokens else "",  # what the rules answer has none
        f"{rate:.1f} tok/s" if rate is not None else "",
        f"first after {first:.2f}s" if first is not None else "",
        message.route,
        message.model,
    ]
    cells: list[Cell] = [("  ".join(filter(None, words)), "dim")] if any(words) else []
    if message.finish in _ENDS:
        tone: Tone = "bad" if message.finish is Finish.ERROR else "warn"
        gap = "  " if cells else ""
        cells.append((f"{gap}{_ENDS[message.finish]}{': ' + detail if detail else ''}", tone))
    return tuple(cells)


OWN_WAITS: tuple[Cell, ...] = (("the model has not said anything to it yet", "dim"),)
"""Under what was measured, until the model adds its own words."""


def running(chunk: Chunk | None, asked_for: float) -> tuple[Cell, ...]:
    """Return what goes on before the words come: the place in the queue, what is looked at, or only how long."""
    if chunk is not None and chunk.looking:
        return ((f"looking at {chunk.looking}", "accent"),)
    if chunk is not None and chunk.ahead:
        others = "1 request is" if chunk.ahead == 1 else f"{chunk.ahead} requests are"
        return ((f"waiting: {others} served before this one", "warn"),)
    return ((f"waiting {span(asked_for)}", "dim"),)


def cite_lines(cites: Sequence[Cite], now: float) -> tuple[Para, ...]:
    """Return a line for each thing that was read: ``[1] logs of web · 12s ago``."""
    return tuple(para((f"[{one.number}]", "accent"), f" {one.what}", (f" · {_age(one, now)}", "dim")) for one in cites)


def cites_paras(cites: Sequence[Cite], now: float) -> tuple[Para, ...]:
    """Return all that was read, as the model got it."""
    out: list[Para] = []
    for one in cites:
        out.append(title(f"[{one.number}] {one.what} · read {day_clock(one.at, now)}, {_age(one, now)}"))
        out += text_lines(one.text or "The backend kept nothing of it.")
    return tuple(out)


def _age(one: Cite, now: float) -> str:
    return f"{span(now - one.at)} ago"


def session_name(session: Session) -> str:
    """Return a session's title, or its number where it has none."""
    return session.title or f"session {session.id}"
