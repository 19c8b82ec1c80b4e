"""Measures a service rung by rung, from the lowest up, and stops at the first that does not hold."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from aistack_backend.audit.redact import shortened
from aistack_backend.clock import Clock
from aistack_backend.containers.ladder import endings, listeners
from aistack_backend.containers.ladder.endings import Endings
from aistack_backend.containers.ladder.facts import RUNGS, Ending, Facts, Measured, holds
from aistack_backend.containers.ladder.kernel import KernelLog
from aistack_backend.containers.ladder.probes import registry
from aistack_backend.containers.ladder.probes.finding import Finding, Unprobed
from aistack_backend.containers.ladder.reach import ANYWHERE, ContainerReach, SecretValues, addresses
from aistack_backend.containers.models import Inspected
from aistack_backend.containers.parse import RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.provision import Provisioner
from aistack_backend.containers.secrets import scrub_text
from aistack_backend.containers.stack.models import ServiceDecl
from aistack_backend.errors import BackendError, NotFound
from aistack_backend.wire.containers import ContainerState, Health
from aistack_backend.wire.stack import Rung, RungName, RungState

CONNECT = 2.0
"""Seconds for a connection to a published port of this machine."""
LOOK = 5.0
"""Seconds for a command that reads the ports inside."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one check found."""

    state: RungState
    evidence: str
    next_step: str = ""


NOTHING = Found(RungState.NONE, "")


class Climber:
    """Implements ``ladder.port.Climb``. Safe from several threads."""

    def __init__(self, podman: Podman, provisioner: Provisioner, clock: Clock, kernel: KernelLog | None = None) -> None:
        self._podman = podman
        self._provisioner = provisioner
        self._clock = clock
        self._secrets = SecretValues(podman)
        self._endings = Endings(podman, clock, kernel or KernelLog())

    def climb(self, service: ServiceDecl, *, upto: RungName = RungName.USEFUL) -> tuple[Rung, ...]:
        """See ``Climb.climb``."""
        return self.measure(service, upto=upto).rungs

    def measure(self, service: ServiceDecl, *, upto: RungName = RungName.USEFUL) -> Measured:
        """Climb, and return what was learnt of the container beside the rungs; never raises."""
        at = self._clock.now()
        try:
            found = self._podman.inspect(service.container)
        except NotFound:
            absent = Found(RungState.FAIL, f"There is no container {service.container}.", f"up {service.id}")
            return Measured(rungs=self._rungs([self._rung(RungName.PRESENT, lambda: absent)]), facts=Facts(at=at))
        except BackendError as error:
            unknown = Found(RungState.UNKNOWN, error.detail, error.hint)
            one = self._rung(RungName.PRESENT, lambda: unknown)
            return Measured(rungs=self._rungs([one]), facts=Facts(at=at, known=False))
        ending = self._ending(found)
        facts = Facts(
            at=at,
            container=found.container,
            run=found.started,
            addresses=addresses(found.document),
            ending=ending,
        )
        checks: tuple[tuple[RungName, Callable[[], Found]], ...] = (
            (RungName.PRESENT, lambda: Found(RungState.PASS, f"Container {found.container.id[:12]} exists.")),
            (RungName.RUNNING, lambda: _running(found, ending)),
            (RungName.LISTENING, lambda: self._listening(service, found)),
            (RungName.HEALTHY, lambda: self._healthy(service, found)),
            (RungName.READY, lambda: self._probes(service, found, "ready")),
            (RungName.USEFUL, lambda: self._probes(service, found, "useful")),
        )
        rungs: list[Rung] = []
        for name, check in checks:
            rungs.append(self._rung(name, check))
            if not holds(rungs[-1]) or name is upto:
                break
        return Measured(rungs=self._rungs(rungs), facts=facts)

    def _rung(self, name: RungName, check: Callable[[], Found]) -> Rung:
        began = time.monotonic()
        try:
            found = check()
        except Unprobed as error:
            found = Found(RungState.UNKNOWN, str(error))
        except BackendError as error:
            found = Found(RungState.UNKNOWN, error.detail, error.hint)
        except Exception as error:  # a probe of ours that breaks must not pass, and must not end the climb
            found = Found(RungState.UNKNOWN, f"The check broke: {type(error).__name__}: {error}")
        return Rung(
            name=name,
            state=found.state,
            at=self._clock.now(),
            evidence=found.evidence,
            next_step=found.next_step,
            took=time.monotonic() - began,
        )

    def _rungs(self, measured: list[Rung]) -> tuple[Rung, ...]:
        rest = RUNGS[len(measured) :]
        return (*measured, *(Rung(name=name, state=RungState.WAIT) for name in rest))

    def _ending(self, found: Inspected) -> Ending | None:
        if found.container.state in RUNS:
            return None
        try:
            return self._endings.of(found)
        except BackendError:
            return None

    def _listening(self, service: ServiceDecl, found: Inspected) -> Found:
        wanted = {port.container_port for port in service.publish if port.protocol == "tcp"} | set(service.expose)
        if not wanted:
            return NOTHING
        bound = self._bound(found)
        if bound is None:
            return Found(RungState.UNKNOWN, "Its ports cannot be read from here.")
        if missing := sorted(wanted - bound):
            other = sorted(port for port in bound if port < 32768)
            tail = f"; it listens on {', '.join(map(str, other))}" if other else ""
            ports = ", ".join(map(str, missing))
            return Found(
                RungState.FAIL, f"It runs, and nothing listens on {ports} inside{tail}.", "Read its log for the bind."
            )
        for port in service.publish:
            if port.protocol == "tcp" and port.host_port and (why := _refuses(port.host_ip, port.host_port)):
                return Found(
                    RungState.FAIL,
                    f"It listens on {port.container_port} inside, but {port.host_port} here {why}.",
                    "Recreate it: its published port is not forwarded.",
                )
        return Found(RungState.PASS, f"It listens on {', '.join(map(str, sorted(wanted)))}.")

    def _bound(self, found: Inspected) -> frozenset[int] | None:
        if found.container.pid and (ports := self._provisioner.listening(found.container.pid)) is not None:
            return ports
        read = self._podman.exec(found.container.id, ("cat", "/proc/net/tcp", "/proc/net/tcp6"), LOOK)
        return frozenset(listeners.parse(read.out.decode("utf-8", "replace"))) if read.out else None

    def _healthy(self, service: ServiceDecl, found: Inspected) -> Found:
        if service.health is None:
            return NOTHING
        word = self._podman.healthcheck(found.container.id, service.health.timeout + LOOK)
        now = self._podman.inspect(found.container.id)
        log = ((now.document.get("State") or {}).get("Health") or {}).get("Log") or ()
        last = log[-1] if log else {}
        said = shortened(scrub_text(" ".join(str(last.get("Output") or "").split())), 160)
        code = last.get("ExitCode")
        if word is Health.HEALTHY and code in (0, None):
            return Found(RungState.PASS, "Its health command passed.")
        tail = f": {said}" if said else "."
        return Found(RungState.FAIL, f"Its health command ended with {code}{tail}", "Read its log.")

    def _probes(self, service: ServiceDecl, found: Inspected, rung: str) -> Found:
        passed: list[str] = []
        none: list[str] = []
        for probe in service.extra.probes:
            if probe.rung != rung:
                continue
            reach = ContainerReach(self._podman, self._secrets, service, found, probe.timeout)
            result: Finding = registry.run(probe.kind, probe.options, reach)
            if not result.ok:
                return Found(RungState.FAIL, result.evidence, result.next_step)
            (none if result.none else passed).append(result.evidence)
        state = RungState.PASS if passed else RungState.NONE
        return Found(state, " ".join((*passed, *none)))


def _running(found: Inspected, ending: Ending | None) -> Found:
    state = found.container.state
    if state is ContainerState.RUNNING:
        return Found(RungState.PASS, f"It runs, pid {found.container.pid}.")
    if state is ContainerState.PAUSED:
        return Found(RungState.FAIL, "It is paused.", "Let it go on: p in Services.")
    if state in RUNS:
        return Found(RungState.FAIL, f"It is {state.value}.", "Wait for it.")
    if ending is None:
        return Found(RungState.FAIL, f"It is {state.value} and has never run.", "Start it.")
    limit = (found.document.get("HostConfig") or {}).get("Memory")
    step = "Raise its memory limit." if ending.out_of_memory else "Read its log, then start it."
    return Found(RungState.FAIL, endings.sentence(ending, limit), step)


def _refuses(host: str, port: int) -> str:
    try:
        socket.create_connection((ANYWHERE.get(host, host), port), timeout=CONNECT).close()
    except TimeoutError:
        return "does not answer"
    except OSError as error:
        return f"refuses ({error.strerror or error})"
    return ""
