"""From a service's declaration to the container that it wants, and the hash that tells one from another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any

from aistack_backend.containers.parse import MANAGED
from aistack_backend.containers.provision import ServiceSpec
from aistack_backend.containers.stack import bound
from aistack_backend.containers.stack.models import Manifest, ServiceDecl
from aistack_backend.wire.containers import Container

STACK, SERVICE, CONFIG, FILES = "io.aistack.stack", "io.aistack.service", "io.aistack.config", "io.aistack.files"
"""Labels of all that a stack is made of."""
NOT_CONFIG = frozenset({"id", "needs", "build", "extra", "cpus_reserve", "expose", "image"})
"""What does not make another container: how it is healed, probed, ordered, built, or found listening. The image is
compared by its id."""


def config_hash(service: ServiceDecl) -> str:
    """Return 16 hex digits over all that makes the container of a service, but its image."""
    parts: dict[str, Any] = {
        one.name: getattr(service, one.name) for one in fields(service) if one.name not in NOT_CONFIG
    }
    plain = {key: _plain(value) for key, value in parts.items()}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def labels(manifest: Manifest, service: ServiceDecl | None = None) -> dict[str, str]:
    """Return the labels of an object of the stack, or of a service's container."""
    own = {MANAGED: "true", STACK: manifest.project}
    if service is None:
        return own
    own |= {SERVICE: service.id, CONFIG: config_hash(service)}
    if prints := bound.fingerprints(manifest, service):
        own[FILES] = json.dumps(prints, sort_keys=True)
    return {**dict(service.labels), **own}


def wanted(manifest: Manifest, service: ServiceDecl) -> str:
    """Return what is wanted of a service, to compare: its declaration's hash, and that of the files it mounts."""
    files = bound.brief(bound.fingerprints(manifest, service))
    return f"{config_hash(service)}+{files}" if files else config_hash(service)


def ours(manifest: Manifest, service: ServiceDecl, found: Container) -> bool:
    """Tell whether a container is this service of this stack, and not somebody else's of its name."""
    return found.managed and found.labels.get(STACK) == manifest.project and found.labels.get(SERVICE) == service.id


def spec(manifest: Manifest, service: ServiceDecl, image_id: str) -> ServiceSpec:
    """Return the container that a service wants, made of this image."""
    return ServiceSpec(
        name=service.container,
        image=image_id,
        labels=labels(manifest, service),
        command=service.command,
        entrypoint=service.entrypoint,
        environment=service.environment,
        user=service.user,
        working_dir=service.working_dir,
        hostname=service.hostname,
        publish=service.publish,
        mounts=service.mounts,
        networks=service.networks,
        health=service.health,
        restart=service.restart,
        memory_limit=service.memory_limit,
        memory_reserve=service.memory_reserve,
        cpus=service.cpus_limit,
        pids_limit=service.pids_limit,
        cap_drop=service.cap_drop,
        cap_add=service.cap_add,
        no_new_privileges=service.no_new_privileges,
        read_only=service.read_only,
        init=service.init,
        stop_timeout=max(1, round(service.stop_grace)),
        secrets=service.secrets,
        extra_hosts=service.extra_hosts,
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
