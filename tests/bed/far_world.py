"""A provider's configuration and transport for a test, and what is asked in most of them."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from aistack_backend.clock import HandClock
from aistack_backend.inference.models import Turn
from aistack_backend.inference.providers.models import Ask, Part
from aistack_backend.inference.providers.transport import Transport
from aistack_backend.wire.chat import Role
from aistack_backend.wire.providerconfig import ProviderConfig

ASK = Ask(turns=(Turn(role=Role.USER, text="Say hello."),), max_tokens=20, temperature=0.0)
CANARY = "sk-canary-0123456789"


def config(url: str, **more: Any) -> ProviderConfig:
    """Return a provider that is at this URL; its times are long, so that no slow machine meets them."""
    return ProviderConfig(**{"name": "far", "model": "big", "url": url, **more})


def transport(url: str, **more: Any) -> Transport:
    """Return what asks it."""
    return Transport(config(url, **more), HandClock())


async def collected(asked: Transport, ask: Ask = ASK) -> tuple[str, Part]:
    """Return the text of a streamed answer, and its last part."""
    text, last = "", Part()
    async with aclosing(asked.stream(ask)) as parts:
        async for part in parts:
            assert last.finish is None, "nothing comes after the end"
            text, last = text + part.text, part
    assert last.finish is not None
    return text, last
