"""The real model: first token, tokens a second, and how long Esc takes to bring silence."""

from __future__ import annotations

import asyncio
import time

from aistack_backend.wire.chat import Chunk, SayRequest
from aistack_backend.wire.models import EngineState, ModelStatus
from aistack_console.client.api import Client
from aistack_console.errors import BackendDown, ClientError
from bench.figures import Figure
from bench.stage import running_house

PROMPT = "Write a long story about a lighthouse keeper and the sea."


def run() -> list[Figure]:
    """Ask once in full, then once more and cancel after the fifth piece."""
    with running_house(AISTACK_MODEL_ENABLED="true") as home:
        return asyncio.run(_measure(Client(home.socket, via="api")))


async def _measure(client: Client) -> list[Figure]:
    try:
        async with asyncio.timeout(120):
            status = await model_ready(client)
        last = await _say(client)
        silence = await _cancel(client)
    finally:
        await client.close()
    return [
        Figure(name=f"chat: first token ({status.model})", value=_ms(last.first_token_after), unit="ms"),
        Figure(name="chat: tokens a second", value=last.tokens_per_second, unit="tok/s"),
        Figure(name="chat: cancel to silence", value=silence * 1000, unit="ms", goal="<= 300"),
    ]


async def model_ready(client: Client) -> ModelStatus:
    """Wait until the model can answer; RuntimeError when it never will."""
    while True:
        try:
            status = await client.models()
        except ClientError as error:  # the backend answers before its parts do
            if error.status != 503:
                raise
        except BackendDown:
            pass  # it is busy; who asks has a limit
        else:
            if status.engine is EngineState.READY:
                return status
            if status.engine is EngineState.FAILED:
                raise RuntimeError(status.detail)
        await asyncio.sleep(0.1)


async def _say(client: Client) -> Chunk:
    chunks = [chunk async for chunk in client.say(SayRequest(text=PROMPT, max_tokens=128))]
    if not chunks:
        raise RuntimeError("The model said nothing.")
    return chunks[-1]


async def _cancel(client: Client) -> float:
    began, seen = 0.0, 0
    async for chunk in client.say(SayRequest(text=PROMPT, max_tokens=512)):
        seen += 1
        if seen == 5:
            began = time.monotonic()
            await client.cancel_chat(chunk.session_id)
    return time.monotonic() - began


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
