"""What the owner's deployment note wants to see, line by line: its success criteria and the commands of its phases.

Where a line needs what a later issue brings, it says which; it is never ticked before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException

from aistack_backend.containers.ladder.probes import web
from aistack_backend.containers.secrets import scrub_text
from aistack_backend.errors import BackendError
from aistack_backend.observe import taught
from aistack_backend.observe.ground import SECONDS, Ask, Found, Ground
from aistack_backend.wire.checklist import TickState
from aistack_backend.wire.stack import Provision, Rung, RungName, RungState, Service, ServiceState

SERVICES = 20
"""What the note counts."""
PREFIXES = ("aidb", "hybrid", "ralph", "code", "nixos", "aider")
"""The note's routes through nginx."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line: what measures it, or why nothing does here."""

    id: str
    phase: str
    text: str
    ask: Ask | None = None
    later: str = ""
    """Which issue brings what it exercises."""
    elsewhere: str = ""
    """Which tests of this repository prove it; a backend does not run them."""


def _verdict(well: bool, detail: str) -> Found:
    return (TickState.PASS if well else TickState.FAIL), detail


def _rung(service: Service, name: RungName) -> Rung | None:
    return next((one for one in service.rungs if one.name is name), None)


def _passes(service: Service, name: RungName) -> bool:
    rung = _rung(service, name)
    return rung is not None and rung.state is RungState.PASS


def _some(names: list[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def all_running(ground: Ground) -> Found:
    """All containers of the stack run: 20, by the note."""
    rows = ground.stack.services
    down = [one.id for one in rows if one.provision is not Provision.CONTAINER or not _passes(one, RungName.RUNNING)]
    up = len(rows) - len(down)
    tail = f"; not: {_some(down)}" if down else ""
    return _verdict(not down and up >= SERVICES, f"{up} of {max(SERVICES, len(rows))} containers run{tail}.")


def all_healthy(ground: Ground) -> Found:
    """Every service passes all that can be measured of it, its own health command among it."""
    bad = [f"{one.id} {one.state.value}" for one in ground.stack.services if one.state is not ServiceState.OK]
    passed = sum(_passes(one, RungName.HEALTHY) for one in ground.stack.services)
    if bad:
        return TickState.FAIL, f"{passed} health commands passed; not well: {_some(bad)}."
    return _verdict(passed > 0, f"{passed} health commands passed; every service is well up to its highest rung.")


def routing(ground: Ground) -> Found:
    """Each of the note's prefixes reaches its service through nginx."""
    dead = []
    for prefix in PREFIXES:
        said = _get(ground.proxy, f"/{prefix}/health", tls=True)
        if said.status != 200:
            dead.append(f"/{prefix}/ {said.fault or said.status}")
    well = f"{len(PREFIXES)} of {len(PREFIXES)} routes arrive."
    return _verdict(not dead, f"No way through: {_some(dead)}." if dead else well)


def dashboard(ground: Ground) -> Found:
    """The page on 8888 names every declared service."""
    said = _get(ground.dashboard, "/dashboard.html")
    if said.status != 200:
        return TickState.FAIL, f"/dashboard.html {said.fault or f'answers {said.status}'}."
    names = {one.id: one.container for one in ground.stack.services}
    words = set(re.findall(r"[\w.-]+", said.text))
    missing = [key for key, name in names.items() if name not in words]
    return _verdict(not missing, f"It does not name {_some(missing)}." if missing else f"It names all {len(names)}.")


def dashboard_answers(ground: Ground) -> Found:
    """The note's ``curl … | grep -o "service"`` finds something."""
    said = _get(ground.dashboard, "/dashboard.html")
    count = said.text.count("service")
    return _verdict(
        said.status == 200 and count > 0, f"{said.fault or said.status}: the word stands there {count} times."
    )


def listed(ground: Ground) -> Found:
    """``podman ps`` shows containers of the stack."""
    names = {one.container for one in ground.stack.services}
    rows = [one for one in ground.podman.list() if one.name in names]
    running = sum(one.state.value == "running" for one in rows)
    return _verdict(bool(running), f"{running} of {len(rows)} containers of the stack run.")


def started(key: str) -> Ask:
    """Return the check that a service's container runs."""

    def ask(ground: Ground) -> Found:
        if (one := ground.service(key)) is None:
            return TickState.FAIL, f"The manifest has no service {key}."
        rung = _rung(one, RungName.RUNNING)
        if _passes(one, RungName.RUNNING):
            return TickState.PASS, rung.evidence if rung else ""
        return TickState.FAIL, one.why or (f"{one.provided_by} stands in." if one.provided_by else "It does not run.")

    return ask


def listens(port: int) -> Ask:
    """Return the check that a role answers its health route on a port here."""

    def ask(ground: Ground) -> Found:
        said = _get(("127.0.0.1", port), "/health")
        return _verdict(said.status == 200, f"Port {port} {said.fault or f'answers {said.status}'}.")

    return ask


def log_of(container: str, lines: int) -> Ask:
    """Return the check that a container wrote a log."""

    def ask(ground: Ground) -> Found:
        with closing(ground.podman.logs(container, tail=lines, since=None, follow=False)) as feed:
            texts = [line.text for block in feed for line in block if line.text.strip()]
        last = f" Its last: {scrub_text(texts[-1])[:100]}" if texts else ""
        return _verdict(bool(texts), f"{len(texts)} lines.{last}")

    return ask


def inside(container: str, *command: str, contains: str) -> Ask:
    """Return the check that a command in a container ends with 0 and says something."""

    def ask(ground: Ground) -> Found:
        done = ground.podman.exec(container, command, SECONDS)
        said = scrub_text(" ".join((done.out or done.err).decode("utf-8", "replace").split()))[:120]
        well = done.exit_code == 0 and contains in done.out.decode("utf-8", "replace")
        return _verdict(well, f"{command[0]} ends with {done.exit_code}: {said or 'nothing was said'}")

    return ask


@dataclass(frozen=True, slots=True)
class _Said:
    status: int = 0
    text: str = ""
    fault: str = ""


def _get(where: tuple[str, int], path: str, *, tls: bool = False) -> _Said:
    try:
        answer = web.ask(where, path, SECONDS, tls=tls, host=f"localhost:{where[1]}")
    except (OSError, HTTPException) as error:
        return _Said(fault=web.said(error))
    return _Said(status=answer.status, text=answer.text())


def measure(one: Criterion, ground: Ground) -> Found:
    """Make one check; what raises is a failure with its reason, and never a pass."""
    if one.ask is None:
        raise ValueError(f"{one.id} has nothing to ask")
    try:
        return one.ask(ground)
    except BackendError as error:
        return TickState.FAIL, error.detail


HEALTHY, RALPH, LEARNING, WHOLE = "All services healthy", "Ralph Wiggum", "Continuous learning", "Integration"
ONE, TWO, THREE, FOUR = "Phase 1: started", "Phase 2: orchestration", "Phase 3: learning", "Phase 4: integration"
CURL_HYBRID = ("curl", "-s", "http://local-ai-hybrid-coordinator:8092/health")
TESTS: Mapping[str, str] = {
    "p1": "tests/stack/test_p1_integration.py of this repository: make test",
    "p2": "tests/stack/test_p2_health_checks.py of this repository: make test",
    "ralph": "tests/stack/test_ralph_orchestration.py of this repository: make test",
    "route": "tests/stack/test_image.py of this repository: make test",
    "workflows": "tests/stack/test_workflows.py of this repository: make test",
    "docs": "tests/test_docs.py of this repository: make test",
}
CRITERIA = (
    Criterion("all-running", HEALTHY, "All 20 containers running", all_running),
    Criterion("all-healthy", HEALTHY, "All health checks passing", all_healthy),
    Criterion("nginx-routing", HEALTHY, "nginx routing working", routing),
    Criterion("dashboard-services", HEALTHY, "Dashboard showing all services", dashboard),
    Criterion("ralph-started", RALPH, "Container started", started("ralph-wiggum")),
    Criterion("ralph-port", RALPH, "Port 8090 listening", listens(8090)),
    Criterion("ralph-task", RALPH, "Can execute test task", elsewhere=TESTS["ralph"]),
    Criterion("ralph-telemetry", RALPH, "Telemetry flowing", taught.tasks_told),
    Criterion("learning-daemon", LEARNING, "Learning daemon running", taught.daemon),
    Criterion("learning-stored", LEARNING, "Telemetry being stored", taught.stored),
    Criterion("learning-patterns", LEARNING, "Patterns being extracted", taught.patterns),
    Criterion("learning-data", LEARNING, "Fine-tuning data generated", taught.samples),
    Criterion("tests-p1-p2", WHOLE, "All P1/P2 tests passing", elsewhere=f"{TESTS['p1']}; {TESTS['p2']}"),
    Criterion("tests-workflow", WHOLE, "Workflow tests passing", elsewhere=TESTS["workflows"]),
    Criterion("dashboard-metrics", WHOLE, "Dashboard showing all metrics", taught.numbers),
    Criterion("documentation", WHOLE, "Documentation updated", elsewhere=TESTS["docs"]),
    Criterion("phase1-ps", ONE, "podman ps", listed),
    Criterion("phase1-dashboard", ONE, "curl -s http://localhost:8888/dashboard.html", dashboard_answers),
    Criterion("phase1-logs", ONE, "podman logs local-ai-ralph-wiggum --tail 50", log_of("local-ai-ralph-wiggum", 50)),
    Criterion(
        "phase1-hybrid",
        ONE,
        f"podman exec local-ai-aidb {' '.join(CURL_HYBRID)}",
        inside("local-ai-aidb", *CURL_HYBRID, contains="status"),
    ),
    Criterion("phase2-execute", TWO, "POST :8090/execute", elsewhere=TESTS["ralph"]),
    Criterion("phase2-route", TWO, "POST :8092/route", elsewhere=TESTS["route"]),
    Criterion("phase2-workflow", TWO, "POST :8095/workflow", elsewhere=TESTS["workflows"]),
    Criterion("phase3-interactions", THREE, "10 × POST :8092/route", elsewhere=TESTS["route"]),
    Criterion("phase3-telemetry", THREE, "SELECT COUNT(*) FROM telemetry", taught.counted),
    Criterion(
        "phase3-daemon", THREE, "podman logs local-ai-hybrid-coordinator | grep Learning", taught.told("Learning")
    ),
    Criterion("phase4-p1", FOUR, "pytest test_p1_integration.py", elsewhere=TESTS["p1"]),
    Criterion("phase4-p2", FOUR, "pytest test_p2_health_checks.py", elsewhere=TESTS["p2"]),
    Criterion("phase4-workflows", FOUR, "pytest test_workflows.py", elsewhere=TESTS["workflows"]),
    Criterion("phase4-ralph", FOUR, "pytest test_ralph_orchestration.py", elsewhere=TESTS["ralph"]),
)
"""In the note's order."""
