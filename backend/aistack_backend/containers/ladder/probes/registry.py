"""Which module makes which kind of probe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aistack_backend.containers.ladder.probes import (
    command,
    grafana,
    http,
    jaeger,
    model,
    proxy,
    qdrant,
    redis,
    scrape,
    sql,
    tcp,
)
from aistack_backend.containers.ladder.probes.finding import Finding, Options, Reach
from aistack_backend.containers.ladder.probes.options import Key, fault


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of probe."""

    keys: Mapping[str, Key]
    run: Callable[[Options, Reach], Finding]


KINDS: Mapping[str, Kind] = {
    "http": Kind(http.KEYS, http.run),
    "tcp": Kind(tcp.KEYS, tcp.run),
    "exec": Kind(command.KEYS, command.run),
    "sql": Kind(sql.KEYS, sql.run),
    "redis": Kind(redis.KEYS, redis.run),
    "qdrant": Kind(qdrant.KEYS, qdrant.run),
    "scrape": Kind(scrape.KEYS, scrape.run),
    "proxy": Kind(proxy.KEYS, proxy.run),
    "grafana": Kind(grafana.KEYS, grafana.run),
    "jaeger": Kind(jaeger.KEYS, jaeger.run),
    "model": Kind(model.KEYS, model.run),
}


def check_probe(kind: str, options: Options) -> str:
    """Return one sentence on what is wrong with a probe of the manifest; empty = nothing."""
    known = KINDS.get(kind)
    if known is None:
        return f"There is no probe {kind!r}; use {', '.join(sorted(KINDS))}."
    return fault(options, known.keys)


def run(kind: str, options: Options, reach: Reach) -> Finding:
    """Make a probe whose options were checked.

    Raises:
        Unprobed: nothing could be found out. BackendError: Podman does not answer, or refused.
    """
    return KINDS[kind].run(options, reach)
