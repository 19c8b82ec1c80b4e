"""A stack as a backend would tell it: twenty services with their dependencies, whole or with one fault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.console.stage import NOW, source
from tests.console.world import container

from aistack_backend.wire.boot import Boot, BootRow, BootState, Mark, Plan, PlanStep, Stage, StepKind
from aistack_backend.wire.checklist import Checklist, Tick, TickState
from aistack_backend.wire.containers import Container, ContainerState, Health
from aistack_backend.wire.stack import Provision, Rung, RungName, RungState, Service, ServiceState, Stack
from aistack_backend.wire.status import DoctorReport, Finding
from aistack_backend.wire.storage import Backup, BackupList, Storage, Stored
from aistack_backend.wire.traffic import Answered, Edge

MIB = 1 << 20
RUNGS = tuple(name for name in RungName if name is not RungName.UNKNOWN)
SAID = {
    RungName.PRESENT: "The container exists.",
    RungName.RUNNING: "It runs, pid 4121.",
    RungName.LISTENING: "Its port is bound inside and answers on 127.0.0.1.",
    RungName.HEALTHY: "Its health command ended with 0.",
    RungName.READY: "GET /health said 200.",
    RungName.USEFUL: "A value was written and read back.",
}
DECLARED: tuple[tuple[str, str, int, str, str], ...] = (
    ("postgres", "data", 5432, "", "minimal standard full"),
    ("redis", "data", 6379, "", "minimal standard full"),
    ("qdrant", "data", 6333, "", "minimal standard full"),
    ("embeddings", "mcp", 8081, "", "standard full"),
    ("aidb", "mcp", 8091, "postgres qdrant embeddings", "standard full"),
    ("nixos-docs", "mcp", 8094, "redis", "full"),
    ("mindsdb", "mcp", 47334, "postgres", "full"),
    ("llama-cpp", "ai", 8080, "", "minimal standard full"),
    ("open-webui", "ai", 3001, "llama-cpp postgres", "standard full"),
    ("aider", "ai", 8093, "llama-cpp", "full"),
    ("hybrid-coordinator", "orchestration", 8092, "qdrant postgres redis llama-cpp", "minimal standard full"),
    ("ralph-wiggum", "orchestration", 8090, "hybrid-coordinator aidb", "standard full"),
    ("code-machine", "orchestration", 8095, "hybrid-coordinator", "full"),
    ("prometheus", "monitoring", 9090, "", "standard full"),
    ("grafana", "monitoring", 3000, "prometheus", "full"),
    ("jaeger", "monitoring", 16686, "", "full"),
    ("health-monitor", "infrastructure", 8096, "aidb", "standard full"),
    ("self-heal", "infrastructure", 8097, "health-monitor", "full"),
    ("watchtower", "infrastructure", 8098, "", "full"),
    ("nginx", "infrastructure", 443, "ralph-wiggum open-webui aidb", "full"),
)


def rungs(up_to: int, fail: int | None = None, said: str = "", step: str = "") -> tuple[Rung, ...]:
    """The first ``up_to`` rungs passed, the one of index ``fail`` failed, the rest not looked at."""
    found = []
    for index, name in enumerate(RUNGS):
        if index == fail:
            found.append(Rung(name=name, state=RungState.FAIL, at=NOW - 4, evidence=said, next_step=step, took=0.2))
        elif index < up_to:
            found.append(Rung(name=name, state=RungState.PASS, at=NOW - 4, evidence=SAID[name], took=0.1))
        else:
            found.append(Rung(name=name, state=RungState.WAIT))
    return tuple(found)


KEPT: dict[str, dict[str, Any]] = {
    "qdrant": {"keeps_data": True, "last_backup": NOW - 3600, "backup_verified": NOW - 1800},
    "postgres": {"keeps_data": True, "last_backup": NOW - 3600, "backup_verified": NOW - 1800},
    "redis": {"keeps_data": True},
    "nginx": {"certificate_until": NOW + 400 * 86400, "certificate_serial": "4F" * 20, "certificate_at": NOW - 12},
}


def service(name: str, group: str, port: int, needs: str, tiers: str, **more: Any) -> Service:
    users = tuple(one[0] for one in DECLARED if name in one[3].split())
    fields: dict[str, Any] = {
        "title": name.replace("-", " "),
        "provision": Provision.CONTAINER,
        "state": ServiceState.OK,
        "since": NOW - 7200,
        "rungs": rungs(6),
        "image": f"localhost/{name}:1",
        "container_id": box_id(name),
        "memory_reserve": 256 * MIB,
        "memory_limit": 1024 * MIB,
        **KEPT.get(name, {}),
    }
    return Service(
        id=name,
        container=f"local-ai-{name}",
        group=group,
        ports=(port,),
        depends_on=tuple(needs.split()),
        used_by=users,
        tiers=tuple(tiers.split()),
        **fields | more,
    )


def box_id(name: str) -> str:
    return (f"local-ai-{name}".encode().hex() * 64)[:64]


def stack(changes: dict[str, dict[str, Any]] | None = None, **more: Any) -> Stack:
    """The twenty services; ``changes`` by id."""
    found = tuple(service(*one, **(changes or {}).get(one[0], {})) for one in DECLARED)
    fields: dict[str, Any] = {"at": NOW - 4, "source": source("stack"), "file": "/opt/aistack/compose/stack.yml"}
    fields |= {"backups": 2, "last_backup": NOW - 3600, "backup_verified": NOW - 1800}
    return Stack(services=found, tiers=("minimal", "standard", "full"), **fields | more)


SYMPTOM: dict[str, Any] = {
    "state": ServiceState.DEGRADED,
    "why": "waits on hybrid-coordinator",
    "root_cause": "hybrid-coordinator",
    "since": NOW - 170,
}
ONE_FAULT: dict[str, dict[str, Any]] = {
    "hybrid-coordinator": {
        "state": ServiceState.BAD,
        "why": "not listening: 8092 is not bound",
        "since": NOW - 180,
        "rungs": rungs(
            2,
            2,
            "Nothing is bound to 8092 in the container; 8000 is.",
            "Look at port= in its config.yaml: it wins over the variable.",
        ),
        "symptoms": ("ralph-wiggum", "code-machine", "nginx"),
        "changed": "image v13 → v14 at 09:38",
        "heal": "restarts 2 of 5 in 10 min, next try in 40 s",
    },
    "ralph-wiggum": SYMPTOM,
    "code-machine": SYMPTOM,
    "nginx": SYMPTOM,
    "mindsdb": {
        "state": ServiceState.STARTING,
        "why": "not healthy yet",
        "since": NOW - 190,
        "rungs": rungs(3),
    },
    "aider": {
        "state": ServiceState.HELD,
        "held": True,
        "why": "held by operator:me",
        "rungs": rungs(5),
    },
    "grafana": {
        "provision": Provision.ABSENT,
        "state": ServiceState.STOPPED,
        "why": "not brought up",
        "rungs": (),
        "container_id": "",
    },
}
EDGES = (
    Edge(user="", need="hybrid-coordinator", declared=False, requests=4.0, checks=4.0, errors=0.0,
         codes=(Answered(status=200, count=4),), window=60.0, at=NOW - 3, last_good=NOW - 9, connections=0,
         connections_at=NOW - 3),
    Edge(user="ralph-wiggum", need="hybrid-coordinator", requests=12.0, checks=4.0, errors=1.0,
         codes=(Answered(status=502, count=8), Answered(status=503, count=4)), window=60.0, at=NOW - 3,
         last_good=NOW - 240, connections=1, connections_at=NOW - 3),
    Edge(user="code-machine", need="hybrid-coordinator", requests=0.0, checks=0.0, window=60.0, at=NOW - 3,
         connections=0, connections_at=NOW - 3),
    Edge(user="hybrid-coordinator", need="postgres", why="postgres counts no callers.", connections=3,
         connections_at=NOW - 3),
    Edge(user="hybrid-coordinator", need="llama-cpp", requests=0.4, errors=0.125, window=60.0, at=NOW - 3,
         codes=(Answered(status=200, count=7), Answered(status=500, count=1)), last_good=NOW - 20),
)  # fmt: skip
HEALTHY = stack()
FAULT = stack(ONE_FAULT)
BUSY = stack(ONE_FAULT, edges=EDGES)
EMBEDDED = stack(
    {
        one[0]: {
            "provision": Provision.EMBEDDED,
            "provided_by": f"{one[0]} inside the backend",
            "rungs": (),
            "container_id": "",
        }
        for one in DECLARED
        if one[0] in {"postgres", "redis", "qdrant", "llama-cpp"}
    }
    | {
        one[0]: {
            "provision": Provision.ABSENT,
            "state": ServiceState.STOPPED,
            "why": "not brought up",
            "rungs": (),
            "container_id": "",
        }
        for one in DECLARED
        if one[0] not in {"postgres", "redis", "qdrant", "llama-cpp"}
    }
)


def boxes(of: Stack) -> tuple[Container, ...]:
    """The containers that such a stack would have."""
    found = []
    for one in of.services:
        if one.provision is Provision.CONTAINER:
            health = Health.STARTING if one.state is ServiceState.STARTING else Health.HEALTHY
            box = container(one.container, health=health, image=one.image)
            port = replace(box.ports[0], host_port=one.ports[0])
            found.append(replace(box, id=one.container_id, ports=(port,)))
    return (*found, container("web", ContainerState.EXITED, exit_code=0, finished_at=NOW - 90))


def row(name: str, stage: Stage, *seconds: float, **more: Any) -> BootRow:
    """A row that reached its stages so many seconds after the boot began."""
    stages = (Stage.PULLED, Stage.CREATED, Stage.RUNNING, Stage.LISTENING, Stage.HEALTHY, Stage.READY)
    marks = tuple(Mark(stage=at, at=NOW - 72 + after) for at, after in zip(stages, seconds, strict=False))
    return BootRow(service=name, step=more.pop("step", StepKind.CREATE), stage=stage, marks=marks, **more)


BOOTING = Boot(
    id=52,
    verb="up",
    goal="minimal",
    state=BootState.RUNNING,
    began_at=NOW - 72,
    eta=NOW + 51,
    slowest=("llama-cpp", "hybrid-coordinator"),
    rows=(
        row("postgres", Stage.READY, 0.2, 0.4, 0.6, 1.2, 3.0, 3.2, expected=8.0),
        row("redis", Stage.UNCHANGED, step=StepKind.KEEP, expected=3.0),
        row("qdrant", Stage.LISTENING, 0.2, 41.0, 41.3, 44.0, expected=20.0, detail="health: 503 not ready"),
        row("llama-cpp", Stage.RUNNING, 0.2, 0.5, 0.9, expected=120.0, detail="port 8080 is not bound yet"),
        row("hybrid-coordinator", Stage.WAITING, waits_for=("qdrant", "llama-cpp"), expected=14.0),
    ),
)
BROKEN = replace(
    BOOTING,
    state=BootState.FAILED,
    ended_at=NOW - 10,
    eta=None,
    detail="1 of 5 services did not get ready: qdrant.",
    rows=(
        *BOOTING.rows[:2],
        replace(
            BOOTING.rows[2],
            stage=Stage.FAILED,
            detail="It ended with exit 1 after 9 s.",
            log_tail=("starting qdrant", "ERROR storage is locked by another process", "bye"),
        ),
        row("llama-cpp", Stage.READY, 0.2, 0.5, 0.9, 9.0, 9.0, 60.0, expected=120.0),
        replace(BOOTING.rows[4], stage=Stage.CANCELLED, waits_for=("qdrant",), detail="not begun"),
    ),
)
PLAN = Plan(
    verb="up",
    goal="minimal",
    steps=(
        PlanStep(kind=StepKind.CREATE, object="network", name="local-ai"),
        PlanStep(kind=StepKind.CREATE, object="volume", name="local-ai-qdrant"),
        PlanStep(kind=StepKind.KEEP, object="service", name="redis"),
        PlanStep(kind=StepKind.RECREATE, object="service", name="postgres", why="memory limit 1G → 2G"),
        PlanStep(kind=StepKind.CREATE, object="service", name="qdrant", why="it does not exist"),
        PlanStep(kind=StepKind.CREATE, object="service", name="hybrid-coordinator", after=("postgres", "qdrant")),
    ),
    memory_reserved=1536 * MIB,
    memory_available=6144 * MIB,
)
CHECKLIST = Checklist(
    at=NOW - 30,
    ticks=(
        Tick(id="p1.1", phase="1 Foundation", text="All data services are healthy", state=TickState.PASS, at=NOW - 30),
        Tick(
            id="p1.2",
            phase="1 Foundation",
            text="The hybrid coordinator answers on 8092",
            state=TickState.FAIL,
            at=NOW - 30,
            detail="curl http://127.0.0.1:8092/health: connection refused",
        ),
        Tick(id="p2.1", phase="2 Learning", text="Ralph finishes a loop", state=TickState.RUNNING),
        Tick(id="p2.2", phase="2 Learning", text="Search finds what was embedded", state=TickState.NOT_RUN),
        Tick(id="p3.1", phase="3 Use", text="Patterns are learned", state=TickState.LATER, detail="issue 7 brings it"),
    ),
)
STORAGE = Storage(
    at=NOW - 3,
    source=source(),
    stored=(
        Stored(
            kind="volume", id="local-ai-qdrant", name="local-ai-qdrant", size=3100 * MIB,
            used_by=("local-ai-qdrant",), created_at=NOW - 86400, managed=True,
        ),
        Stored(kind="volume", id="old", name="old", size=12 * MIB, created_at=NOW - 864000, why="no container uses it"),
        Stored(
            kind="image", id="ab" * 32, name="localhost/qdrant:1", size=412 * MIB,
            used_by=("local-ai-qdrant",), created_at=NOW - 864000,
        ),
        Stored(
            kind="image", id="cd" * 32, name="cdcdcdcdcdcd", size=98 * MIB, created_at=NOW - 90000, prunable=True,
            why="it has no name and no container is made of it",
        ),
        Stored(
            kind="image", id="ba" * 32, name="babababababa", size=12 * MIB, created_at=NOW - 864000, prunable=True,
            why="it has no name and no container is made of it",
        ),
        Stored(
            kind="image", id="dc" * 32, name="localhost/redis:1", size=90 * MIB, created_at=NOW - 9000, claimed=True,
            why="the stack declares it for redis",
        ),
        Stored(kind="network", id="ef" * 32, name="local-ai", used_by=("local-ai-qdrant",), managed=True),
    ),
)  # fmt: skip
BACKUPS = BackupList(
    folder="/data/backups",
    next_at=NOW + 7200,
    backups=(
        Backup(
            id="2026-11-18T12-00-00Z", at=NOW - 3600, path="/data/backups/2026-11-18T12-00-00Z", size=420 * MIB,
            services=("postgres", "qdrant", "redis"), verified_at=NOW - 1800, verified="ok",
        ),
        Backup(id="2026-11-17T12-00-00Z", at=NOW - 90000, path="/data/b/2", size=400 * MIB, services=("postgres",)),
    ),
)  # fmt: skip
DOCTOR = DoctorReport(
    findings=(
        Finding(name="podman", ok=True, detail="Podman 4.3.1 answers on /run/podman/podman.sock."),
        Finding(
            name="port 8092", ok=False, detail="Port 8092 is used by pid 812 (python3).",
            fix="Stop it: kill 812; or say another port in the Compose file.",
        ),
        Finding(name="gpu", ok=None, detail="nvidia-smi did not answer within 2 s."),
        Finding(name="disk", ok=True, detail="39 GB are free on /data."),
    )
)  # fmt: skip


def answers() -> dict[str, Any]:
    """What a backend with this stack says when it is asked."""
    return {
        "POST /v1/stack/plan": PLAN,
        "GET /v1/storage": STORAGE,
        "GET /v1/backups": BACKUPS,
        "GET /v1/doctor": DOCTOR,
        "GET /v1/checklist": CHECKLIST,
    }
