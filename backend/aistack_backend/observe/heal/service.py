"""Self-heal as a part: looks once a second, decides by the policy, acts only through the gate."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from aistack_backend.approvals.policy import Effect, Policy, Rule
from aistack_backend.bus import Bus
from aistack_backend.clock import Clock
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.engine.port import Journal
from aistack_backend.errors import BackendError
from aistack_backend.observe.heal.memory import Memory
from aistack_backend.observe.heal.models import Decision, Patient, Track
from aistack_backend.observe.heal.patients import GAVE_UP, REQUESTER, patients, rules
from aistack_backend.observe.heal.policy import Draw, decide
from aistack_backend.observe.heal.words import words
from aistack_backend.store.database import Database
from aistack_backend.wire.actions import ActionRequest
from aistack_backend.wire.audit import Phase
from aistack_backend.wire.events import Topic
from aistack_backend.wire.stack import RungName, RungState, Service, Stack
from aistack_backend.wire.tasks import Task, TaskState

log = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between two looks."""
SOURCE = "heal"
ASKS = Rule(effect=Effect.ASK, kind="*", requester=GAVE_UP, why="self-heal has given up")
UNASKED = "it is not allowed unasked; a person was asked"


class Submit(Protocol):
    """The one way to act: ``orchestration.tasks.Tasks``."""

    def submit_action(self, request: ActionRequest, requester: str, via: str) -> Task:
        """Ask for one action; the gate decides."""
        ...


class Healer:
    """Watches the stack's snapshots and has failed services restarted. ``tick`` blocks on SQL and Podman."""

    def __init__(
        self,
        submit: Submit,
        manifest: Callable[[], Manifest | None],
        policy: Policy,
        audit: Journal,
        database: Database,
        clock: Clock,
        bus: Bus,
        draw: Draw | None = None,
        busy: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """``manifest`` gives the one in force, None while it cannot be read: nothing is healed then. ``busy``: the
        services that something else acts on just now."""
        self._submit = submit
        self._manifest = manifest
        self._policy = policy
        self._audit = audit
        self._database = database
        self._clock = clock
        self._bus = bus
        self._draw = draw or (lambda: random.uniform(-1.0, 1.0))  # noqa: S311  jitter, no secret
        self._busy = busy
        self._memory = Memory(database, clock)
        self._tracks: dict[str, Track] | None = None
        self._ruled: Manifest | None = None
        self._known: dict[str, str] = {}
        self._ticking = threading.Lock()

    def words(self, service: str) -> str:
        """Return what ``wire.stack.Service.heal`` is to say, as of the last look; quick, from any thread."""
        return self._known.get(service, "")

    def tick(self) -> Decision:
        """Look once, remember, act; returns what was decided.

        Raises:
            BackendError: nothing could be remembered, so nothing was done.
        """
        with self._ticking:
            stack, manifest = self._bus.latest(Topic.STACK), self._manifest()
            if stack is None or manifest is None:
                return Decision()
            self._adopt(manifest)
            if self._tracks is None:
                self._tracks = self._memory.load()
            found = patients(stack, manifest, self._bus.latest(Topic.BOOT), self._clock.now(), self._busy())
            decision = decide(found, self._tracks, self._clock.mono(), self._draw, hold=stack.hold)
            self._keep({**self._tracks, **decision.tracks})  # counted before anything acts
            services = {service.id: service for service in stack.services}
            for ident in decision.restart:
                self._restart(services[ident], found[ident])
            for ident in decision.give_up:
                self._ask(services[ident], decision.tracks[ident])
            self._tell(found, decision, stack)
            return decision

    def _adopt(self, manifest: Manifest) -> None:
        if manifest is self._ruled:
            return
        new = (ASKS, *rules(manifest))
        if self._policy.adopt(SOURCE, new):
            detail = {"rules": [rule.words() for rule in new]}
            with self._database.tx() as connection:
                self._audit.append(
                    connection, phase=Phase.NOTE, actor="backend", via="auto", kind="policy.rules", detail=detail
                )
            self._audit.seal()
        self._ruled = manifest

    def _keep(self, tracks: dict[str, Track]) -> None:
        self._memory.save(tracks)
        self._tracks = tracks

    def _restart(self, service: Service, patient: Patient) -> None:
        track = (self._tracks or {})[service.id]
        count = f"{len(track.tries)} of {patient.heal.give_up_after} in {patient.heal.window / 60:g} min"
        request = _wish(service, f"self-heal: {service.id} is {service.state}: {service.why} Restart {count}.")
        try:
            task = self._submit.submit_action(request, REQUESTER, "auto")
        except BackendError as error:
            log.warning("%s was not restarted: %s", service.id, error.detail)
            return
        if task.state is TaskState.AWAITING:
            self._give_up(service.id, UNASKED)

    def _ask(self, service: Service, track: Track) -> None:
        """Leave one request for a person; when it lapses, the words of the service still say that it gave up."""
        said = f"self-heal has given up on {service.id}: {track.given_up}. {service.why} Restart it once more?"
        try:
            self._submit.submit_action(_wish(service, said), GAVE_UP, "auto")
        except BackendError as error:
            log.warning("nobody could be asked about %s: %s", service.id, error.detail)

    def _give_up(self, ident: str, why: str) -> None:
        tracks = dict(self._tracks or {})
        tracks[ident] = replace(tracks[ident], given_up=why, due=None, acting=None)
        self._keep(tracks)

    def _tell(self, found: dict[str, Patient], decision: Decision, stack: Stack) -> None:
        now, tracks = self._clock.mono(), self._tracks or {}
        self._known = {
            ident: words(patient, tracks[ident], now, decision.waits_for.get(ident, ""), hold=stack.hold)
            for ident, patient in found.items()
        }


def _wish(service: Service, reason: str) -> ActionRequest:
    running = any(rung.name is RungName.RUNNING and rung.state is RungState.PASS for rung in service.rungs)
    kind = "container.restart" if running else "container.start"
    return ActionRequest(kind=kind, target=service.container, reason=reason[:1000])
