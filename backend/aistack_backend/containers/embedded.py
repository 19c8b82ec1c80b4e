"""What stands in for a service inside the backend, as far as it is built: a row never claims what is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aistack_backend.containers.stack.models import ServiceDecl


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Which parts of this backend run now."""

    sqlite: bool
    model: bool
    recorder: bool
    heal: bool


def standin(service: ServiceDecl, parts: Parts) -> str:
    """Return what stands in for a service of our own stack; empty = nothing does, or it is not built yet."""
    known: Mapping[str, tuple[bool, str]] = {
        "postgres": (parts.sqlite, "the SQLite file aistack.db, for the backend's own tables"),
        "llama-cpp": (parts.model, "the local model in a child process"),
        "prometheus": (parts.recorder, "the recorder: a bounded ring of metrics"),
        "grafana": (parts.recorder, "the trends on the Resources screen"),
        "open-webui": (parts.model, "the Chat screen"),
        "health-monitor": (True, "this ladder"),
        "self-heal-manager": (parts.heal, "the backend's self-heal"),
        "ralph-wiggum": (True, "the backend's queue: goals and loops behind the gate, under /ralph"),
        "code-machine": (True, "the backend's workflows, under /code"),
        "aider-wrapper": (True, "loops that edit files in words, under /aider"),
        "watchtower": (True, "the backend's updates behind a health gate"),
        "nginx": (True, "the backend's own routes"),
    }
    there, what = known.get(service.id, (False, ""))
    return what if there and service.extra.embedded else ""


def external(setting: str) -> dict[str, str]:
    """Read ``ID=URL, ID=URL``; what is not of that form is left out."""
    pairs = (one.partition("=") for one in setting.split(","))
    return {key.strip(): url.strip() for key, equals, url in pairs if equals and key.strip() and url.strip()}
