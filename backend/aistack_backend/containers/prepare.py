"""From words to one complete, pinned action, with what it will change measured."""

from __future__ import annotations

from dataclasses import replace

from aistack_backend.approvals.action import Action
from aistack_backend.approvals.evidence import Evidence
from aistack_backend.audit.redact import shortened
from aistack_backend.containers import effects, pins, sandbox, sandbox_image
from aistack_backend.containers.parse import MANAGED, RUNS
from aistack_backend.containers.port import Podman
from aistack_backend.containers.service import Containers, Side
from aistack_backend.errors import BadInput, NotFound, Unavailable
from aistack_backend.wire.actions import Target
from aistack_backend.wire.containers import Container, ContainerState, Verb

COMMANDS = {Verb.REMOVE: "rm"}
VERBS = tuple(verb for verb in Verb if verb is not Verb.UNKNOWN)
CONTAINER_KINDS = frozenset(f"container.{verb.value}" for verb in VERBS)
KINDS = CONTAINER_KINDS | {sandbox.KIND}


class Preparer:
    """Resolves names to full ids, pins them, measures. Changes nothing; blocks for a few calls to Podman."""

    kinds = KINDS

    def __init__(self, podman: Podman, containers: Containers, image: str = "") -> None:
        """``image``: what shell commands run in; empty = the usual ones (see ``sandbox_image``)."""
        self._podman = podman
        self._containers = containers
        self._image = image

    def prepare(
        self, kind: str, target: str, script: str = "", requester: str = "", task_id: int = 0
    ) -> tuple[Action, Evidence]:
        """Return the action record and the evidence shown beside it. The same world gives the same record.

        Raises:
            NotFound: the target does not exist; the hint names the nearest.
            BadInput: unknown kind, ambiguous target, or the object's state cannot allow it; one sentence.
            Unavailable: Podman does not answer, or there is no image for shell commands.
        """
        if kind in CONTAINER_KINDS:
            return self._container(Verb(kind.partition(".")[2]), target, requester, task_id)
        if kind == sandbox.KIND:
            return self._shell(script, requester, task_id)
        raise BadInput(f"There is no action {kind!r}.", f"Use one of {', '.join(sorted(KINDS))}.")

    def _container(self, verb: Verb, ref: str, requester: str, task_id: int) -> tuple[Action, Evidence]:
        if not ref:
            raise BadInput(f"No container is named to {verb.value}.", "Give its name or its id.")
        chosen = self._containers.resolve(ref)
        side = self._containers.side(chosen.host) if chosen.host else Side(self._podman)
        found = side.podman.inspect(chosen.id, size=verb is Verb.REMOVE)
        row = replace(found.container, host=chosen.host)
        _possible(verb, row.state, row.full_name)
        force = ("--force",) if verb is Verb.REMOVE and row.state in RUNS else ()
        action = Action(
            kind=f"container.{verb.value}",
            argv=("podman", *side.flags, COMMANDS.get(verb, verb.value), *force, row.id),
            image=row.image_id,
            targets=(_target(row, pins.container_pin(found)),),
            requester=requester,
            task_id=task_id,
        )
        managed = _managed(side.podman, row)
        where = f"On the machine {row.host}. " if row.host else ""
        evidence = Evidence(
            title=f"{verb.value} container {row.full_name}",
            effect=where + _flagged(effects.effect(side.podman, verb, found), managed=managed),
            undo=effects.undo(verb, row.full_name),
            managed=managed,
        )
        return action, evidence

    def _shell(self, script: str, requester: str, task_id: int) -> tuple[Action, Evidence]:
        image = sandbox_image.find(self._podman, self._image)
        if image is None:
            raise Unavailable(
                f"There is no image to run shell commands in ({', '.join(sandbox_image.names(self._image))}).",
                sandbox_image.HINT,
            )
        action = sandbox.action(script, image.id, requester, task_id)
        first = script.strip().splitlines()[0]
        shown = shortened(first, 60)
        evidence = Evidence(
            title=f"run in a sandbox: {shown}{'…' if shown == first != script.strip() else ''}",
            effect="Runs in a container of its own, without network, capabilities or files of this machine; "
            f"at most {sandbox.DEADLINE} s, 1 GiB, 2 cores. Image: {', '.join(image.tags[:1]) or image.id[:12]}.",
            undo="not needed: the container and all that it wrote are removed at its end",
            managed=True,
        )
        return action, evidence


def _target(row: Container, pin: str) -> Target:
    return Target(type="container", id=row.id, name=row.full_name, pin=pin, host=row.host)


def _managed(podman: Podman, row: Container) -> bool:
    """Whether who created the container labelled it: an image's author must not lower the risk (R4.7)."""
    if not row.managed:
        return False
    try:
        return MANAGED not in podman.image(row.image_id).labels
    except NotFound:
        return False


def _possible(verb: Verb, state: ContainerState, name: str) -> None:
    needed = {
        Verb.KILL: RUNS,
        Verb.PAUSE: frozenset({ContainerState.RUNNING}),
        Verb.UNPAUSE: frozenset({ContainerState.PAUSED}),
    }.get(verb)
    if needed is not None and state not in needed:
        raise BadInput(f"Container {name} is {state.value}: it cannot be {_participle(verb)}.")


def _participle(verb: Verb) -> str:
    return f"{verb.value.removesuffix('e')}ed"


def _flagged(effect: str, *, managed: bool) -> str:
    if managed:
        return effect
    return f"It is NOT one of this stack's own objects (no label {MANAGED}). {effect}"
