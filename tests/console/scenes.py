"""What the snapshots show: one stack at one moment, in four states of the world."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from tests.console import stacked
from tests.console.knowledge_scene import knowing
from tests.console.stage import NOW, Stage, source
from tests.console.world import FLEET, approval, approvals, container, fleet

from aistack_backend.bus import Bus
from aistack_backend.observe.dashboard import dashboard
from aistack_backend.wire.actions import ApprovalState, Risk
from aistack_backend.wire.audit import AuditPage, AuditRecord, Phase
from aistack_backend.wire.chat import Message, Role, Session, SessionList, Transcript
from aistack_backend.wire.checklist import Checklist
from aistack_backend.wire.containers import (
    Activity,
    ContainerDetail,
    ContainerState,
    EnvVar,
    Fleet,
    Health,
    HealthCheck,
    LogBatch,
    LogLine,
    LogStream,
    RemoteHost,
    Usage,
    UsageTable,
)
from aistack_backend.wire.events import Topic
from aistack_backend.wire.federation import Federation, FederationRole, HeldItems
from aistack_backend.wire.host import Disk, HostSample, Series
from aistack_backend.wire.knowledge import Collections
from aistack_backend.wire.learning import LearningStatus
from aistack_backend.wire.models import EngineState, ModelCard, ModelPlace, ModelStatus, StageState
from aistack_backend.wire.models import Stage as Step
from aistack_backend.wire.shelf import ModelShelf, StoreLook
from aistack_backend.wire.sources import Source, SourceState
from aistack_backend.wire.stack import Stack
from aistack_backend.wire.storage import BackupList, Storage
from aistack_backend.wire.tasks import Task, TaskList, TaskState
from aistack_backend.wire.training import TrainingList

NO_PODMAN = source(
    "podman",
    SourceState.ABSENT,
    tried="/run/podman/podman.sock",
    detail="No Podman socket was found.",
    hint="Start one: systemctl start podman.socket",
)
NO_GPU = Source(name="gpu", state=SourceState.ABSENT, since=NOW - 60, detail="No GPU found.")
GIB = 1 << 30


def _host() -> HostSample:
    return HostSample(
        at=NOW,
        hostname="box",
        cores=8,
        cpu_percent=34.0,
        load=(1.5, 1.2, 0.9),
        memory_used=10 * GIB,
        memory_total=16 * GIB,
        swap_used=0,
        swap_total=2 * GIB,
        disks=(Disk(path="/data", label="data", used=61 * GIB, total=100 * GIB),),
        disk_read_rate=0.0,
        disk_write_rate=4_000.0,
        net_in_rate=12_000.0,
        net_out_rate=3_000.0,
        gpu_source=NO_GPU,
    )


def _tasks() -> TaskList:
    common: dict[str, Any] = {"requester": "operator:me", "via": "tui", "updated_at": NOW - 5}
    return TaskList(
        tasks=(
            Task(
                id=42,
                goal="restart web",
                state=TaskState.AWAITING,
                created_at=NOW - 30,
                approval_id=1,
                action_title="restart container web",
                planner="rules",
                **common,
            ),
            Task(id=41, goal="stop cache", state=TaskState.DONE, created_at=NOW - 90, result="stopped", **common),
            Task(
                id=40,
                goal="remove volume old",
                state=TaskState.DENIED,
                created_at=NOW - 900,
                reason="denied by operator:me: still needed",
                **common,
            ),
        )
    )


def _audit() -> AuditPage:
    def record(seq: int, phase: Phase, actor: str, **more: Any) -> AuditRecord:
        return AuditRecord(
            seq=seq, at=NOW - 60 + seq, phase=phase, actor=actor, prev="00" * 32, hash=f"{seq:064x}", **more
        )

    restart = {"kind": "container.restart", "object": "web", "task_id": 41, "approval_id": 1}
    return AuditPage(
        total=4,
        records=(
            record(4, Phase.OUTCOME, "backend", outcome="restarted", **restart),
            record(3, Phase.INTENT, "backend", **restart),
            record(2, Phase.DECISION, "operator:me", decision="approve", via="tui", **restart),
            record(1, Phase.REQUEST, "agent:planner", via="cli", **restart),
        ),
    )


def _model() -> ModelStatus:
    card = ModelCard(
        id="small", name="SmolLM2 135M", licence="Apache-2.0", origin="hub", size=98_000_000, fits=True, active=True
    )
    return ModelStatus(
        engine=EngineState.READY,
        since=NOW - 60,
        adapter="llama-cpp-python 0.3.36",
        model="smollm2-135m-instruct",
        context_size=4096,
        tokens_per_second=41.0,
        cards=(card,),
    )


def _shelf() -> ModelShelf:
    common: dict[str, Any] = {
        "licence": "Apache-2.0",
        "context_train": 32768,
        "template": True,
        "quantisation": "Q4_K_M",
    }
    loaded = replace(
        _model().cards[0], path="/cache/smol.gguf", quantisation="Q4_1", context_train=8192, tokens_per_second=41.0
    )
    pulled = ModelCard(
        id="qwen3-8b-1f", name="qwen3:8b", origin="Ollama", size=5 * GIB, path="/o/blobs/sha256-1f", fits=False,
        places=(ModelPlace(store="Ollama", path="/o/blobs/sha256-1f", name="qwen3:8b"),), **common,
    )  # fmt: skip
    base = ModelCard(
        id="minilm-07", name="all-MiniLM-L6-v2", licence="Apache-2.0", origin="LM Studio", size=46 << 20,
        path="/l/minilm", cannot_chat="It has no chat template, so it cannot chat.", fits=True, quantisation="F16",
        context_train=512, template=False, places=(ModelPlace(store="LM Studio", path="/l/minilm"),),
    )  # fmt: skip
    half = ModelCard(id="gemma-2c", name="gemma.gguf", licence="", origin="o/r", size=GIB, have=GIB // 4, fetching=True)
    offered = ModelCard(id="qwen", name="Qwen2.5 Coder 0.5B", licence="Apache-2.0", origin="Qwen", size=491_400_064)
    way = Step(name="model gemma.gguf", state=StageState.RUNNING, done=GIB // 4, total=GIB, unit="bytes")
    looks = tuple(StoreLook(store=name, path=f"/{name[0].lower()}", files=1) for name in ("Ollama", "LM Studio"))
    return ModelShelf(at=NOW - 9, cards=(loaded, pulled, base, half, offered), looks=looks, stages=(way,))


def _details(one: Stage) -> None:
    first = FLEET.containers[0]
    detail = ContainerDetail(
        container=first,
        measured_at=NOW,
        env=(EnvVar(name="TOKEN", value="********", masked=True),),
        health_command=("curl", "-fsS", "http://127.0.0.1:8091/health"),
        health_log=(HealthCheck(at=NOW - 10, exit_code=0, output="ok"),),
        failing_streak=0,
        restart_policy="on-failure",
        inspect_json='{\n  "Name": "aidb"\n}',
    )
    for box in FLEET.containers:
        one.answers[f"GET /v1/containers/{box.id}"] = detail


def _chats(one: Stage) -> None:
    session = Session(id=1, title="why is hybrid down", created_at=NOW - 300, updated_at=NOW - 200, messages=2)
    one.answers |= {
        "GET /v1/chats": SessionList(sessions=(session,)),
        "GET /v1/chats/1": Transcript(
            session=session,
            messages=(
                Message(id=1, role=Role.USER, text="Why is hybrid down?", at=NOW - 210),
                Message(id=2, role=Role.ASSISTANT, text="Its **health check** fails.", at=NOW - 200, tokens=6),
            ),
        ),
    }


def normal(one: Stage) -> None:
    """Some services run well, some badly; one approval waits; somebody chatted."""
    ids = [container.id for container in FLEET.containers]
    rows = tuple(
        Usage(id=one_id, at=NOW, cpu_percent=3.5 * n, memory=(n + 1) * 90 << 20, memory_limit=GIB, pids=n + 1)
        for n, one_id in enumerate(ids)
    )
    knowing(one)
    one.topics |= {
        Topic.FLEET: FLEET,
        Topic.USAGE: UsageTable(at=NOW, rows=rows),
        Topic.APPROVALS: approvals(
            approval(1),
            approval(2, risk=Risk.HIGH, kind="container.remove", title="remove container cache", code="9f3a"),
            approval(3, state=ApprovalState.DENIED, decided_by="operator:me", decided_at=NOW - 60, reason="not now"),
        ),
        Topic.TASKS: _tasks(),
        Topic.AUDIT: _audit(),
        Topic.HOST: _host(),
        Topic.MODEL: _model(),
        Topic.SHELF: _shelf(),
        Topic.ACTIVITY: Activity(at=NOW - 20, who="podman", text="web died: exit 3", object_name="web", action="died"),
    }
    _details(one)
    _chats(one)
    one.answers["GET /v1/audit"] = _audit()
    for name in ("host.cpu", "host.memory"):
        series = Series(
            name=name, times=tuple(NOW - 60 + 6 * n for n in range(10)), values=tuple(map(float, range(10)))
        )
        one.answers[f"GET /v1/series/{name}"] = series


def log_lines(one: Stage) -> None:
    """Give the first container three lines."""
    first = FLEET.containers[0].id
    lines = tuple(
        LogLine(at=NOW - 30 + n, stream=LogStream.STDERR if n == 1 else LogStream.STDOUT, text=text)
        for n, text in enumerate(("INFO ready", "ERROR cannot bind port 8091", '{"level":"info","msg":"retry"}'))
    )
    one.logs.setdefault(first, asyncio.Queue()).put_nowait(LogBatch(id=first, lines=lines))


def empty(one: Stage) -> None:
    """Everything works, and there is nothing."""
    one.topics |= {
        Topic.FLEET: fleet(),
        Topic.USAGE: UsageTable(at=NOW),
        Topic.APPROVALS: approvals(),
        Topic.TASKS: TaskList(),
        Topic.AUDIT: AuditPage(),
        Topic.HOST: _host(),
        Topic.MODEL: _model(),
        Topic.LEARNING: LearningStatus(enabled=True, paused=False, interval=3600, next_run=NOW + 60, threshold=1000),
    }
    one.answers |= {
        "GET /v1/trainings": TrainingList(),
        "GET /v1/federation": Federation(role=FederationRole.PEER),
        "GET /v1/federation/items": HeldItems(),
        "GET /v1/dashboard": dashboard((), Bus(), NOW),
        "GET /v1/checklist": Checklist(at=None),
        "GET /v1/doctor": stacked.DOCTOR,
        "GET /v1/storage": Storage(at=NOW, source=source()),
        "GET /v1/collections": Collections(collections=()),
        "GET /v1/backups": BackupList(folder="/data/backups"),
    }


def no_podman(one: Stage) -> None:
    """There is no Podman, and the engine is being built."""
    empty(one)
    building = Step(name="engine", state=StageState.RUNNING, done=86, total=140, unit="steps", started_at=NOW - 60)
    one.topics |= {
        Topic.FLEET: Fleet(at=None, source=NO_PODMAN),
        Topic.MODEL: ModelStatus(engine=EngineState.PREPARING, since=NOW - 60, stages=(building,)),
        Topic.STACK: replace(stacked.EMBEDDED, source=source("stack")),
    }
    one.answers["GET /v1/storage"] = Storage(at=None, source=NO_PODMAN)


def whole_stack(one: Stage) -> None:
    """Twenty services run well, and one container belongs to none of them."""
    normal(one)
    _stacked(one, stacked.HEALTHY)


def machines(one: Stage) -> None:
    """The stack, and the containers of two other machines, one of which does not let us in any more."""
    whole_stack(one)
    here: Fleet = one.topics[Topic.FLEET]
    far = (container("web", host="far"), container("aidb", ContainerState.EXITED, exit_code=1, host="far"))
    gpu = (container("llama", health=Health.HEALTHY, host="gpu"),)
    said = {
        "tried": "ssh://ann@10.0.0.7:22/run/user/1000/podman/podman.sock",
        "detail": "ann@10.0.0.7:22 does not take our key.",
        "hint": "Add its public half to ~/.ssh/authorized_keys of ann there, or set hosts.gpu.identity.",
    }
    hosts = (
        RemoteHost(name="far", address="ssh://root@far:22/run/podman/podman.sock", at=NOW, source=source("host far")),
        RemoteHost(
            name="gpu",
            address=said["tried"],
            at=NOW - 90,
            source=replace(source("host gpu", SourceState.REFUSED, **said), last_ok=NOW - 90),
        ),
    )
    one.topics[Topic.FLEET] = replace(here, containers=(*here.containers, *far, *gpu), hosts=hosts)


def one_fault(one: Stage) -> None:
    """One service does not listen, three others suffer from it; the last boot failed."""
    normal(one)
    _stacked(one, stacked.FAULT)
    one.topics[Topic.BOOT] = stacked.BROKEN


def busy(one: Stage) -> None:
    """The same fault, and what was measured between the services."""
    normal(one)
    _stacked(one, stacked.BUSY)


def booting(one: Stage) -> None:
    """Five services are being brought up."""
    normal(one)
    _stacked(one, stacked.FAULT)
    one.topics[Topic.BOOT] = stacked.BOOTING


def _stacked(one: Stage, stack: Stack) -> None:
    boxes = stacked.boxes(stack)
    rows = tuple(
        Usage(id=box.id, at=NOW, cpu_percent=0.7 * n, memory=(n + 1) * 30 << 20, memory_limit=GIB)
        for n, box in enumerate(boxes)
    )
    one.topics |= {
        Topic.STACK: stack,
        Topic.FLEET: fleet(*boxes),
        Topic.USAGE: UsageTable(at=NOW, rows=rows),
        Topic.CHECKLIST: stacked.CHECKLIST,
    }
    one.answers |= stacked.answers()
