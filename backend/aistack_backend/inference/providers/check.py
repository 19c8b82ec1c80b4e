"""A person's check of one endpoint: what was sent, what came, how long it took. Nothing of this machine is in it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from aistack_backend.audit.redact import shortened
from aistack_backend.errors import BackendError
from aistack_backend.inference.models import Turn
from aistack_backend.inference.providers import price
from aistack_backend.inference.providers.line import Line
from aistack_backend.inference.providers.models import Ask, Part
from aistack_backend.wire.chat import Role
from aistack_backend.wire.providers import CheckStep

WORDS = "Answer with the one word: ready"
TOKENS = 16
SHOWN = 80
"""Characters of the answer that are shown."""


async def checked(line: Line, *, ask: bool) -> tuple[CheckStep, ...]:
    """Ask for the list of models, and for a few tokens where that is wanted; what fails is said in its step."""
    steps = [await _models(line)]
    if ask:
        steps.append(await _ask(line))
    return tuple(steps)


def _with(line: Line) -> str:
    file = line.provider.key_file
    return f"with the key of {file}" if file else "without a key"


async def _models(line: Line) -> CheckStep:
    one, began = line.provider, asyncio.get_running_loop().time()
    sent = f"GET {one.url}/models, {_with(line)}; nothing else."
    try:
        names = await line.models(person=True)
    except BackendError as error:
        return CheckStep(sent=sent, ok=False, detail=_told(error))
    seconds = asyncio.get_running_loop().time() - began
    among = "is among them" if one.model in names else "is not among them"
    return CheckStep(sent=sent, ok=True, detail=f"It lists {len(names)} models; {one.model} {among}.", seconds=seconds)


async def _ask(line: Line) -> CheckStep:
    one, loop = line.provider, asyncio.get_running_loop()
    limit = min(TOKENS, one.max_tokens)
    sent = f'POST {one.url}/chat/completions, {_with(line)}: "{WORDS}", at most {limit} tokens; nothing else.'
    wish = Ask(turns=(Turn(role=Role.USER, text=WORDS),), max_tokens=TOKENS, temperature=0.0)
    began, text, last = loop.time(), "", Part()
    try:
        async with aclosing(line.stream(wish, person=True)) as parts:
            async for part in parts:
                text, last = text + part.text, part
    except BackendError as error:
        return CheckStep(sent=sent, ok=False, detail=_told(error))
    said = shortened(" ".join(text.split()), SHOWN)
    return CheckStep(
        sent=sent,
        ok=True,
        detail=f"It answers: {said}" if said else "It answers without a text.",
        seconds=loop.time() - began,
        first_after=last.first_after,
        tokens_in=last.tokens.read if last.tokens else None,
        tokens_out=last.tokens.written if last.tokens else None,
        cost=price.shown(price.cost(one, last.tokens)),
    )


def _told(error: BackendError) -> str:
    return f"{error.detail} {error.hint}".strip()
