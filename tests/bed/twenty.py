"""The twenty services of the deployment note, as tests hold our manifest to it."""

from __future__ import annotations

import functools

from aistack_backend.containers.stack.load import load
from aistack_backend.containers.stack.models import Manifest
from aistack_backend.containers.stack.source import bundled

GROUPS = {
    "data": {"postgres", "redis", "qdrant"},
    "mcp": {"aidb", "embeddings", "nixos-docs", "health-monitor"},
    "orchestration": {"ralph-wiggum", "hybrid-coordinator", "code-machine"},
    "ai": {"llama-cpp", "aider-wrapper", "mindsdb"},
    "monitoring": {"prometheus", "grafana", "jaeger"},
    "infrastructure": {"nginx", "open-webui", "watchtower", "self-heal-manager"},
}
PORTS = {
    "nginx": 8443,
    "open-webui": 3001,
    "grafana": 3002,
    "jaeger": 16686,
    "mindsdb": 47334,
    "postgres": 5432,
    "qdrant": 6333,
    "redis": 6379,
    "llama-cpp": 8080,
    "embeddings": 8081,
    "prometheus": 9090,
    "ralph-wiggum": 8090,
    "aidb": 8091,
    "hybrid-coordinator": 8092,
    "nixos-docs": 8094,
    "code-machine": 8095,
    "aider-wrapper": 8096,
    "health-monitor": 8097,
    "self-heal-manager": 8098,
    "watchtower": 8099,
}
MINIMAL = ("postgres", "redis", "qdrant", "aidb", "embeddings")
CONTROL = {
    "ralph-wiggum",
    "code-machine",
    "aider-wrapper",
    "health-monitor",
    "self-heal-manager",
    "watchtower",
}
ROLES = CONTROL | {"aidb", "hybrid-coordinator", "nixos-docs", "embeddings", "llama-cpp"}
GIB = 1 << 30


@functools.cache
def stack() -> Manifest:
    """The manifest as it is shipped."""
    return load([bundled()], {})
