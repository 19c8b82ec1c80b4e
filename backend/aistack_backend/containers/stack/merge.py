"""Several Compose files as one, merged as Compose merges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aistack_backend.containers.stack.place import Place

REPLACED = frozenset({"command", "entrypoint", "test"})
"""Lists that the later file replaces; all others are joined."""
PAIRS = frozenset({"environment", "labels", "args", "extra_hosts"})
"""Lists of ``NAME=value`` that merge by name."""
NAMES = frozenset({"depends_on", "networks"})
"""Lists of names that merge with their mapping form."""


def merge(base: Place, over: Place) -> Place:
    """Return ``base`` with ``over`` laid on it: mappings and ``NAME=value`` lists by name, mounts by their target,
    other lists joined, commands and single values replaced."""
    return Place(_merged(base.value, over.value, ""), (), {**base.where, **over.where})


def _merged(base: Any, over: Any, key: str) -> Any:
    if isinstance(base, list) != isinstance(over, list):
        base, over = _as_mapping(base, key), _as_mapping(over, key)
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            **base,
            **{name: _merged(base[name], over[name], name) if name in base else over[name] for name in over},
        }
    if not isinstance(base, list) or not isinstance(over, list) or key in REPLACED:
        return over
    if key in PAIRS or key in NAMES:
        return _merged(_as_mapping(base, key), _as_mapping(over, key), key)
    if key == "volumes":
        return _by(base, over, _target)
    return [*base, *(item for item in over if item not in base)]


def _as_mapping(value: Any, key: str) -> Any:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return value
    if key in NAMES:
        return {item: {"condition": "service_started"} if key == "depends_on" else None for item in value}
    if key not in PAIRS:
        return value
    split = ":" if key == "extra_hosts" and not any("=" in item for item in value) else "="
    return {name: rest if found else None for name, found, rest in (item.partition(split) for item in value)}


def _target(mount: Any) -> Any:
    if isinstance(mount, dict):
        return mount.get("target")
    parts = str(mount).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _by(base: list[Any], over: list[Any], name: Callable[[Any], Any]) -> list[Any]:
    replaced = {name(item) for item in over}
    return [*(item for item in base if name(item) not in replaced), *over]
