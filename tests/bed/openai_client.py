"""The official client of OpenAI's API, and the routes on a port that it can reach.

The packages are loaded by name: types are checked also where they are not installed yet, and no running loop waits
for their seconds of loading.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aistack_backend.api.openai.answers import Answers
from aistack_backend.api.openai.routes import endpoints
from aistack_backend.api.roles.catalogue import named
from aistack_backend.api.roles.door import Door, tcp
from aistack_backend.api.roles.site import build

openai: Any = importlib.import_module("openai")
httpx2: Any = importlib.import_module("httpx2")


@asynccontextmanager
async def on_a_port(model: Answers) -> AsyncIterator[str]:
    """Serve the role ``llama-cpp`` over that model on a port of loopback; gives the base URL of its API."""
    site = build(named("llama-cpp"), endpoints(lambda _: model, lambda: 7.0), (), "container")
    with tcp("127.0.0.1", 0) as bound:
        door = Door(site, bound)
        await door.open()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        finally:
            await door.close()


@asynccontextmanager
async def client_on_a_port(model: Answers) -> AsyncIterator[Any]:
    """Give the official client of that model; it asks once only, and by no proxy."""
    async with on_a_port(model) as url:
        plain = openai.DefaultAsyncHttpxClient(trust_env=False)
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, http_client=plain) as client:
            yield client


def client_of_socket(socket: Path) -> Any:
    """Return the official client over the operator's socket."""
    transport = httpx2.HTTPTransport(uds=str(socket))
    plain = httpx2.Client(transport=transport, trust_env=False)
    return openai.OpenAI(base_url="http://localhost/v1", api_key="none", max_retries=0, http_client=plain)
