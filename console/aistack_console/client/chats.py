"""The routes of chat: sessions and their branches, personas, and the stream of an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aistack_backend.wire.chat import Chunk, PersonaList, SayRequest, Session, SessionChange, SessionList, Transcript
from aistack_console.client.calls import JSON_BODY, Calls, encode
from aistack_console.client.decode import decode


class ChatCalls(Calls):
    """Lists, reads, renames and deletes chats, and says something in one."""

    async def chats(self, search: str = "") -> SessionList:
        """Return the chat sessions, last used first; with ``search`` those in which the words are found."""
        return await self._get("/v1/chats", SessionList, params={"search": search} if search else None)

    async def chat(self, session_id: int, leaf: int | None = None) -> Transcript:
        """Return one chat session with the messages of one branch: the one used last, or the one through ``leaf``."""
        params: dict[str, Any] = {} if leaf is None else {"leaf": leaf}
        return await self._get(f"/v1/chats/{session_id}", Transcript, params=params, mode="drop")

    async def change_chat(self, session_id: int, change: SessionChange) -> Session:
        """Give a chat session another title or persona."""
        path = f"/v1/chats/{session_id}"
        with self.asked.noting("PATCH", path, change) as one:
            body = await self._call("PATCH", path, content=encode(change), headers=JSON_BODY)
            answer = decode(body, Session)
            one.answer = answer
        return answer

    async def delete_chat(self, session_id: int) -> None:
        """Delete one chat session."""
        with self.asked.noting("DELETE", path := f"/v1/chats/{session_id}"):
            await self._call("DELETE", path)

    async def personas(self) -> PersonaList:
        """Return every persona, the usual one first."""
        return await self._get("/v1/personas", PersonaList)

    async def say(self, request: SayRequest) -> AsyncIterator[Chunk]:
        """Say something; yield the answer as it comes. The last chunk has ``finish`` set."""
        async for chunk in self._lines("POST", "/v1/chat", Chunk, "drop", content=encode(request), headers=JSON_BODY):
            yield chunk

    async def cancel_chat(self, session_id: int) -> None:
        """Stop the answer of a session."""
        await self._call("POST", f"/v1/chats/{session_id}/cancel")
