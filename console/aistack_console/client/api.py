"""The backend's routes as typed calls over its Unix socket.

Every answer is decoded into a wire type and passed through ``text.safe``: names and approvals in ``show`` mode,
log lines and chat text in ``drop`` mode. Calls go through httpx, which the first call imports in a thread; streams,
the first of which stands between the start and the first frame, through ``client.http`` (ADR 0008).
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

from aistack_backend.wire.actions import (
    GO_ON,
    ActionRequest,
    Approval,
    ApprovalList,
    DecideRequest,
    EditRequest,
    GoalRequest,
    GoOnRequest,
)
from aistack_backend.wire.audit import AuditCheck, AuditPage
from aistack_backend.wire.boot import BootList, Plan, PlanRequest
from aistack_backend.wire.checklist import Checklist
from aistack_backend.wire.containers import ContainerDetail, Fleet, LogBatch, UsageTable
from aistack_backend.wire.host import HostSample, Series
from aistack_backend.wire.hosts import NAME
from aistack_backend.wire.models import ModelStatus
from aistack_backend.wire.rules import DecisionReport, Rehearsal, Rule, RuleList, RuleRequest
from aistack_backend.wire.stack import CheckRequest, Stack, UseRequest
from aistack_backend.wire.status import DoctorReport, Status
from aistack_backend.wire.storage import BackupList, Storage
from aistack_backend.wire.tasks import Task, TaskList
from aistack_console.client.calls import LONG
from aistack_console.client.chats import ChatCalls
from aistack_console.client.federation import FederationCalls
from aistack_console.client.flows import FlowCalls
from aistack_console.client.knowledge import KnowledgeCalls
from aistack_console.client.learning import LearningCalls
from aistack_console.client.loops import LoopCalls
from aistack_console.client.models import ModelCalls
from aistack_console.client.nixos import NixosCalls
from aistack_console.client.observing import ObserveCalls
from aistack_console.client.providers import ProviderCalls
from aistack_console.client.routing import RoutingCalls
from aistack_console.client.training import TrainingCalls


class Client(
    LoopCalls,
    FlowCalls,
    ModelCalls,
    ProviderCalls,
    ChatCalls,
    KnowledgeCalls,
    RoutingCalls,
    ObserveCalls,
    LearningCalls,
    NixosCalls,
    TrainingCalls,
    FederationCalls,
):
    """One console's connection to its backend. Every method raises ``ClientError`` when the backend refuses and
    ``BackendDown`` when it does not answer."""

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

    async def stack(self) -> Stack:
        """Return every declared service and its ladder."""
        return await self._get("/v1/stack", Stack)

    async def plan(self, request: PlanRequest) -> Plan:
        """Return what an up or down would do now; nothing is done."""
        return await self._post("/v1/stack/plan", request, Plan)

    async def check(self, services: Sequence[str] = ()) -> Stack:
        """Climb the ladder of these services now (none named = all) and return the stack as it was found."""
        return await self._post("/v1/stack/check", CheckRequest(services=tuple(services)), Stack, LONG)

    async def use_stack(self, file: str) -> Stack:
        """Read another manifest and use it from now on."""
        return await self._post("/v1/stack/use", UseRequest(file=file), Stack)

    async def boots(self) -> BootList:
        """Return the ups and downs that are remembered, newest first."""
        return await self._get("/v1/boots", BootList)

    async def checklist(self) -> Checklist:
        """Return the owner's success criteria as ticks."""
        return await self._get("/v1/checklist", Checklist)

    async def run_checklist(self) -> Checklist:
        """Run the whole checklist; what it finds comes as events too."""
        return await self._post("/v1/checklist/run", None, Checklist, LONG)

    async def storage(self) -> Storage:
        """Return images, volumes and networks."""
        return await self._get("/v1/storage", Storage, patience=LONG)

    async def backups(self) -> BackupList:
        """Return the backups on disk, newest first."""
        return await self._get("/v1/backups", BackupList)

    async def container(self, ref: str) -> ContainerDetail:
        """Return one container in full, by its ``ref``."""
        path, params = _container(ref)
        return await self._get(path, ContainerDetail, params=params)

    async def usage(self) -> UsageTable:
        """Return the newest usage of every running container."""
        return await self._get("/v1/usage", UsageTable)

    async def logs(
        self, ref: str, *, tail: int = 100, since: float | None = None, follow: bool = False
    ) -> AsyncIterator[LogBatch]:
        """Yield batches of log lines, oldest first; for ever with ``follow``."""
        path, host = _container(ref)
        params: dict[str, Any] = {"tail": tail, "follow": str(follow).lower(), **host}
        if since is not None:
            params["since"] = since
        async for batch in self._lines("GET", f"{path}/logs", LogBatch, "drop", params=params):
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

    async def stop_all_tasks(self) -> TaskList:
        """Stop every task that has not ended."""
        return await self._post("/v1/tasks/stop-all", None, TaskList)

    async def pause_task(self, task_id: int) -> Task:
        """Have a running task stop in between."""
        return await self._post(f"/v1/tasks/{task_id}/pause", None, Task)

    async def resume_task(self, task_id: int) -> Task:
        """Take a paused task up again."""
        return await self._post(f"/v1/tasks/{task_id}/resume", None, Task)

    async def approvals(self) -> ApprovalList:
        """Return every pending approval and the newest decided ones."""
        return await self._get("/v1/approvals", ApprovalList)

    async def approval(self, approval_id: int) -> Approval:
        """Return one approval."""
        return await self._get(f"/v1/approvals/{approval_id}", Approval)

    async def decide(self, approval_id: int, request: DecideRequest) -> Approval:
        """Decide; a ``ClientError`` of type ``approval-already-decided`` names who was first."""
        return await self._post(f"/v1/approvals/{approval_id}/decision", request, Approval)

    async def edit(self, approval_id: int, request: EditRequest) -> Approval:
        """Put another text in place of a shell command's; return the new request."""
        return await self._post(f"/v1/approvals/{approval_id}/edit", request, Approval)

    async def go_on(self, approval_id: int) -> Approval:
        """Take the deliberate step after a pause."""
        return await self._post(f"/v1/approvals/{approval_id}/go-on", GoOnRequest(words=GO_ON), Approval)

    async def decision_report(self) -> DecisionReport:
        """Return how people decided lately."""
        return await self._get("/v1/approvals/report", DecisionReport)

    async def rules(self) -> RuleList:
        """Return the rules that hold, then those that ended."""
        return await self._get("/v1/rules", RuleList)

    async def rehearse_rule(self, request: RuleRequest) -> Rehearsal:
        """Return what a rule would have let through; nothing is made."""
        return await self._post("/v1/rules/rehearse", request, Rehearsal)

    async def make_rule(self, request: RuleRequest) -> Rule:
        """Make a rule that was rehearsed."""
        return await self._post("/v1/rules", request, Rule)

    async def revoke_rule(self, rule_id: int) -> Rule:
        """End a rule now."""
        return await self._post(f"/v1/rules/{rule_id}/revoke", None, Rule)

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

    async def doctor(self) -> DoctorReport:
        """Return what is right and wrong with this machine."""
        return await self._get("/v1/doctor", DoctorReport, patience=LONG)

    async def shutdown(self) -> None:
        """Ask the backend to stop."""
        await self._call("POST", "/v1/shutdown")


def _container(ref: str) -> tuple[str, dict[str, Any]]:
    """Return path and parameters of a container's route: the machine, when it can be one, goes beside the id."""
    host, slash, name = ref.partition("/")
    if not slash or not NAME.fullmatch(host):
        return f"/v1/containers/{_part(ref)}", {}
    return f"/v1/containers/{_part(name)}", {"host": host}


def _part(text: str) -> str:
    return quote(text, safe="")
