"""The contract of endpoints elsewhere, on our own OpenAI form: one of us can be the provider of another."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from tests.bed.provider_contract import ProviderContract, Spot

from .conftest import Accepted, make_app, running, settings_in, small_world


class TestOwnServer(ProviderContract):
    """The backend's ``/llama`` over TCP on loopback, with the engine that needs no model."""

    @pytest.fixture
    async def spot(self, tmp_path: Path) -> AsyncIterator[Spot]:
        app = make_app(settings_in(tmp_path), small_world())
        with socket.create_server(("127.0.0.1", 0)) as listening:
            async with running(app) as client:
                name = (await client.get("/v1/models")).json()["model"]
                server = uvicorn.Server(uvicorn.Config(Accepted(app), lifespan="off", log_config=None))
                serving = asyncio.create_task(server.serve([listening]))
                yield Spot(
                    f"http://127.0.0.1:{listening.getsockname()[1]}/llama/v1", name, streams_usage=False, lists=False
                )
                server.should_exit = True
                await serving
