"""Which checks the doctor makes: those that need no backend, and those of the running parts."""

from __future__ import annotations

import os

from aistack_backend.api.parts import Parts
from aistack_backend.observe import checks, hosts
from aistack_backend.observe.doctor import Check
from aistack_backend.settings import Settings
from aistack_backend.wire.events import Topic
from aistack_backend.wire.models import EngineState, ModelStatus

USABLE = (EngineState.READY, EngineState.BUSY)


def offline(settings: Settings) -> tuple[Check, ...]:
    """Return the checks that a person can make before, after or without a backend."""
    from aistack_backend.containers.podman import ApiPodman

    podman = ApiPodman(settings.podman_url, os.environ)
    return (*_folders(settings), checks.podman_answers(podman.connect, podman.tried), *_hosts(settings))


def running(parts: Parts) -> tuple[Check, ...]:
    """Return the checks of a running backend."""

    def podman() -> str:
        return parts.podman.get().connect()

    def tried() -> str:
        return parts.podman.get().tried()

    def audit() -> str:
        return parts.audit.fault or parts.audit.get().writable() or parts.audit.get().low_space()

    def engine() -> str:
        return parts.engine.fault or parts.engine.get().failure

    def model() -> str:
        said: ModelStatus | None = parts.bus.latest(Topic.MODEL)
        if said is None:
            return parts.inference.fault or "The model has not said anything yet."
        return "" if said.engine in USABLE else f"The model is {said.engine.value}. {said.detail} {said.hint}".strip()

    return (
        *_folders(parts.settings),
        checks.podman_answers(podman, tried),
        checks.nothing_wrong("audit", audit, "Every record can be written and witnessed.", "Free some space."),
        checks.nothing_wrong("engine", engine, "Approved actions are executed.", "Look into logs/backend.log."),
        checks.nothing_wrong("model", model, "The model answers.", "See the Chat screen."),
        *_hosts(parts.settings),
        *_stack(parts),
    )


def _hosts(settings: Settings) -> tuple[Check, ...]:
    return tuple(hosts.reachable(host) for host in settings.config.hosts)


def _stack(parts: Parts) -> tuple[Check, ...]:
    from aistack_backend.api import preflight

    return preflight.checks(parts)


def _folders(settings: Settings) -> tuple[Check, ...]:
    return (
        checks.folder_is_private(settings.data_dir),
        checks.disk_has_room(settings.data_dir),
        checks.socket_is_private(settings.socket),
        checks.survives_logout(),
    )
