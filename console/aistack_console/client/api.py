"""The backend's routes as typed calls over its Unix socket.

Every answer is decoded into a wire type and passed through ``text.safe``: names and approvals in ``show`` mode,
log lines and chat text in ``drop`` mode. Calls go through httpx, which the first call imports in a thread; streams,
the first of which stands between the start and the first frame, through ``client.http`` (ADR 0008).
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from aistack_backend.wire.actions import ActionRequest, Approval, ApprovalList, DecideRequest, GoalRequest
from aistack_backend.wire.audit import AuditCheck, AuditPage
from aistack_backend.wire.chat import Chunk, SayRequest, SessionList, Transcript
from aistack_backend.wire.containers import ContainerDetail, Fleet, LogBatch, UsageTable
from aistack_backend.wire.host import HostSample, Series
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.status import DoctorReport, Status
from aistack_backend.wire.tasks import Task, TaskList
from aistack_console.client.decode import decode, decode_problem
from aistack_console.client.http import CONNECT, Answer, exchange, target
from aistack_console.errors import BackendDown, ClientError
from aistack_console.text import Mode

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

TIMEOUT = 15.0
"""Seconds that one ordinary call may take; streams wait for ever."""


class Client:
    """One console's connection to its backend. Every method raises ``ClientError`` when the backend refuses and
    ``BackendDown`` when it does not answer."""

    def __init__(self, socket_path: Path, via: str = "tui") -> None:
        self.socket_path = socket_path
        self.via = via
        self._http: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Let go of the calls' connections; whoever follows a stream ends it by leaving it."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def ping(self) -> float:
        """Return the seconds of one round trip."""
        began = time.perf_counter()
        await self._call("GET", "/healthz")
        return time.perf_counter() - began

    async def status(self) -> Status:
        """Return what the backend says about itself."""
        return await self._get("/v1/status", Status)

    async def containers(self) -> Fleet:
        """Return every container, and the state of the source they came from."""
        return await self._get("/v1/containers", Fleet)

    async def container(self, container_id: str) -> ContainerDetail:
        """Return one container in full."""
        return await self._get(f"/v1/containers/{_part(container_id)}", ContainerDetail)

    async def usage(self) -> UsageTable:
        """Return the newest usage of every running container."""
        return await self._get("/v1/usage", UsageTable)

    async def logs(
        self, container_id: str, *, tail: int = 100, since: float | None = None, follow: bool = False
    ) -> AsyncIterator[LogBatch]:
        """Yield batches of log lines, oldest first; for ever with ``follow``."""
        params: dict[str, Any] = {"tail": tail, "follow": str(follow).lower()}
        if since is not None:
            params["since"] = since
        path = f"/v1/containers/{_part(container_id)}/logs"
        async for batch in self._lines("GET", path, LogBatch, "drop", params=params):
            yield batch

    async def preview(self, request: ActionRequest) -> Approval:
        """Return what would run and how it is judged; nothing is stored."""
        return await self._post("/v1/actions/preview", request, Approval)

    async def act(self, request: ActionRequest) -> Task:
        """Ask for an action; with ``confirmed_hash`` it is decided at once."""
        return await self._post("/v1/tasks/action", request, Task)

    async def run(self, request: GoalRequest) -> Task:
        """Ask for something in words; an agent proposes, a person decides."""
        return await self._post("/v1/tasks/goal", request, Task)

    async def tasks(self) -> TaskList:
        """Return the newest tasks, newest first."""
        return await self._get("/v1/tasks", TaskList)

    async def task(self, task_id: int) -> Task:
        """Return one task."""
        return await self._get(f"/v1/tasks/{task_id}", Task)

    async def stop_task(self, task_id: int) -> Task:
        """Stop one task."""
        return await self._post(f"/v1/tasks/{task_id}/stop", None, Task)

    async def approvals(self) -> ApprovalList:
        """Return every pending approval and the newest decided ones."""
        return await self._get("/v1/approvals", ApprovalList)

    async def approval(self, approval_id: int) -> Approval:
        """Return one approval."""
        return await self._get(f"/v1/approvals/{approval_id}", Approval)

    async def decide(self, approval_id: int, request: DecideRequest) -> Approval:
        """Decide; a ``ClientError`` of type ``approval-already-decided`` names who was first."""
        return await self._post(f"/v1/approvals/{approval_id}/decision", request, Approval)

    async def audit(self, limit: int = 100, before: int | None = None, text: str = "") -> AuditPage:
        """Return audit records, newest first, older than ``before``, containing ``text``."""
        params: dict[str, Any] = {"limit": limit}
        if before is not None:
            params["before"] = before
        if text:
            params["text"] = text
        return await self._get("/v1/audit", AuditPage, params=params)

    async def verify_audit(self) -> AuditCheck:
        """Walk the audit chain and its witness."""
        return await self._post("/v1/audit/verify", None, AuditCheck)

    async def host(self) -> HostSample:
        """Return the newest sample of the machine."""
        return await self._get("/v1/host", HostSample)

    async def series(self, name: str, since: float | None = None) -> Series:
        """Return a recorded metric, e.g. ``host.cpu`` or ``container.ID.cpu``."""
        params = {} if since is None else {"since": since}
        return await self._get(f"/v1/series/{_part(name)}", Series, params=params)

    async def models(self) -> ModelStatus:
        """Return the engine and its models."""
        return await self._get("/v1/models", ModelStatus)

    async def fetch_model(self, card_id: str) -> ModelStatus:
        """Begin to fetch a model of the catalogue."""
        return await self._post(f"/v1/models/{_part(card_id)}/fetch", None, ModelStatus)

    async def use_model(self, card_id: str) -> ModelStatus:
        """Load a model."""
        return await self._post(f"/v1/models/{_part(card_id)}/use", None, ModelStatus)

    async def chats(self) -> SessionList:
        """Return the chat sessions, last used first."""
        return await self._get("/v1/chats", SessionList)

    async def chat(self, session_id: int) -> Transcript:
        """Return one chat session with its messages."""
        return await self._get(f"/v1/chats/{session_id}", Transcript, mode="drop")

    async def delete_chat(self, session_id: int) -> None:
        """Delete one chat session."""
        await self._call("DELETE", f"/v1/chats/{session_id}")

    async def say(self, request: SayRequest) -> AsyncIterator[Chunk]:
        """Say something; yield the answer as it comes. The last chunk has ``finish`` set."""
        async for chunk in self._lines("POST", "/v1/chat", Chunk, "drop", content=_encode(request), headers=_JSON):
            yield chunk

    async def cancel_chat(self, session_id: int) -> None:
        """Stop the answer of a session."""
        await self._call("POST", f"/v1/chats/{session_id}/cancel")

    async def doctor(self) -> DoctorReport:
        """Return what is right and wrong with this machine."""
        return await self._get("/v1/doctor", DoctorReport)

    async def shutdown(self) -> None:
        """Ask the backend to stop."""
        await self._call("POST", "/v1/shutdown")

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Answer]:
        """Open a streamed answer; it never times out once it is connected."""
        said = {"X-Aistack-Via": self.via, **(headers or {})}
        try:
            async with exchange(self.socket_path, method, target(path, params), said, content) as answer:
                if answer.status >= 400:
                    raise ClientError(decode_problem(await answer.read(), answer.status))
                yield answer
        except OSError as error:
            raise self._down(error) from error

    async def _lines(self, method: str, path: str, kind: type[T], mode: Mode, **arguments: Any) -> AsyncIterator[T]:
        async with self.stream(method, path, **arguments) as answer:
            async for line in answer.lines():
                if line.strip():
                    yield decode(line, kind, mode)

    async def _get(self, path: str, kind: type[T], *, params: dict[str, Any] | None = None, mode: Mode = "show") -> T:
        return decode(await self._call("GET", path, params=params), kind, mode)

    async def _post(self, path: str, request: object | None, kind: type[T]) -> T:
        body = {} if request is None else {"content": _encode(request), "headers": _JSON}
        return decode(await self._call("POST", path, **body), kind)

    async def _call(self, method: str, path: str, **arguments: Any) -> bytes:
        await asyncio.to_thread(importlib.import_module, "httpx")
        import httpx

        try:
            response = await self._calls().request(method, path, **arguments)
        except (httpx.HTTPError, OSError) as error:
            raise self._down(error) from error
        if response.is_error:
            raise ClientError(decode_problem(response.content, response.status_code))
        return response.content

    def _calls(self) -> httpx.AsyncClient:
        """Return the one client of all calls, made when it is first asked for."""
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(
                    uds=str(self.socket_path),
                    verify=False,
                    limits=httpx.Limits(max_keepalive_connections=0),  # a kept one may be closing as it is used
                ),
                trust_env=False,
                base_url="http://localhost",
                timeout=httpx.Timeout(TIMEOUT, connect=CONNECT),
                headers={"X-Aistack-Via": self.via},
            )
        return self._http

    def _down(self, error: Exception) -> BackendDown:
        cause = error.__cause__ or error
        said = getattr(cause, "strerror", None) or str(error) or type(error).__name__
        return BackendDown(f"The backend does not answer on {self.socket_path} ({said}).", "Run aistack-backend serve.")


_JSON = {"Content-Type": "application/json"}


def _encode(request: object) -> bytes:
    import msgspec

    return msgspec.json.encode(request)


def _part(text: str) -> str:
    return quote(text, safe="")
