"""The protocol on a real socket: who connected, and no patience with a head that never comes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from aistack_backend.api.peers import PeerProtocol, user_name


async def who(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the peer's uid and pid."""
    peer = scope["state"]["peer"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{peer.uid} {peer.pid} {peer.user}".encode()})


@asynccontextmanager
async def served(path: Path, most: int | None = None) -> AsyncIterator[None]:
    """Serve ``who`` with the protocol on a socket, at most so many connections at once."""
    config = uvicorn.Config(who, http=PeerProtocol, ws="none", lifespan="off", log_config=None, limit_concurrency=most)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: PeerProtocol(config=config, server_state=state, app_state={}), path
    )
    async with server:
        yield


async def test_each_connection_carries_its_peer(tmp_path: Path) -> None:
    async with served(tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        spoof = b"X-Uid: 4242\r\nX-Peer: 4242 1 mallory\r\n"
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + spoof + b"Connection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()
    assert f"{os.getuid()} {os.getpid()} {user_name(os.getuid())}".encode() in answer


SPOOFS = (
    "X-Uid: {u}", "X-Gid: {u}", "X-Peer: {u} 1 mallory", "X-Peer-Uid: {u}", "X-User: mallory", "X-Remote-User: mallory",
    "Remote-User: mallory", "X-Forwarded-User: mallory", "X-Forwarded-For: 10.0.0.{o}", "Forwarded: for=10.0.0.{o}",
    "X-Real-IP: 10.0.0.{o}", "X-Original-User: mallory", "X-WEBAUTH-USER: mallory", "X-Auth-Request-User: mallory",
    "Authorization: Basic bWFsbG9yeTp4", "Authorization: Bearer {u}", "Cookie: uid={u}; user=mallory",
    "From: mallory@x", "X-SSL-Client-CN: mallory", "SO_PEERCRED: {u}", "scope: state.peer={u}", "X-Aistack-Peer: {u}",
    "X-Aistack-User: mallory", "X-Aistack-Uid: {u}",
)  # fmt: skip


async def test_no_header_makes_somebody_else_of_a_peer(tmp_path: Path) -> None:
    """R1.13: at least 20 ways to say in the request who one is."""
    assert len(SPOOFS) >= 20
    wrong = 0
    async with served(tmp_path / "s"):
        for number, header in enumerate(SPOOFS):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
            said = header.format(u=os.getuid() + 1 + number, o=number)
            writer.write(f"GET /?uid=0&user=mallory HTTP/1.1\r\nHost: localhost\r\n{said}\r\n".encode())
            writer.write(b"Connection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 60)
            writer.close()
            mine = f"{os.getuid()} {os.getpid()} {user_name(os.getuid())}".encode()
            wrong += mine not in answer or b"mallory" in answer
    print(f"R1.13: {len(SPOOFS)} tried, {wrong} failed (headers that made somebody else of a peer)")
    assert wrong == 0


@pytest.mark.parametrize("drip", [b"", b"GET / HTTP/1.1\r\nHost: loc"])
async def test_a_head_that_does_not_come_ends_the_connection(
    tmp_path: Path, drip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aistack_backend.api.patience.HEAD_WITHIN", 0.05)
    async with served(tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(drip)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 60)
        writer.close()


async def test_a_connection_that_was_heard_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aistack_backend.api.patience.HEAD_WITHIN", 0.05)
    async with served(tmp_path / "s"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        end = user_name(os.getuid()).encode()
        assert await asyncio.wait_for(reader.readuntil(end), 60)
        assert not await asyncio.wait_for(_closed(reader, within=0.2), 60)
        writer.close()


async def _closed(reader: asyncio.StreamReader, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await reader.readexactly(1)
    except TimeoutError:
        return False
    except (ConnectionResetError, asyncio.IncompleteReadError):
        return True
    return False


async def test_a_crowd_that_came_at_once_is_answered(tmp_path: Path) -> None:
    """More than half the places are taken before the loop could read one head, as on a busy machine."""
    async with served(tmp_path / "s", most=40):
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(36)]
        for one in crowd:  # nothing is awaited in here, so all of them wait for the loop
            one.connect(str(tmp_path / "s"))
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        for one in crowd:
            reader, writer = await asyncio.open_unix_connection(sock=one)
            assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 200 ")
            writer.close()


async def test_who_only_holds_places_keeps_nobody_out(tmp_path: Path) -> None:
    """R4.4: 500 connections that never send a whole head, on a server of 40 places; every other call is answered."""
    answered = 0
    async with served(tmp_path / "s", most=40):
        holders = []
        for number in range(500):
            _, holder = await asyncio.open_unix_connection(tmp_path / "s")
            holder.write(b"GET / HTTP/1.1\r\nHost: loc")
            holders.append(holder)
            if number % 10 == 0:
                reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
                writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answered += b" 200 OK" in await asyncio.wait_for(reader.read(), 60)
                writer.close()
        for holder in holders:
            holder.close()
            await holder.wait_closed()
    assert answered == 50
